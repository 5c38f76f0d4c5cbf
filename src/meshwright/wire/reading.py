"""Reading untrusted JSON: typed, bounded, and with errors that name the field."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from meshwright.types.errors import InvalidRequest, TooLarge, UpstreamProtocol
from meshwright.types.request import Source

T = TypeVar("T")

MAX_DEPTH = 200
_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?P<where>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_FIELDS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def client_json(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decode a client's body. Raises InvalidRequest with the field's path, TooLarge when it nests too deeply."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        what, field = explain(error)
        raise InvalidRequest(f"{what}.", field=field or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(
            f"The body is not valid JSON: {error}.", fix="Send one JSON object, encoded in UTF-8."
        ) from None
    except RecursionError:
        raise TooLarge(
            "The body nests too deeply.", fix="Flatten the value that nests over a thousand levels."
        ) from None


def provider_json(decoder: msgspec.json.Decoder[T], body: bytes, what: str) -> T:
    """Decode what a provider sent. Raises UpstreamProtocol that says what it was supposed to be."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamProtocol(f"The provider's {what} is not what its dialect promises: {error}.") from None


def explain(error: msgspec.ValidationError) -> tuple[str, str]:
    """msgspec's message split into what is wrong and the field's path without its leading `$.`."""
    match = _PATH.match(str(error))
    where = ((match["where"] if match else "") or "").removeprefix("$").removeprefix(".")
    what = match["what"] if match else str(error)
    if missing := _MISSING.fullmatch(what):
        return "This is missing", f"{where}.{missing['name']}" if where else missing["name"]
    return what, where


def client_source(dialect: str, body: bytes) -> Source:
    """The body's own bytes, by top-level member. Raises like `client_json`."""
    if not body.isascii():
        _check_utf8(body)
    return Source(dialect, body, client_json(_FIELDS, body))


def _check_utf8(body: bytes) -> None:
    # The JSON decoder skips members that it does not decode without looking at their encoding.
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"The body is not valid UTF-8 at byte {error.start}.",
            fix="Send one JSON object, encoded in UTF-8.",
        ) from None


def provider_source(dialect: str, body: bytes) -> Source:
    """The same for a provider's answer."""
    if not body.isascii():
        try:  # members that are not decoded would pass unseen, and fail wherever they are
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UpstreamProtocol(f"The provider's answer is not valid UTF-8 at byte {error.start}.") from None
    return Source(dialect, body, provider_json(_FIELDS, body, "answer"))
