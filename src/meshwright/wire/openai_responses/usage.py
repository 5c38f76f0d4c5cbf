"""Token counts and the reason for the end of an answer, both ways.

Source: https://platform.openai.com/docs/api-reference/responses/object (usage, status, incomplete_details). The parts
of a count are contained in it: cached and written tokens in `input_tokens`, reasoning in `output_tokens`.
"""

from __future__ import annotations

from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.response import Finish
from meshwright.types.usage import Usage
from meshwright.wire.notes import Notes
from meshwright.wire.openai_responses.members import OBJECT, STRING, WHOLE, Members
from meshwright.wire.verbatim import raw_of

Json = dict[str, object]
_REASONS: dict[str, Finish] = {"max_output_tokens": "length", "content_filter": "content_filter"}


def usage_in(raw: Raw, path: str) -> tuple[Usage, Raw | None]:
    """The counts in buckets that do not overlap, and members that are unknown here (None if there are none)."""
    members = Members(raw, path)
    details = Members(members.raw("input_tokens_details") or _EMPTY, f"{path}.input_tokens_details")
    made = Members(members.raw("output_tokens_details") or _EMPTY, f"{path}.output_tokens_details")
    cached = details.take("cached_tokens", WHOLE) or 0
    written = details.take("cache_write_tokens", WHOLE) or 0
    reasoning = made.take("reasoning_tokens", WHOLE) or 0
    usage = Usage(
        input=max(0, (members.take("input_tokens", WHOLE) or 0) - cached - written),
        cache_read=cached,
        cache_write=written,
        output=max(0, (members.take("output_tokens", WHOLE) or 0) - reasoning),
        reasoning=reasoning,
    )
    members.left.pop("total_tokens", None)
    left = members.rest()
    for name, inner in (("input_tokens_details", details.rest()), ("output_tokens_details", made.rest())):
        if inner:
            left[name] = raw_of(inner)
    return usage, raw_of(left) if left else None


def usage_out(usage: Usage, kept: Raw | None, notes: Notes) -> Json:
    """`usage`, with the provider's own members put back."""
    if usage.audio_input or usage.audio_output or usage.cache_write_1h:
        notes.changed("usage.audio", "Sound and long-lived cache writes are counted with the rest.")
    if usage.requests or usage.estimated or usage.cost_nano is not None:
        notes.dropped("usage.cost", "The count says neither its price nor how it was made.")
    details: Json = {
        "cached_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write + usage.cache_write_1h,
    }
    made: Json = {"reasoning_tokens": usage.reasoning}
    out: Json = {
        "input_tokens": usage.total_input,
        "input_tokens_details": details,
        "output_tokens": usage.total_output,
        "output_tokens_details": made,
        "total_tokens": usage.total_input + usage.total_output,
    }
    if kept is not None:
        members = OBJECT.decode(kept)
        for name, inner in (("input_tokens_details", details), ("output_tokens_details", made)):
            if name in members:
                inner.update(OBJECT.decode(members.pop(name)))
        out.update(members)
    return out


def finish_in(status: str, reason: str, *, calls: bool) -> Finish | None:
    """Why the answer ended; None when it has not (a response in the background). `calls`: it calls tools."""
    match status:
        case "" | "completed":
            return "tool_calls" if calls else "stop"
        case "incomplete":
            return _REASONS.get(reason, "unknown")
        case "failed":
            return "error"
        case "queued" | "in_progress":
            return None
        case _:
            return "unknown"


def finish_out(finish: Finish | None, stop: str, kept: Opaque | None, notes: Notes, *, calls: bool) -> tuple[str, str]:
    """(`status`, the reason of `incomplete_details`); the latter is "" unless the answer is incomplete.

    `kept` is the provider's own status, for which we have no word. `calls`: the answer calls tools.
    """
    if stop:
        notes.dropped("choices.stop", "The API does not say which sequence ended the answer.")
    if kept is not None and finish in (None, "unknown"):
        return STRING.decode(kept.raw), ""
    match finish:
        case None:
            return "in_progress", ""
        case "stop" | "tool_calls":
            if (finish == "tool_calls") != calls:
                notes.changed("choices.finish", "That tools are to be called is said by the calls alone.")
            return "completed", ""
        case "length":
            return "incomplete", "max_output_tokens"
        case "content_filter":
            return "incomplete", "content_filter"
        case "context":
            notes.changed("choices.finish", "That the context was full is said as a limit of the output.")
            return "incomplete", "max_output_tokens"
        case "refusal":
            notes.changed("choices.finish", "A refusal is said as filtered content.")
            return "incomplete", "content_filter"
        case "error":
            return "failed", ""
        case _:
            notes.changed(
                "choices.finish", f"The API has no word for the finish {finish!r}: the answer counts as complete."
            )
            return "completed", ""


_EMPTY = raw_of({})
