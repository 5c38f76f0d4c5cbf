"""Stands before a real provider, passes everything on, and writes down what was said."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from meshwright.net.choose import OneTransport
from meshwright.net.transport import Answer, Call, Deadlines, Endpoint
from meshwright.sim.called import called, root_of
from meshwright.sim.head import LAST_CHUNK, chunk, head
from meshwright.sim.link import BadRequest, Link, Links, Received, hang_up, listen
from meshwright.sim.tape import Heard, taped
from meshwright.types.errors import MeshError, NotFound, StoreError, StreamCut, UpstreamError
from meshwright.wire import CODECS
from meshwright.wire.dialect import Dialect

# They belong to one connection or to how a body is framed; encoding would hide secrets from the scrubber.
_OURS = frozenset((
    "accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
    "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
))  # fmt: skip


class Recorder:
    """A provider on loopback that is a real one behind it. Use it as `async with Recorder(to, path) as recorder`.

    Keys pass through to the provider and never reach the file. Lines are added to a file that exists. `recorded` counts
    the lines written, `withheld` the exchanges left out because their answer spelled a secret piece by piece.
    """

    def __init__(self, to: str, path: Path, *, port: int = 0, deadlines: Deadlines | None = None) -> None:
        """`to` is the provider's base address."""
        self.recorded = 0
        self.withheld = 0
        self._to = to.rstrip("/")
        self._root = root_of(to)
        self._path = path
        self._port = port
        self._deadlines = deadlines or Deadlines()
        self._links = Links()
        self._server: asyncio.Server | None = None
        self._transport = OneTransport()

    async def __aenter__(self) -> Self:
        """Begin to listen. Raises OSError when the port is taken, StoreError when the file cannot be written."""
        self._write(b"")
        self._server = await listen(self._serve, self._links, self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        try:
            await hang_up(self._links)
        finally:
            await self._transport.close()

    @property
    def url(self) -> str:
        """The base address for clients."""
        return f"http://127.0.0.1:{self._port}{self._root}"

    async def _serve(self, link: Link) -> None:
        while True:
            try:
                received = await link.receive()
            except BadRequest as bad:
                await link.send(head(400, (), None, close=True) + str(bad).encode())
                return
            if received is None or not await self._pass_on(link, received):
                return

    async def _pass_on(self, link: Link, received: Received) -> bool:
        """Answer one request; whether the connection can be used again."""
        began = time.monotonic()
        try:
            if not received.path.startswith(f"{self._root}/"):
                raise NotFound(f"{received.path} is not below {self._root}.", fix=f"Use {self.url} as base address.")
            endpoint = Endpoint(
                url=self._to + received.path.removeprefix(self._root),
                headers=tuple((name, value) for name, value in received.headers if name not in _OURS),
                method=received.method,
            )
            answer = await self._transport.send(Call(endpoint, received.body, deadlines=self._deadlines))
        except MeshError as error:
            body = dialect_of(received.path).encode_error(error)
            await link.send(head(error.status, (("content-type", "application/json"),), len(body)) + body)
            return not received.is_last
        headers = tuple((name, value) for name, value in answer.headers.items() if name not in _OURS)
        after = time.monotonic() - began
        try:
            await link.send(head(answer.status, headers, None, chunked=True))
            pieces, cut = await self._copy(link, answer)
        finally:
            answer.abort()
        self._tape(received, Heard(answer.status, headers, after, pieces, cut))
        if not cut:
            await link.send(LAST_CHUNK)
        return not cut and not received.is_last

    async def _copy(self, link: Link, answer: Answer) -> tuple[tuple[tuple[float, bytes], ...], bool]:
        """Pass the body on; its pieces with the seconds before each, and whether it broke off."""
        pieces: list[tuple[float, bytes]] = []
        last = time.monotonic()
        while True:
            try:
                data = await answer.next()
            except (StreamCut, UpstreamError):
                return tuple(pieces), True
            if not data:
                return tuple(pieces), False
            now = time.monotonic()
            pieces.append((now - last, data))
            last = now
            await link.send(chunk(data))

    def _tape(self, received: Received, heard: Heard) -> None:
        line = taped(received, heard)
        if line is None:
            self.withheld += 1
            return
        self._write(msgspec.json.encode(line) + b"\n")
        self.recorded += 1

    def _write(self, line: bytes) -> None:
        try:
            # Prompts are nobody else's business, even without keys in them.
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, line)
            finally:
                os.close(file)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror}.") from error


def dialect_of(path: str) -> Dialect:
    """The dialect that is spoken at a path; OpenAI's where several or none would do."""
    found = (row for row in CODECS.values() if called(row, path) is not None)
    return next(found, CODECS["openai_chat"])
