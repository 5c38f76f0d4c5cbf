"""Token counts, both ways.

Source: https://ai.google.dev/api/generate-content (UsageMetadata): the prompt's count includes what was read from a
cache and what was heard; results of Google's own tools and thoughts are counted apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.usage import Usage
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.gemini.spelling import members
from meshwright.wire.notes import Notes

_PREFIX = "usageMetadata."
_TOOLS = "toolUsePromptTokenCount"


class _Modality(msgspec.Struct, rename="camel"):
    modality: str = ""
    token_count: int | None = None


_Details = list[_Modality] | None


class Counts(msgspec.Struct, rename="camel"):
    """The wire's own counts. In a stream each chunk's are the whole so far."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: _Details = None
    cache_tokens_details: _Details = None
    candidates_tokens_details: _Details = None

    def usage(self) -> Usage:
        """In disjoint buckets. Counts that contradict each other never make a bucket negative."""
        prompt, cached = self.prompt_token_count or 0, self.cached_content_token_count or 0
        heard = max(0, _audio(self.prompt_tokens_details) - _audio(self.cache_tokens_details))
        spoken, produced = _audio(self.candidates_tokens_details), self.candidates_token_count or 0
        return Usage(
            input=max(0, prompt - cached - heard) + max(0, self.tool_use_prompt_token_count or 0),
            cache_read=max(0, cached),
            audio_input=heard,
            output=max(0, produced - spoken),
            reasoning=max(0, self.thoughts_token_count or 0),
            audio_output=max(0, spoken),
        )


COUNTS: msgspec.json.Decoder[Counts] = msgspec.json.Decoder(Counts)
_KNOWN = frozenset(Counts.__struct_encode_fields__)
_DETAILS: msgspec.json.Decoder[_Details] = msgspec.json.Decoder(_Details)


def _audio(details: _Details) -> int:
    return sum(one.token_count or 0 for one in details or () if one.modality == "AUDIO")


def usage_in(raw: Raw) -> tuple[Usage, list[Opaque]]:
    """(the usage, what it does not tell, as `usageMetadata.<member>`). Raises msgspec.ValidationError."""
    found = members(raw, _KNOWN)
    extra = []
    for name, value in found.items():
        if name not in _KNOWN or name == _TOOLS or (name.endswith("Details") and not _plain(value)):
            extra.append(Opaque(NAME, f"{_PREFIX}{name}", value))
    return COUNTS.decode(raw).usage(), extra


def _plain(details: Raw) -> bool:
    """Whether the buckets tell all of it."""
    return all(one.modality in ("TEXT", "AUDIO") for one in _DETAILS.decode(details) or ())


def usage_out(usage: Usage, extra: Sequence[Opaque], notes: Notes) -> dict[str, Any]:
    """`usageMetadata`; members of `extra` that are of it go back into it."""
    kept = {
        one.kind.removeprefix(_PREFIX): one.raw for one in extra if one.dialect == NAME and one.kind.startswith(_PREFIX)
    }
    tools = _count(kept.get(_TOOLS))
    if tools > usage.input:
        tools = 0
        kept.pop(_TOOLS, None)
        notes.dropped(f"{_PREFIX}{_TOOLS}", "The counts have changed.")
    if usage.cache_write or usage.cache_write_1h:
        notes.changed("usage", "Tokens that were written to a cache are counted among the others here.")
    if usage.requests or usage.estimated or usage.cost_nano is not None:
        notes.dropped("usage.more", "The dialect counts tokens, not requests or money, and does not say who counted.")
    wire: dict[str, Any] = {
        "promptTokenCount": usage.total_input - tools,
        "candidatesTokenCount": usage.output + usage.audio_output,
        "totalTokenCount": usage.total_input + usage.total_output,
    }
    if usage.cache_read:
        wire["cachedContentTokenCount"] = usage.cache_read
    if usage.reasoning:
        wire["thoughtsTokenCount"] = usage.reasoning
    if usage.audio_input:
        rest = usage.total_input - tools - usage.audio_input
        wire["promptTokensDetails"] = _details(rest, usage.audio_input)
    if usage.audio_output:
        wire["candidatesTokensDetails"] = _details(usage.output, usage.audio_output)
    wire |= kept
    return wire


def _details(text: int, audio: int) -> list[dict[str, Any]]:
    return [{"modality": "TEXT", "tokenCount": text}, {"modality": "AUDIO", "tokenCount": audio}]


def _count(raw: Raw | None) -> int:
    try:
        return msgspec.json.decode(raw, type=int) if raw is not None else 0
    except msgspec.ValidationError:
        return 0
