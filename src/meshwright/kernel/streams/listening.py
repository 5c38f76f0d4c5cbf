"""A stream's way that keeps what passes, so that its form can be checked when it is complete."""

from __future__ import annotations

from collections.abc import Callable

from meshwright.kernel.streams.paths import Path
from meshwright.types.errors import MeshError
from meshwright.types.request import Adaptation
from meshwright.types.response import Response
from meshwright.types.usage import Usage
from meshwright.wire.dialect import StreamDecoder
from meshwright.wire.fold import fold

MOST = 8 * 1024 * 1024
"""Bytes of a stream that are kept; a longer one is not checked."""


class Listening:
    """Another way with an ear: `told` gets the whole answer, complete and before its last bytes leave."""

    def __init__(self, path: Path, decoder: StreamDecoder, told: Callable[[Response], object]) -> None:
        self.inner = path
        self._decoder = decoder
        self._told = told
        self._kept: list[bytes] = []
        self._size = 0
        self._over = False

    @property
    def ended(self) -> bool:
        """The end mark has passed."""
        return self.inner.ended

    @property
    def complete(self) -> bool:
        """Nothing is missing."""
        return self.inner.complete

    @property
    def failed(self) -> str:
        """The message of an in-band error."""
        return self.inner.failed

    @property
    def usage(self) -> Usage | None:
        """The provider's count."""
        return self.inner.usage

    @property
    def upstream_id(self) -> str:
        """The provider's id of the answer."""
        return self.inner.upstream_id

    @property
    def came_to(self) -> str | None:
        """How the answer ended."""
        return self.inner.came_to

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """What the client's dialect could not carry."""
        return self.inner.adaptations

    def feed(self, data: bytes) -> bytes:
        """The client's bytes."""
        piece = self.inner.feed(data)
        self._size += len(data)
        if self._size <= MOST:
            self._kept.append(data)
        if self.inner.ended:
            self._tell()
        return piece

    def fail(self, error: MeshError) -> bytes | None:
        """The in-band error."""
        return self.inner.fail(error)

    def finish(self) -> bytes:
        """What is still owed to the client."""
        self._tell()
        return self.inner.finish()

    def _tell(self) -> None:
        if self._over or self.inner.failed or self._size > MOST:
            return
        self._over = True
        try:
            self._told(fold(self._decoder.feed(b"".join(self._kept))))
        except MeshError:
            pass  # what cannot be read a second time has passed all the same, and is only not judged
