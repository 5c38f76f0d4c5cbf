"""JSON that is kept as it came, and what it looks like from outside, without copying it."""

from __future__ import annotations

import msgspec
from msgspec import Raw

NOTHING = Raw()
"""The default of a verbatim member: it was not there."""

_NULL = Raw(b"null")
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


def present(raw: Raw | None) -> bool:
    """Whether a member was given: it exists and is not null."""
    return bool(raw) and raw != _NULL


def is_object(raw: Raw) -> bool:
    """Whether it is a JSON object."""
    return bytes(memoryview(raw)[:1]) == b"{"


def is_string(raw: Raw) -> bool:
    """Whether it is a JSON string."""
    return bytes(memoryview(raw)[:1]) == b'"'


def raw_of(value: object) -> Raw:
    """A value as JSON text."""
    return Raw(msgspec.json.encode(value))


def members(raw: Raw) -> dict[str, Raw]:
    """An object's members that were given. Raises msgspec.ValidationError when it is no object."""
    return {name: value for name, value in _MEMBERS.decode(raw).items() if present(value)}


def compact(raw: Raw) -> bytes:
    """A short value without white space, to compare it. Not for strings that may hold some."""
    return bytes(raw).translate(None, b" \t\r\n")


def below(error: msgspec.ValidationError, path: str) -> msgspec.ValidationError:
    """The same error with its path continued upwards: `path` is where the value that failed stands."""
    what, found, where = str(error).partition(" - at `")
    inner = where.rstrip("`").removeprefix("$") if found else ""
    dot = "" if not path or path.startswith("[") else "."
    return msgspec.ValidationError(f"{what} - at `${dot}{path}{inner}`")
