"""The response object: what the API repeats of the request, and what is its own.

Source: https://platform.openai.com/docs/api-reference/responses/object.
"""

from __future__ import annotations

from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.request import Request, ToolSpec
from meshwright.types.usage import Usage
from meshwright.wire.notes import Notes
from meshwright.wire.openai_responses.content_out import Json
from meshwright.wire.openai_responses.members import NAME, NULL, OBJECT
from meshwright.wire.openai_responses.options import choice_out, format_out, reasoning_out, tool_out
from meshwright.wire.openai_responses.request_out import instructions_of
from meshwright.wire.openai_responses.usage import usage_out
from meshwright.wire.verbatim import is_object, raw_of

NAMELESS = "resp_mesh"
"""The id of an answer to which its provider gave none."""

# Members of a request that have no place in `Request` and that the API repeats as they were sent.
_AS_SENT = ("background", "max_tool_calls", "prompt", "prompt_cache_retention", "safety_identifier", "truncation")


class Answer:
    """Makes the response objects of one answer: its own members change from event to event, the request's do not."""

    __slots__ = ("_after", "_before", "_notes", "created", "extra", "id", "model", "service_tier")

    def __init__(self, request: Request, notes: Notes) -> None:
        self._notes = notes
        self._before, self._after = repeated(request)
        self.id = NAMELESS
        self.model = request.model
        self.created = 0
        self.service_tier = ""
        self.extra: dict[str, Opaque] = {}

    def keep(self, extra: Opaque) -> None:
        """A member of the provider's response object that only this dialect has."""
        if extra.dialect == NAME:
            self.extra[extra.kind] = extra
        else:
            self._notes.dropped(extra.kind, f"Only {extra.dialect} has this.")

    def whole(self, status: str, reason: str, output: Raw, usage: Usage | None, error: Json | None = None) -> Json:
        """The response object in this state. `reason` says why it is incomplete."""
        kept = self.extra.get("usage")
        counts = None if usage is None else usage_out(usage, kept.raw if kept else None, self._notes)
        if status == "failed" and error is None:
            error = {"code": "server_error", "message": "The model failed."}
        made: Json = {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "completed_at": None,
            "error": error,
            "incomplete_details": {"reason": reason} if reason else None,
            **self._before,
            "model": self.model,
            "output": output,
            **self._after,
        }
        # Open Responses asks for a word, and who has no tiers serves everybody in the usual one.
        made["service_tier"] = self.service_tier or "default"
        made["usage"] = counts
        for name, extra in self.extra.items():
            if name not in ("usage", "status", "incomplete_details") and not name.startswith("event."):
                made[name] = extra.raw
        if status == "incomplete" and not reason and "incomplete_details" in self.extra:
            made["incomplete_details"] = self.extra["incomplete_details"].raw
        return made


def repeated(request: Request) -> tuple[Json, Json]:
    """What the API repeats of the request, before and after the output, with its own defaults where it was not said.

    An answer that we translated is not stored by anybody, so `store` is false whatever was asked for.
    """
    silent = Notes()  # what of the request was lost is told when it is sent, not when it is repeated
    sent = {extra.kind: extra.raw for extra in request.extra if extra.dialect == NAME}
    before: Json = {
        "instructions": instructions_of(request.messages) or None,
        "max_output_tokens": request.max_tokens,
    }
    choice: object = sent.get("tool_choice", "auto")
    if request.tool_choice is not None:
        choice = choice_out(request.tool_choice, request.tools, silent)
    after: Json = {
        "background": False,
        "frequency_penalty": 0.0,
        "max_tool_calls": None,
        "parallel_tool_calls": request.parallel_tools is not False,
        "presence_penalty": 0.0,
        "previous_response_id": request.previous_response_id or None,
        "prompt_cache_key": request.cache_key or None,
        "reasoning": _reasoning(request, sent, silent),
        "safety_identifier": None,
        "store": False,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": _text(request, silent),
        "tool_choice": choice,
        "tools": [tool for spec in request.tools if (tool := _tool(spec, silent)) is not None],
        "top_logprobs": request.top_logprobs or 0,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": "disabled",
        "user": request.user or None,
        "metadata": request.metadata if request.metadata is not None else {},
    }
    after.update((name, sent[name]) for name in _AS_SENT if name in sent)
    conversation = sent.get("conversation", NULL)
    if conversation != NULL:
        after["conversation"] = conversation if is_object(conversation) else {"id": conversation}
    return _raw(before), _raw(after)


def _raw(values: Json) -> Json:
    return {name: raw_of(value) for name, value in values.items()}


def _tool(spec: ToolSpec, silent: Notes) -> Json | Raw | None:
    out = tool_out(spec, silent)
    if isinstance(out, dict) and out["type"] == "function":
        out.setdefault("description", None)
    return out


def _text(request: Request, silent: Notes) -> Json:
    output = request.output
    form: Json = {"type": "text"} if output is None else format_out(output, silent)
    if form["type"] == "json_schema":
        form.setdefault("description", None)
        form.setdefault("strict", False)
    return {
        "format": form,
        "verbosity": request.verbosity or "medium",
    }


def _reasoning(request: Request, sent: dict[str, Raw], silent: Notes) -> Json:
    control = request.reasoning
    out: Json = {"effort": None, "summary": None}
    if control is not None:
        out.update(reasoning_out(control, silent))
    if "reasoning" in sent:
        out.update(OBJECT.decode(sent["reasoning"]))
    return out
