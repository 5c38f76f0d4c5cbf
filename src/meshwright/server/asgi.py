"""The gateway as an ASGI application: for any ASGI server, and for tests that call it without one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from meshwright.server.app import serve
from meshwright.server.gate import Gate
from meshwright.server.http import ClientGone, Headers, not_ascii, too_large

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class AsgiExchange:
    """One request and its answer over ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html)."""

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: str = scope["query_string"].decode("latin-1")
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._receive, self._send = receive, send

    def header(self, name: str) -> str | None:
        """A request header; the first one when it is repeated. Raises InvalidRequest when it is not ASCII."""
        wanted = name.encode()
        for key, value in self._headers:
            if key == wanted:
                if not value.isascii():
                    raise not_ascii(name)
                return value.decode()
        return None

    def says(self, word: str) -> bool:
        """Whether the name of any request header has that in it."""
        return any(word.encode() in key for key, _ in self._headers)

    async def body(self, limit: int) -> bytes:
        """The request's body, at most `limit` bytes."""
        pieces, size, more = [], 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > limit:
                raise too_large(limit)
            more = message.get("more_body", False)
        return b"".join(pieces)

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        """The whole answer."""
        await self._start(status, [*headers, ("content-length", str(len(body)))])
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, status: int, headers: Headers) -> Callable[[bytes], Awaitable[None]]:
        """The head of an answer in pieces."""
        await self._start(status, headers)

        async def send(piece: bytes) -> None:
            try:
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            except OSError as error:
                raise ClientGone from error

        return send

    async def finish(self) -> None:
        """The end of an answer in pieces."""
        await self._send({"type": "http.response.body", "body": b""})

    def watch(self, left: Callable[[], object]) -> Callable[[], object]:
        """Call `left` when the client leaves."""

        async def listen() -> None:
            while (await self._receive())["type"] != "http.disconnect":
                pass
            left()

        return asyncio.ensure_future(listen()).cancel

    async def _start(self, status: int, headers: Headers) -> None:
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})


def asgi_app(gate: Gate) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    """An ASGI application over a gate that is open already."""

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "http":
            await serve(gate, AsgiExchange(scope, receive, send))

    return app
