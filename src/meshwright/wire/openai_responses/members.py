"""Reading one JSON object member by member, so that what nobody asked for is known and kept."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Raw

NAME = "openai_responses"
T = TypeVar("T")

NULL = Raw(b"null")
RAW: msgspec.json.Decoder[Raw] = msgspec.json.Decoder(Raw)
STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
WHOLE: msgspec.json.Decoder[int] = msgspec.json.Decoder(int)
FLAG: msgspec.json.Decoder[bool] = msgspec.json.Decoder(bool)
ARRAY: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
OBJECT: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


class Members:
    """The members of an object that have not been taken yet. `path` is where it stands, for errors.

    Every method raises msgspec.ValidationError that names the member's full path.
    """

    __slots__ = ("left", "path")

    def __init__(self, raw: Raw, path: str) -> None:
        self.path = path
        self.left = read(OBJECT, raw, path)

    def take(self, name: str, decoder: msgspec.json.Decoder[T]) -> T | None:
        """The member's value, None when it is missing or null; it is gone from `left`."""
        raw = self.left.pop(name, None)
        if raw is None or raw == NULL:
            return None
        return read(decoder, raw, f"{self.path}.{name}")

    def need(self, name: str, decoder: msgspec.json.Decoder[T]) -> T:
        """The same for a member that must be there."""
        value = self.take(name, decoder)
        if value is None:
            raise wrong(f"Object missing required field `{name}`", self.path)
        return value

    def text(self, name: str) -> str:
        """A string that may be missing."""
        return self.take(name, STRING) or ""

    def raw(self, name: str) -> Raw | None:
        """The member's own bytes, None when it is missing or null."""
        raw = self.left.pop(name, None)
        return None if raw is None or raw == NULL else raw

    def rest(self) -> dict[str, Raw]:
        """What nobody took, without nulls, which say nothing."""
        return {name: raw for name, raw in self.left.items() if raw != NULL} if self.left else {}


def read(decoder: msgspec.json.Decoder[T], raw: Raw | bytes, path: str) -> T:
    """Decode a value that stands at `path`."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        what, _, below = str(error).partition(" - at `$")
        raise wrong(what, path + below.removesuffix("`")) from None
    except UnicodeDecodeError:
        raise wrong("Expected text in UTF-8", path) from None


def wrong(what: str, path: str) -> msgspec.ValidationError:
    """An error in the words and the form of msgspec."""
    return msgspec.ValidationError(f"{what} - at `$.{path}`" if path else what)


def is_array(raw: Raw) -> bool:
    """Whether the value is an array."""
    return bytes(memoryview(raw)[:1]) == b"["
