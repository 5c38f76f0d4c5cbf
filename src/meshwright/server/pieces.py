"""An answer that is read from the database piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from meshwright.types.errors import MeshError


class Pieces:
    """A Flow of `read(0)`, `read(1)`, ... up to the first that is empty; each is read in a thread."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._n = 0

    async def next(self) -> bytes:
        """The next piece, b"" at the end."""
        piece = await asyncio.to_thread(self._read, self._n)
        self._n += 1
        return piece

    def abort(self) -> None:
        """Nothing is open between two pieces."""

    def cut(self, error: MeshError) -> bytes:
        """A file has no place for an error: it ends before its length."""
        return b""
