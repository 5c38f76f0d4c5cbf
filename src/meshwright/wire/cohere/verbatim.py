"""JSON that is kept as it came: whose it is, and what it looks like from outside, without copying it."""

from __future__ import annotations

from msgspec import Raw

from meshwright.types.content import Opaque

NAME = "cohere"
"""This dialect's name."""

_NULL = Raw(b"null")


def own(opaque: Opaque) -> bool:
    """Whether the value is of this dialect and can be sent verbatim."""
    return opaque.dialect == NAME


def present(raw: Raw) -> bool:
    """Whether a member was given: it exists and is not null."""
    return bool(raw) and raw != _NULL


def is_object(raw: Raw) -> bool:
    """Whether it is a JSON object."""
    return bytes(memoryview(raw)[:1]) == b"{"


def is_string(raw: Raw) -> bool:
    """Whether it is a JSON string."""
    return bytes(memoryview(raw)[:1]) == b'"'
