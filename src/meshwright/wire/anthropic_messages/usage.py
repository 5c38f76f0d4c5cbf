"""Token counts, both ways.

Source: https://platform.claude.com/docs/en/api/messages/create (usage) and .../build-with-claude/prompt-caching. Here
`input_tokens` already excludes what was read from or written to the cache; `output_tokens` includes thoughts.

An answer of several samplings lists them in `iterations`, and the counts above are of its messages only: what a
compaction (.../build-with-claude/compaction) and an advisor (another model, asked on the way) used is paid for beside
them. It is added here; an advisor's tokens count as the model's own, for one answer has one price.
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


class _Iteration(msgspec.Struct):
    type: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _Creation | None = None


class Counts(msgspec.Struct):
    """The wire's own counts. In a stream each event's counts replace the earlier ones that they repeat."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _Creation | None = None
    output_tokens_details: _Details | None = None
    service_tier: str | None = None
    iterations: list[_Iteration] | None = None

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
        short, hour = _written(self)
        thoughts = (self.output_tokens_details.thinking_tokens or 0) if self.output_tokens_details else 0
        produced = self.output_tokens or 0
        usage = Usage(
            input=max(0, self.input_tokens or 0),
            cache_read=max(0, self.cache_read_input_tokens or 0),
            cache_write=short,
            cache_write_1h=hour,
            output=max(0, produced - thoughts),
            reasoning=max(0, min(thoughts, produced)),
        )
        return usage if self.iterations is None else sum((_beside(one) for one in self.iterations), usage)


def _written(counts: Counts | _Iteration) -> tuple[int, int]:
    """What was written to the cache for five minutes, and for an hour."""
    split = counts.cache_creation
    hour = (split.ephemeral_1h_input_tokens or 0) if split else 0
    short = (split.ephemeral_5m_input_tokens or 0) if split else 0
    return max(0, short, (counts.cache_creation_input_tokens or 0) - hour), max(0, hour)


def _beside(one: _Iteration) -> Usage:
    """What a sampling used beside the answer's own counts."""
    if one.type == "message":
        return Usage()
    short, hour = _written(one)
    return Usage(
        input=max(0, one.input_tokens or 0),
        cache_read=max(0, one.cache_read_input_tokens or 0),
        cache_write=short,
        cache_write_1h=hour,
        output=max(0, one.output_tokens or 0),
    )


COUNTS: msgspec.json.Decoder[Counts] = msgspec.json.Decoder(Counts)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_KNOWN = frozenset(Counts.__struct_fields__) - {"iterations"}


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
    usage, extra = _own(usage, extra, notes)
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


def _own(usage: Usage, extra: Sequence[Opaque], notes: Notes) -> tuple[Usage, Sequence[Opaque]]:
    """The usage without what its iterations say beside it, and `extra`: without them where the counts have changed."""
    kept = next((one for one in extra if (one.dialect, one.kind) == (NAME, "usage.iterations")), None)
    if kept is None:
        return usage, extra
    told = COUNTS.decode(b'{"iterations":' + bytes(kept.raw) + b"}").usage()
    left = {name: getattr(usage, name) - getattr(told, name) for name in _BUCKETS}
    if min(left.values()) < 0:
        notes.dropped("usage.iterations", "The counts have changed.")
        return usage, [one for one in extra if one is not kept]
    return msgspec.structs.replace(usage, **left), extra


_BUCKETS = ("input", "cache_read", "cache_write", "cache_write_1h", "output")
