"""Whole numbers that are written as floats: `5.0` where a request needs an integer.

JSON Schema counts `1.0` as an integer (https://json-schema.org/understanding-json-schema/reference/numeric), JavaScript
and Lua write such numbers, and providers take them. Our strict decoders do not; what they refuse is read again here.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from msgspec import Raw

from meshwright.types.errors import InvalidRequest
from meshwright.types.request import Request
from meshwright.wire.reading import client_source

MOST = 100
"""How many of them a request may have: each is found by reading the body once more."""

_REFUSED = re.compile(r"Expected `int(?: \| null)?`, got `float`")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_HUMP = re.compile(r"[A-Z]")
_OBJECT: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_ARRAY: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_FLOAT: msgspec.json.Decoder[float] = msgspec.json.Decoder(float)
_EXACT = 2.0**53


def taking_whole_floats(decode: Callable[[bytes], Request]) -> Callable[[bytes], Request]:
    """The same decode_request, for which `5.0` is the integer 5. The request keeps the bytes that the client sent."""

    def patient(body: bytes) -> Request:
        try:
            return decode(body)
        except InvalidRequest as error:
            return _again(decode, body, error)

    return patient


def _again(decode: Callable[[bytes], Request], body: bytes, error: InvalidRequest) -> Request:
    written = body
    for _ in range(MOST):
        if not error.field or not _REFUSED.search(error.message):
            raise error
        steps = [name or int(number) for name, number in _STEP.findall(error.field)]
        changed = _whole(Raw(written), steps)
        if changed is None:
            raise error
        written = bytes(changed)
        try:
            request = decode(written)
        except InvalidRequest as next_error:
            error = next_error
            continue
        if request.source is None:
            return request
        return msgspec.structs.replace(request, source=client_source(request.source.dialect, body))
    raise error


def _whole(raw: Raw, steps: list[str | int]) -> Raw | None:
    """The value with the number at this place written as an integer; None when it is not whole, or not there."""
    try:
        if not steps:
            value = _FLOAT.decode(raw)
            return Raw(str(int(value)).encode()) if value.is_integer() and abs(value) <= _EXACT else None
        first, rest = steps[0], steps[1:]
        if isinstance(first, int):
            values = _ARRAY.decode(raw)
            changed = _whole(values[first], rest)
            values[first] = changed if changed is not None else values[first]
            return None if changed is None else Raw(msgspec.json.encode(values))
        members = _OBJECT.decode(raw)
        name = first if first in members else _HUMP.sub(lambda hump: f"_{hump[0].lower()}", first)
        changed = _whole(members[name], rest)
        members[name] = changed if changed is not None else members[name]
        return None if changed is None else Raw(msgspec.json.encode(members))
    except (msgspec.DecodeError, KeyError, IndexError):
        return None
