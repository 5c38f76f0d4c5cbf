"""One connection of a client, with the sockets' own controls: what no correct server would do can be done here.

HTTP/1.1 as in RFC 9112, requests with a length or in chunks, one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec

MAX_HEAD = 256 * 1024
MAX_BODY = 256 * 1024 * 1024
RESET_SECONDS = 0.01
"""So long a client may read what came before a reset: it would else find the reset first, as if nothing had come."""


class ClientGone(ConnectionError):
    """The client has closed its connection."""


class BadRequest(Exception):
    """Bytes that are not HTTP/1.1."""


class Received(msgspec.Struct, frozen=True):
    """A request as it came; header names are lower case."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    version: str = "HTTP/1.1"

    def header(self, name: str) -> str:
        """The header's first value, "" if it is missing."""
        return next((value for known, value in self.headers if known == name), "")

    @property
    def is_last(self) -> bool:
        """Whether the client wants the connection closed after the answer."""
        return "close" in self.header("connection").lower() or self.version == "HTTP/1.0"


class Links:
    """The open connections of one server, and what went wrong in serving them."""

    def __init__(self) -> None:
        self.open: set[Link] = set()
        self.failures: list[BaseException] = []

    def ended(self, task: asyncio.Future[None]) -> None:
        """Remember what a connection's task died of."""
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.failures.append(failure)


class Link(asyncio.Protocol):
    """The server's end of one connection. `serve` runs for as long as it is open."""

    def __init__(self, serve: Callable[[Link], Awaitable[None]], links: Links) -> None:
        self.gone = asyncio.Event()
        self.answered = 0
        self.sent = 0
        """Bytes written since the connection began."""
        self._serve = serve
        self._links = links
        self._buffer = bytearray()
        self._more = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None
        self.task: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so
        self._links.open.add(self)
        self.task = asyncio.ensure_future(self._run())
        self.task.add_done_callback(self._links.ended)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._more.set()

    def eof_received(self) -> None:
        self._leave()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _leave(self) -> None:
        self.gone.set()
        self._more.set()
        self._writable.set()

    async def _run(self) -> None:
        try:
            await self._serve(self)
        except ClientGone:
            pass  # nobody is left to tell; what it means is on the record of the request
        finally:
            self._links.open.discard(self)
            self.close()

    async def receive(self) -> Received | None:
        """The next request, None when the client has closed. Raises BadRequest."""
        head = await self._until(b"\r\n\r\n", MAX_HEAD)
        if head is None:
            return None
        lines = head.decode("latin-1").split("\r\n")[:-2]
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadRequest(f"not a request line: {lines[0][:80]!r}")
        pairs = (line.partition(":") for line in lines[1:])
        headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
        known = dict(headers)
        if known.get("expect", "").lower() == "100-continue":
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in known.get("transfer-encoding", "").lower():
            body = await self._chunks()
        else:
            length = known.get("content-length", "0")
            if not length.isdigit() or int(length) > MAX_BODY:
                raise BadRequest(f"content-length: {length[:40]}")
            body = await self._exactly(int(length))
        return None if body is None else Received(words[0], words[1], headers, body, words[2])

    async def _chunks(self) -> bytes | None:
        body = bytearray()
        while True:
            line = await self._until(b"\r\n", 4096)
            if line is None:
                return None
            try:
                size = int(line.split(b";")[0], 16)
            except ValueError:
                raise BadRequest(f"not a chunk's size: {line[:40]!r}") from None
            if len(body) + size > MAX_BODY:
                raise BadRequest("the body is too large")
            if not size:
                while (trailer := await self._until(b"\r\n", MAX_HEAD)) not in (None, b"\r\n"):
                    del trailer
                return bytes(body)
            chunk = await self._exactly(size + 2)
            if chunk is None:
                return None
            body += chunk[:-2]

    async def _until(self, mark: bytes, limit: int) -> bytes | None:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > limit:
                raise BadRequest("a line or the head is too long")
            if not await self._fill():
                return None
        return self._take(end + len(mark))

    async def _exactly(self, count: int) -> bytes | None:
        while len(self._buffer) < count:
            if not await self._fill():
                return None
        return self._take(count)

    async def _fill(self) -> bool:
        if self.gone.is_set():
            return False
        self._more.clear()
        await self._more.wait()
        return True

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def send(self, data: bytes) -> None:
        """Write and wait while the client does not read. Raises ClientGone."""
        self._write(data)
        if not self._writable.is_set():
            await self._writable.wait()
            if self.gone.is_set():
                raise ClientGone

    def _write(self, data: bytes) -> None:
        if self.gone.is_set() or self._transport is None:
            raise ClientGone
        self._transport.write(data)
        self.sent += len(data)

    async def sleep(self, seconds: float) -> None:
        """Wait. Raises ClientGone as soon as the client closes."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.gone.wait()
        else:
            await asyncio.sleep(0)
        if self.gone.is_set():
            raise ClientGone

    def close(self) -> None:
        """Close after what was written has gone out (FIN)."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close and drop what was not yet written."""
        if self._transport is not None:
            self._transport.abort()

    async def reset(self) -> None:
        """Close with RST, once the client's end has taken what was written."""
        transport = self._transport
        if transport is None:
            return
        transport.set_write_buffer_limits(0)  # from now on it is writable only when nothing is left to write
        await self._writable.wait()
        await asyncio.sleep(RESET_SECONDS)
        sock = transport.get_extra_info("socket")
        if sock is not None and not self.gone.is_set():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


async def listen(
    serve: Callable[[Link], Awaitable[None]], links: Links, port: int, host: str = "127.0.0.1"
) -> asyncio.Server:
    """Accept connections on loopback; `links` holds those that are open. Raises OSError when the port is taken."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Link(serve, links), host, port, backlog=2048)


async def hang_up(links: Links) -> None:
    """End every connection and what serves it. Raises the first thing that went wrong in there."""
    still = list(links.open)
    for link in still:
        if link.task is not None:
            link.task.cancel()
    await asyncio.gather(*(link.task for link in still if link.task is not None), return_exceptions=True)
    for link in still:
        link.abort()
    if links.failures:
        raise links.failures[0]
