"""Token counts, both ways.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html. `inputTokens` excludes what was read from or
written to the cache, `outputTokens` includes thoughts, `totalTokens` is the sum of all. Models on inference profiles
tell the cache's two a second time, as `...TokenCount` (recorded in 2025; the pages do not say so).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.usage import Usage
from meshwright.wire.bedrock_converse.shapes import NAME
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import members


class _Detail(msgspec.Struct, rename="camel", gc=False):
    ttl: str = ""
    input_tokens: int = 0


class _Counts(msgspec.Struct, rename="camel", gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_details: list[_Detail] | None = None
    cache_read_input_token_count: int | None = None
    cache_write_input_token_count: int | None = None


_COUNTS: msgspec.json.Decoder[_Counts] = msgspec.json.Decoder(_Counts)
_KNOWN = frozenset(_Counts.__struct_encode_fields__)


def usage_in(raw: Raw) -> tuple[Usage, list[Opaque]]:
    """The counts in disjoint buckets, and what has none. Counts that contradict each other never make one negative."""
    counts = _COUNTS.decode(raw)
    written = counts.cache_write_input_tokens or counts.cache_write_input_token_count or 0
    found = counts.cache_read_input_tokens or counts.cache_read_input_token_count or 0
    hour = sum(one.input_tokens for one in counts.cache_details or () if one.ttl == "1h")
    short = sum(one.input_tokens for one in counts.cache_details or () if one.ttl != "1h")
    usage = Usage(
        input=max(0, counts.input_tokens or 0),
        cache_read=max(0, found),
        cache_write=max(0, short, written - hour),
        cache_write_1h=max(0, hour),
        output=max(0, counts.output_tokens or 0),
    )
    others = [(name, value) for name, value in members(raw).items() if name not in _KNOWN and bytes(value) != b"{}"]
    extra = [Opaque(NAME, f"usage.{name}", value) for name, value in others]
    return usage, extra


def usage_out(usage: Usage | None, extra: Sequence[Opaque], notes: Notes) -> dict[str, object]:
    """`usage` of an answer. It must have counts: unknown ones are 0, which is noted."""
    if usage is None:
        notes.changed("usage", "The provider did not count; the dialect must state counts: 0 was sent.")
        usage = Usage()
    wire: dict[str, object] = {
        "inputTokens": usage.input + usage.audio_input,
        "outputTokens": usage.total_output,
        "totalTokens": usage.total_input + usage.total_output,
    }
    if usage.cache_read:
        wire["cacheReadInputTokens"] = usage.cache_read
    if usage.cache_write or usage.cache_write_1h:
        wire["cacheWriteInputTokens"] = usage.cache_write + usage.cache_write_1h
        details = (("1h", usage.cache_write_1h), ("5m", usage.cache_write))
        wire["cacheDetails"] = [{"ttl": ttl, "inputTokens": count} for ttl, count in details if count]
    if usage.reasoning or usage.audio_input or usage.audio_output:
        notes.changed("usage", "Tokens of thoughts and of sound are counted among the others here.")
    if usage.requests or usage.estimated or usage.cost_nano is not None:
        notes.dropped("usage.more", "The dialect counts tokens, not requests or money, and does not say who counted.")
    for one in extra:
        if one.dialect == NAME:
            wire[one.kind.removeprefix("usage.")] = one.raw
    return wire
