"""Token counts, both ways.

Source: https://docs.cohere.com/reference/chat (usage). `tokens` is what the model read and wrote, `cached_tokens` the
part of it that was read from the cache. `billed_units` is what is paid for, which leaves out words that the API itself
put into the prompt: it is kept beside the counts where it differs from them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.usage import Usage
from meshwright.wire.cohere.shapes import NAME
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import present

BILLED = "billed_units"


class _Tokens(msgspec.Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None


class _Counts(msgspec.Struct):
    tokens: _Tokens | None = None
    billed_units: Raw = Raw()
    cached_tokens: float | None = None


_COUNTS: msgspec.json.Decoder[_Counts] = msgspec.json.Decoder(_Counts)
_BILLED: msgspec.json.Decoder[_Tokens] = msgspec.json.Decoder(_Tokens)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_KNOWN = frozenset(_Counts.__struct_fields__)


def usage_in(raw: Raw) -> tuple[Usage | None, list[Opaque]]:
    """(The counts in disjoint buckets, members without a bucket as `usage.<member>`). Raises ValidationError."""
    counts = _COUNTS.decode(raw)
    members = _MEMBERS.decode(raw)
    extra = [
        Opaque(NAME, f"usage.{name}", value) for name, value in members.items() if name not in _KNOWN and present(value)
    ]
    tokens = counts.tokens
    if present(counts.billed_units):
        billed = _BILLED.decode(counts.billed_units)
        if tokens is None:
            tokens = billed
        if billed != tokens or not _MEMBERS.decode(counts.billed_units).keys() <= {"input_tokens", "output_tokens"}:
            extra.append(Opaque(NAME, f"usage.{BILLED}", counts.billed_units))
    if tokens is None and counts.cached_tokens is None:
        return None, extra
    read, written = _whole(tokens.input_tokens if tokens else 0), _whole(tokens.output_tokens if tokens else 0)
    cached = min(_whole(counts.cached_tokens), read)
    return Usage(input=read - cached, cache_read=cached, output=written), extra


def _whole(count: float | None) -> int:
    return int(min(max(0, count or 0), 2**53))


def usage_out(usage: Usage | None, extra: Sequence[Opaque], notes: Notes) -> dict[str, object]:
    """`usage` of an answer; nothing where nobody counted."""
    wire: dict[str, object] = {}
    if usage is not None:
        tokens = {"input_tokens": usage.total_input, "output_tokens": usage.total_output}
        wire = {BILLED: tokens, "tokens": tokens}
        if usage.cache_read:
            wire["cached_tokens"] = usage.cache_read
        if usage.total_input != usage.input + usage.cache_read or usage.total_output != usage.output:
            notes.changed("usage", "Spoken, thought and newly cached tokens are counted among the others here.")
        if usage.requests or usage.estimated or usage.cost_nano is not None:
            notes.dropped("usage.more", "The dialect does not count requests or money, and does not say who counted.")
    for one in extra:
        if one.dialect == NAME and one.kind.startswith("usage."):
            wire[one.kind.removeprefix("usage.")] = one.raw
    return wire
