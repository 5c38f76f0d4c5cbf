"""A stream that is read once more when its client has all of it: for whoever judges it, and only where one is to."""

from __future__ import annotations

from collections.abc import Callable

from meshwright.kernel.arrival import Flow
from meshwright.types.errors import MeshError

MOST = 1024 * 1024
"""Bytes in the client's dialect that are kept; a longer answer is not told of."""


class Overheard:
    """An answer on its way (see `kernel.arrival.Flow`). `told` gets the client's bytes, once, when nothing is missing.

    Whoever is told finds out from the trace whether it ended well. A client that leaves after the last byte has all.
    """

    def __init__(self, flow: Flow, told: Callable[[bytes], object]) -> None:
        self._flow = flow
        self._told = told
        self._pieces: list[bytes] = []
        self._size = 0

    async def next(self) -> bytes:
        """The next bytes for the client."""
        piece = await self._flow.next()
        if not piece:
            self._end()
            return piece
        self._size += len(piece)
        if self._size <= MOST:
            self._pieces.append(piece)
        else:
            self._pieces = []
        return piece

    def abort(self) -> None:
        """The client left."""
        self._flow.abort()
        self._end()

    def cut(self, error: MeshError) -> bytes:
        """The gateway breaks it off."""
        self._pieces = []
        return self._flow.cut(error)

    def _end(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces:
            self._told(b"".join(pieces))
