"""Token counts: the API's overlapping totals and details, and our buckets that never overlap.

Source: OpenAI's `CompletionUsage`; DeepSeek's `prompt_cache_hit_tokens`; OpenRouter's `cost` (dollars); vLLM and others
send the first three members only. `cached_tokens`, `cache_write_tokens` and the prompt's `audio_tokens` are part of
`prompt_tokens`; `reasoning_tokens` and the completion's `audio_tokens` are part of `completion_tokens` (but xAI counts
reasoning beside it, and Google's compatible address tells it nowhere: then the total says so).
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

from meshwright.types.errors import UpstreamProtocol
from meshwright.types.usage import Usage
from meshwright.wire.openai_chat.loose import members
from meshwright.wire.openai_chat.parts import Notes
from meshwright.wire.openai_chat.sift import Found, Members, sift


class _Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None
    text_tokens: int | None = None


class _Completion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Predictions are nearly always told and nearly always nothing; another count has no bucket."""

    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    text_tokens: int | None = None
    accepted_prediction_tokens: Literal[0] | None = None
    rejected_prediction_tokens: Literal[0] | None = None


class _Usage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`text_tokens` and `prompt_cache_miss_tokens` follow from the other counts."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _Prompt | None = None
    completion_tokens_details: _Completion | None = None
    prompt_cache_hit_tokens: int | None = None
    prompt_cache_miss_tokens: int | None = None
    cost: float | None = None


_USAGE: msgspec.json.Decoder[_Usage] = msgspec.json.Decoder(_Usage)
_LAX: msgspec.json.Decoder[_Usage] = msgspec.json.Decoder(_Usage, strict=False)
"""Takes 5.0 and "5" for five: an answer that is made and paid for is not thrown away for how its count is written."""


def _zero(raw: Raw) -> Raw | None:
    return raw if bytes(raw) == b"0" else None


_SHAPE = members(
    _Usage,
    prompt_tokens_details=members(_Prompt),
    completion_tokens_details=members(_Completion, accepted_prediction_tokens=_zero, rejected_prediction_tokens=_zero),
)
_NOTHING = _Prompt()
_NONE = _Completion()
# Details of predicted outputs, of images and of other kinds are nearly always there and nearly always nothing.
_MOST = 1e12
"""Dollars that no answer costs; a number that multiplied would be no number any more is this one."""
_ZERO = (b"0", b"0.0", b"false", b"{}", b"[]")


def usage_in(raw: Raw) -> tuple[Usage, Members]:
    """The buckets, and the members that have none (but for zeros). Raises UpstreamProtocol."""
    found = Found()
    try:
        try:
            read = _USAGE.decode(raw)
        except msgspec.ValidationError:
            read = _LAX.decode(sift(raw, _SHAPE, found) or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamProtocol(f"The provider's usage is not what its dialect promises: {error}.") from None
    prompt, completion = read.prompt_tokens_details or _NOTHING, read.completion_tokens_details or _NONE
    cached = prompt.cached_tokens if prompt.cached_tokens is not None else read.prompt_cache_hit_tokens
    cache_read, cache_write, heard = cached or 0, prompt.cache_write_tokens or 0, prompt.audio_tokens or 0
    thought, spoken = completion.reasoning_tokens or 0, completion.audio_tokens or 0
    total_in, total_out = read.prompt_tokens or 0, read.completion_tokens or 0
    beside = (read.total_tokens or 0) - total_in - total_out
    if beside > 0 and thought in (0, beside) and min(total_in, total_out) >= 0:
        thought = beside
        total_out += beside
    usage = Usage(
        # Below nothing stays so: whoever prices it sees that it is no count.
        input=max(min(0, total_in), total_in - cache_read - cache_write - heard),
        cache_read=cache_read,
        cache_write=cache_write,
        audio_input=heard,
        output=max(min(0, total_out), total_out - thought - spoken),
        reasoning=thought,
        audio_output=spoken,
        cost_nano=None if read.cost is None else round(max(-_MOST, min(read.cost, _MOST)) * 1e9),
    )
    return usage, [(path, value) for path, value in found.members if bytes(value) not in _ZERO]


def usage_out(usage: Usage, notes: Notes) -> dict[str, object]:
    """The API's `usage`. What has no bucket there is noted under the field "usage"."""
    if usage.cache_write_1h:
        notes.changed("usage", "Chat Completions counts all tokens written to the cache together.")
    if usage.requests:
        notes.dropped("usage", "Chat Completions does not count a provider's own tool requests.")
    if usage.estimated:
        notes.dropped("usage", "Chat Completions cannot say that counts are estimates.")
    body: dict[str, object] = {
        "prompt_tokens": usage.total_input,
        "completion_tokens": usage.total_output,
        "total_tokens": usage.total_input + usage.total_output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "audio_tokens": usage.audio_input},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": usage.audio_output},
    }
    written = usage.cache_write + usage.cache_write_1h
    if written:
        body["prompt_tokens_details"] = {
            "cached_tokens": usage.cache_read,
            "audio_tokens": usage.audio_input,
            "cache_write_tokens": written,
        }
    if usage.cost_nano is not None:
        body["cost"] = usage.cost_nano / 1e9
    return body
