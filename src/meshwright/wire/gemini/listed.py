"""A stream as one JSON list that grows: what those get who do not ask for server-sent events.

Source: https://docs.cloud.google.com/endpoints/docs/grpc/transcoding (a streamed answer is a list of messages) and
https://ai.google.dev/api/generate-content.
"""

from __future__ import annotations

from meshwright.wire.sse import events


class Listed:
    """Turns whole events into the items of a list; what an event holds keeps its bytes."""

    __slots__ = ("_begun", "_closed")

    def __init__(self) -> None:
        self._begun = False
        self._closed = False

    def feed(self, block: bytes) -> bytes:
        """The next piece of the list for a block of whole events, which may end with an error that is no event."""
        items = [data for _, data in events(block)]
        bare = block.rpartition(b"\n\n")[2].strip()
        if bare.startswith(b"{"):
            items.append(bare)
        out: list[bytes] = []
        for item in items:
            out += (b",\r\n" if self._begun else b"[", item)
            self._begun = True
        return b"".join(out)

    def end(self) -> bytes:
        """The end of the list, once."""
        if self._closed:
            return b""
        self._closed = True
        return b"]" if self._begun else b"[]"
