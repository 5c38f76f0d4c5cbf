"""The gateway as an RSGI application: granian's own interface, and the one that `mesh up` runs on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

from granian._granian import RSGIProtocolClosed as ProtocolClosed  # its public name is not exported to type checkers

from meshwright.server.app import serve
from meshwright.server.gate import Gate
from meshwright.server.http import ClientGone, Headers, cut_off, not_ascii, too_large
from meshwright.server.talking import converse


class _Future(Protocol):
    def cancelled(self) -> bool: ...
    def cancel(self) -> Any: ...
    def add_done_callback(self, done: Callable[[Any], None]) -> None: ...


class _Stream(Protocol):
    async def send_bytes(self, data: bytes) -> None: ...


class _Connection(Protocol):
    """The parts of granian's RSGIHTTPProtocol that are used here (see granian/_granian.pyi)."""

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def client_disconnect(self) -> _Future: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...
    def response_stream(self, status: int, headers: Headers) -> _Stream: ...


class RsgiExchange:
    """One request and its answer over RSGI (https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md)."""

    __slots__ = ("_connection", "_headers", "method", "path", "query")

    def __init__(self, scope: Any, connection: _Connection) -> None:
        self.method: str = scope.method
        self.path: str = scope.path
        self.query: str = scope.query_string
        self._connection = connection
        self._headers: Any = scope.headers

    def header(self, name: str) -> str | None:
        """A request header; the first one when it is repeated. Raises InvalidRequest when it is not ASCII."""
        value: str | None = self._headers.get(name)
        if value is None and name in self._headers:  # granian gives None for a value that it cannot decode
            raise not_ascii(name)
        return value

    def says(self, word: str) -> bool:
        """Whether the name of any request header has that in it."""
        return word in " ".join(self._headers.keys())

    async def body(self, limit: int) -> bytes:
        """The request's body, at most `limit` bytes."""
        length = self.header("content-length")
        if length is not None and length.isdigit():
            if int(length) > limit:
                raise too_large(limit)
            try:
                return await self._connection()
            except ProtocolClosed:
                raise cut_off() from None
        # Without a length, the limit holds piece by piece. (hyper drops the length of a body that is also chunked.)
        pieces, size = [], 0
        async for piece in self._connection:
            size += len(piece)
            if size > limit:
                raise too_large(limit)
            pieces.append(piece)
        return b"".join(pieces)

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        """The whole answer."""
        self._connection.response_bytes(status, headers, body)

    async def begin(self, status: int, headers: Headers) -> Callable[[bytes], Awaitable[None]]:
        """The head of an answer in pieces."""
        stream = self._connection.response_stream(status, headers)

        async def send(piece: bytes) -> None:
            try:
                await stream.send_bytes(piece)
            except ProtocolClosed as error:
                raise ClientGone from error

        return send

    async def finish(self) -> None:
        """RSGI ends the answer when the application returns."""

    def watch(self, left: Callable[[], object]) -> Callable[[], object]:
        """Call `left` when the client leaves. granian's future costs next to nothing, but only if it is cancelled."""
        future = self._connection.client_disconnect()

        def done(ended: _Future) -> None:
            if not ended.cancelled():
                left()

        future.add_done_callback(done)
        return future.cancel


class RsgiApp:
    """What granian calls. `open_gate` builds the worker's state once its event loop is there."""

    def __init__(self, open_gate: Callable[[Any], Gate], close_gate: Callable[[Any, Gate], None]) -> None:
        self._open, self._close = open_gate, close_gate
        self._gate: Gate | None = None

    def __rsgi_init__(self, loop: Any) -> None:
        self._gate = self._open(loop)

    def __rsgi_del__(self, loop: Any) -> None:
        if self._gate is not None:
            self._close(loop, self._gate)

    async def __call__(self, scope: Any, connection: Any) -> None:
        """The same without granian's hooks."""
        await self.__rsgi__(scope, connection)

    async def __rsgi__(self, scope: Any, connection: Any) -> None:
        assert self._gate is not None
        if scope.proto == "ws":
            await converse(self._gate, scope, connection)
            return
        await serve(self._gate, RsgiExchange(scope, connection))
