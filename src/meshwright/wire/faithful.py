"""Sending a body on with as little change as possible: top-level members keep their order and their exact bytes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from meshwright.types.request import Source


def rewritten(source: Source, changes: Mapping[str, msgspec.Raw | None]) -> bytes:
    """The body with these top-level members replaced, added at the end, or (None) left out.

    Every other member keeps its bytes and its place, so a provider's prompt cache sees the same prefix. Whitespace
    between members and repeated names are not kept: a repeated name means different things to different parsers, and
    what was checked here must be what the provider reads.
    """
    fields = {**source.fields, **changes}
    if None in changes.values():
        fields = {name: value for name, value in fields.items() if value is not None}
    return msgspec.json.encode(fields)
