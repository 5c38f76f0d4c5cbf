"""The two spellings that every member has here, and the two of base64.

Source: https://protobuf.dev/programming-guides/json/ ("parsers accept both the lowerCamelCase name and the original
field name"), which is why `generation_config` means `generationConfig`; a repeated field with one value may come as
that value alone, as in Google's own examples of `"parts": {"text": ...}`.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.wire.verbatim import is_object, present

_SNAKE = re.compile(r"_([a-z0-9])")
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_LIST: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_URLSAFE = str.maketrans("-_", "+/")


def camel(name: str) -> str:
    """`function_call` as `functionCall`."""
    return _SNAKE.sub(lambda match: match[1].upper(), name) if "_" in name else name


def respelled(given: dict[str, Raw], known: Container[str]) -> dict[str, Raw]:
    """The members that were given (null is not), the known ones by their usual name, in order.

    Raises msgspec.ValidationError when a member comes in both spellings: which one counts is anyone's guess.
    """
    found: dict[str, Raw] = {}
    for name, raw in given.items():
        if present(raw):
            usual = name if name in known or camel(name) not in known else camel(name)
            if usual in found:
                raise msgspec.ValidationError(f"`{usual}` is given twice, in two spellings")
            found[usual] = raw
    return found


def members(raw: Raw, known: Container[str] = ()) -> dict[str, Raw]:
    """An object's members, respelled. Raises msgspec.ValidationError when it is no object."""
    return respelled(_MEMBERS.decode(raw), known)


def usual_spelling(raw: Raw) -> bytes:
    """A value whose members, at every depth, are names of the dialect: all in their usual spelling."""
    return msgspec.json.encode(_respelled(msgspec.json.decode(raw)))


def _respelled(value: Any) -> Any:
    match value:
        case dict():
            return {camel(name): _respelled(inner) for name, inner in value.items()}
        case list():
            return [_respelled(inner) for inner in value]
    return value


def listed(raw: Raw) -> list[Raw]:
    """The values of a repeated field: a list, or the only one alone. Raises msgspec.ValidationError."""
    return [raw] if is_object(raw) else _LIST.decode(raw)


def is_base64(text: str) -> bool:
    """Whether the API could read it as bytes: standard or URL-safe base64, padded or not."""
    return _BASE64.fullmatch(text) is not None and len(text.rstrip("=")) % 4 != 1


def standard_base64(text: str) -> str:
    """The usual alphabet and padding: Google's Python client writes the URL-safe one, which no other API reads."""
    if "-" in text or "_" in text:
        text = text.translate(_URLSAFE)
    return text if len(text) % 4 == 0 or text.endswith("=") else text + "=" * (-len(text) % 4)
