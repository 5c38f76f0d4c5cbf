"""A raw server on loopback that sends exactly the bytes a test gives it, and sees exactly what the client does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from meshwright.net.transport import Call, Deadlines, Endpoint

SOON = 5.0
"""Seconds within which something must happen that ought to happen at once."""

PATIENT = Deadlines(connect=5.0, first_byte=10.0, between_bytes=10.0, total=30.0)
"""For tests that are not about deadlines: a hang fails them, a slow machine does not."""


class Received(msgspec.Struct, frozen=True):
    """A request as it came."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The only value of a header; fails if it came twice."""
        values = [value for known, value in self.headers if known.lower() == name]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None


class Peer:
    """The server's end of one connection."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer

    async def request(self) -> Received:
        """Read one request with a content length (or none). Raises IncompleteReadError when the client hangs up."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.split("\r\n")[:-2]
        headers = [(name, value.strip()) for name, _, value in (field.partition(":") for field in rest)]
        length = int({name.lower(): value for name, value in headers}.get("content-length", "0"))
        received = Received(line, headers, await self.reader.readexactly(length))
        self.server.requests.append(received)
        self.server.first_request.set()
        return received

    async def send(self, *pieces: bytes) -> None:
        """Send pieces so that each is a segment, and as a rule a read, of its own."""
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            self.writer.write(piece)
            await self.writer.drain()

    async def gone(self) -> None:
        """Wait until the client has hung up."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65_536):
                pass
        self.server.hang_ups.set()

    def reset(self) -> None:
        """Close with RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


class Server:
    """What a test sees of its server: the address, the requests so far, and how many connections there were."""

    def __init__(self, script: Script, scheme: str) -> None:
        self.script = script
        self.scheme = scheme
        self.port = 0
        self.connections = 0
        self.requests: list[Received] = []
        self.hang_ups = asyncio.Event()
        self.first_request = asyncio.Event()
        self.errors: list[BaseException] = []
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """An address on this server."""
        return f"{self.scheme}://127.0.0.1:{self.port}/v1/things?a=b%20c"

    async def asked(self) -> None:
        """Wait until a request has come."""
        async with asyncio.timeout(SOON):
            await self.first_request.wait()

    async def hung_up(self) -> None:
        """Wait until some client has hung up while its script waited for that."""
        async with asyncio.timeout(SOON):
            await self.hang_ups.wait()

    def call(self, body: bytes = b"{}", *, deadlines: Deadlines = PATIENT, **endpoint: Any) -> Call:
        """A POST to this server, with the fields of Endpoint that differ."""
        return Call(Endpoint(self.url, **endpoint), body, deadlines=deadlines)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Run the script on a new connection."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self.script(Peer(self, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client hung up between two requests, or the test is over
        except BaseException as error:  # noqa: BLE001  (kept, and raised when the test ends)
            self.errors.append(error)
        finally:
            self.tasks.discard(task)
            writer.transport.abort()


@contextlib.asynccontextmanager
async def served(script: Script, *, tls: ssl.SSLContext | None = None, limit: int = 2**23) -> AsyncIterator[Server]:
    """Serve `script` on a free port; what went wrong in it fails the test. It reads `limit` bytes ahead or so."""
    server = Server(script, "https" if tls else "http")
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0, ssl=tls, backlog=2048, limit=limit)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in list(server.tasks):
            task.cancel()
        await asyncio.gather(*server.tasks)
    if server.errors:
        raise server.errors[0]


def answering(*pieces: bytes) -> Script:
    """A script that answers every request with the same bytes and keeps the connection."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(*pieces)

    return script


def once(*pieces: bytes) -> Script:
    """A script that answers one request and closes."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces)
        peer.writer.close()
        with contextlib.suppress(ConnectionError):
            await peer.writer.wait_closed()

    return script


def plain(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    """An answer with a content length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    """An answer in chunks, as it is on the wire."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n" + trailer + b"\r\n"
