"""Bodies of our own endpoints: decoded into a struct, or refused with the field that is wrong."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from meshwright.server.http import Asked, query_values
from meshwright.types.errors import InvalidRequest

T = TypeVar("T")


def body_of(asked: Asked, kind: type[T], example: str) -> T:
    """The body as that struct; none at all is an empty object. Raises InvalidRequest with the example as its fix."""
    try:
        return msgspec.json.decode(asked.body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message, _, path = str(error).partition(" - at ")
        field = path.strip("`").removeprefix("$.") or None
        raise InvalidRequest(f"{message}.", field=field, fix=f"Send {example}.") from None


def query_of(asked: Asked, kind: type[T]) -> T:
    """The query's values as that struct. Raises InvalidRequest."""
    try:
        return msgspec.convert(query_values(asked.query), kind, strict=False)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        raise InvalidRequest(f"{message}.", field=path.strip("`").removeprefix("$.") or None) from None
