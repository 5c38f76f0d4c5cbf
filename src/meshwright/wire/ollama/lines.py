"""A stream of lines of JSON (application/x-ndjson), cut as bytes."""

from __future__ import annotations

from meshwright.types.errors import UpstreamProtocol
from meshwright.wire.sse import MAX_EVENT


class LineCutter:
    """Cuts a byte stream into whole lines; keeps the rest until its end arrives."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept = b""

    def whole(self, data: bytes) -> bytes:
        """The whole lines that are there now, in one piece with their ends, and b"" if there is none."""
        end = data.rfind(b"\n") + 1
        if end:
            block, self._kept = self._kept + data[:end], data[end:]
        else:
            block, self._kept = b"", self._kept + data
        if len(self._kept) > MAX_EVENT:
            raise UpstreamProtocol(f"The provider sent a line of over {MAX_EVENT} bytes.")
        return block

    @property
    def rest(self) -> bytes:
        """Bytes of a line whose end has not come."""
        return self._kept

    def release(self) -> bytes:
        """Those bytes, which are no longer kept."""
        kept, self._kept = self._kept, b""
        return kept
