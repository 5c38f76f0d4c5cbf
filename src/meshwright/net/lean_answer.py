"""An answer of the lean transport: reads from its connection until the last byte has arrived, then from itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from meshwright.types.errors import StreamCut, UpstreamError, UpstreamProtocol


class Source(Protocol):
    """What an answer needs of its connection."""

    def take(self) -> bytes:
        """All that waits, in one piece; b"" if nothing does."""
        ...

    def arrival(self) -> asyncio.Future[None]:
        """Done when there is something to take or the answer has ended."""
        ...

    def close(self) -> None:
        """Close the connection at once."""
        ...

    def release(self) -> None:
        """Drop what still comes; keep the connection if the end is near."""
        ...


class LeanAnswer:
    """Implements `Answer`. Its connection serves the next call as soon as the last byte is here, read or not."""

    __slots__ = ("_error", "_rest", "_source", "headers", "status")

    def __init__(self, source: Source, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = headers
        self._source: Source | None = source
        self._rest = b""
        self._error: UpstreamError | None = None

    def complete(self, rest: bytes, error: UpstreamError | None = None) -> None:
        """Called by the connection: nothing comes after `rest`, and then `error` if the end was a bad one."""
        self._source = None
        self._rest = rest
        self._error = error

    async def read(self, limit: int) -> bytes:
        """See `Answer.read`."""
        if self._source is None and self._error is None:
            body, self._rest = self._rest, b""
            if len(body) > limit:
                raise _too_long(limit)
            return body
        length = self.headers.get("content-length")
        if length is not None and int(length) > limit:
            self.abort()
            raise _too_long(limit)
        pieces: list[bytes] = []
        size = 0
        while piece := await self.next():
            size += len(piece)
            if size > limit:
                self.abort()
                raise _too_long(limit)
            pieces.append(piece)
        return b"".join(pieces)

    async def next(self) -> bytes:
        """See `Answer.next`."""
        while (source := self._source) is not None:
            data = source.take()
            if data:
                return data
            try:
                await source.arrival()
            except asyncio.CancelledError:
                self.abort()
                raise
        if self._rest:
            data, self._rest = self._rest, b""
            return data
        if self._error is not None:
            raise self._error
        return b""

    def abort(self) -> None:
        """See `Answer.abort`. Whoever still waits in `next` gets StreamCut."""
        source = self._source
        if source is not None:
            source.close()
            self._rest = b""
            self._error = StreamCut("The call was given up.")

    def release(self) -> None:
        """See `Answer.release`."""
        if self._source is not None:
            self._source.release()


def _too_long(limit: int) -> UpstreamProtocol:
    return UpstreamProtocol(f"The upstream's answer is longer than {limit} bytes.")
