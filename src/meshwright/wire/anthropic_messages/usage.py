"""Token counts, both ways.

Source: https://platform.claude.com/docs/en/api/messages/create (usage) and .../build-with-claude/prompt-caching. Here
`input_tokens` already excludes what was read from or written to the cache; `output_tokens` includes thoughts.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.usage import Usage
from meshwright.wire.anthropic_messages.shapes import NAME
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import present


class _Creation(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _Details(msgspec.Struct):
    thinking_tokens: int | None = None


class Counts(msgspec.Struct):
    """The wire's own counts. In a stream each event's counts replace the earlier ones that they repeat."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _Creation | None = None
    output_tokens_details: _Details | None = None
    service_tier: str | None = None

    def updated(self, later: Counts) -> Counts:
        """These counts with those of a later event in their place, where it has any."""
        return Counts(
            *(
                before if now is None else now
                for before, now in zip(msgspec.structs.astuple(self), msgspec.structs.astuple(later), strict=True)
            )
        )

    def usage(self) -> Usage:
        """In disjoint buckets. Counts that contradict each other never make a bucket negative."""
        written = self.cache_creation_input_tokens or 0
        split = self.cache_creation
        hour = (split.ephemeral_1h_input_tokens or 0) if split else 0
        short = (split.ephemeral_5m_input_tokens or 0) if split else 0
        thoughts = (self.output_tokens_details.thinking_tokens or 0) if self.output_tokens_details else 0
        produced = self.output_tokens or 0
        return Usage(
            input=max(0, self.input_tokens or 0),
            cache_read=max(0, self.cache_read_input_tokens or 0),
            cache_write=max(0, short, written - hour),
            cache_write_1h=max(0, hour),
            output=max(0, produced - thoughts),
            reasoning=max(0, min(thoughts, produced)),
        )


COUNTS: msgspec.json.Decoder[Counts] = msgspec.json.Decoder(Counts)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_KNOWN = frozenset(Counts.__struct_fields__)


def counts_extra(raw: Raw) -> list[Opaque]:
    """Members without a bucket (server tools, region, speed, iterations), as `usage.<member>`."""
    members = _MEMBERS.decode(raw)
    if _KNOWN.issuperset(members):
        return []
    return [
        Opaque(NAME, f"usage.{name}", value) for name, value in members.items() if name not in _KNOWN and present(value)
    ]


def usage_out(
    usage: Usage | None, tier: str, extra: Sequence[Opaque], notes: Notes, *, final: bool = True
) -> dict[str, object]:
    """`usage` of an answer. It must have counts: unknown ones are 0, which is noted when it is `final`."""
    if usage is None:
        if final:
            notes.changed("usage", "The provider did not count; the dialect must state counts: 0 was sent.")
        usage = Usage()
    wire: dict[str, object] = {
        "input_tokens": usage.input + usage.audio_input,
        "cache_creation_input_tokens": usage.cache_write + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.total_output,
    }
    if usage.cache_write_1h or usage.cache_write:
        wire["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        }
    if usage.reasoning:
        wire["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if usage.audio_input or usage.audio_output:
        notes.changed("usage", "Tokens of sound are counted among the others here.")
    if usage.requests or usage.estimated or usage.cost_nano is not None:
        notes.dropped("usage.more", "The dialect counts tokens, not requests or money, and does not say who counted.")
    if tier:
        wire["service_tier"] = tier
    for one in extra:
        if one.dialect == NAME:
            wire[one.kind.removeprefix("usage.")] = one.raw
    return wire
