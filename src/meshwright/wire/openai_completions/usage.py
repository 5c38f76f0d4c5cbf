"""Token counts: totals with their details, and our buckets that never overlap.

Source: `CompletionUsage` of OpenAI's API: cached tokens are part of `prompt_tokens`, reasoning of `completion_tokens`.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.usage import Usage
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import present


class _Read(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None
    audio_tokens: int | None = None


class _Written(msgspec.Struct, frozen=True):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Read | None = None
    completion_tokens_details: _Written | None = None


_USAGE: msgspec.json.Decoder[_Usage] = msgspec.json.Decoder(_Usage)


def usage_in(raw: Raw) -> Usage | None:
    """The buckets, None when nothing is counted. Raises msgspec.ValidationError."""
    if not present(raw):
        return None
    told = _USAGE.decode(raw)
    read, written = told.prompt_tokens_details or _Read(), told.completion_tokens_details or _Written()
    cached, heard = read.cached_tokens or 0, read.audio_tokens or 0
    thought, spoken = written.reasoning_tokens or 0, written.audio_tokens or 0
    return Usage(
        input=max(0, (told.prompt_tokens or 0) - cached - heard),
        cache_read=cached,
        audio_input=heard,
        output=max(0, (told.completion_tokens or 0) - thought - spoken),
        reasoning=thought,
        audio_output=spoken,
    )


def usage_out(usage: Usage, notes: Notes) -> dict[str, object]:
    """The API's `usage`."""
    if usage.cache_write or usage.cache_write_1h:
        notes.changed("usage", "What was written to a cache is counted as read here.")
    if usage.requests or usage.estimated or usage.cost_nano is not None:
        notes.dropped("usage.more", "The dialect counts tokens, not requests or money, and does not say who counted.")
    told: dict[str, object] = {
        "prompt_tokens": usage.total_input,
        "completion_tokens": usage.total_output,
        "total_tokens": usage.total_input + usage.total_output,
    }
    if usage.cache_read or usage.audio_input:
        told["prompt_tokens_details"] = {"cached_tokens": usage.cache_read, "audio_tokens": usage.audio_input}
    if usage.reasoning or usage.audio_output:
        told["completion_tokens_details"] = {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_output,
        }
    return told
