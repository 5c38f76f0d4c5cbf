"""The events of a stream as bytes, numbered in order.

Source: https://platform.openai.com/docs/api-reference/responses-streaming. Each is written as `event:` with its type
and `data:` with one line of JSON, which holds the type again and `sequence_number`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from meshwright.wire.openai_responses.content_out import Json

_encode = msgspec.json.encode


class Events:
    """Events that wait to be sent, and the number of the next."""

    __slots__ = ("_made", "_next")

    def __init__(self) -> None:
        self._made: list[bytes] = []
        self._next = 0

    def add(self, kind: str, members: Json) -> None:
        """One event."""
        name = kind.encode()
        body = _encode({"type": kind, "sequence_number": self._next, **members})
        self._next += 1
        if b"\n" in body or b"\r" in body:  # between the members of what was taken over verbatim
            body = msgspec.json.format(body, indent=-1)
        self._made += (b"event: ", name, b"\ndata: ", body, b"\n\n")

    def words(self, head: bytes, words: str, tail: bytes) -> None:
        """One event of the kind that a stream is mostly made of: `head` and `tail` from `words_of`, written once."""
        self._made += (head, _encode(words), tail, b"%d}\n\n" % self._next)
        self._next += 1

    def again(self, kind: str, members: Mapping[str, object]) -> None:
        """An event of a provider's, with our number."""
        self.add(kind, {name: value for name, value in members.items() if name not in ("type", "sequence_number")})

    def take(self) -> bytes:
        """All that waits."""
        made, self._made = self._made, []
        return b"".join(made)


def words_of(kind: str, members: Json, after: Json) -> tuple[bytes, bytes]:
    """What comes before and after the words and the number of a delta event."""
    head = _encode({"type": kind, **members})[:-1] + b',"delta":'
    tail = b"," + _encode(after)[1:-1] + b',"sequence_number":' if after else b',"sequence_number":'
    return b"event: " + kind.encode() + b"\ndata: " + head, tail
