"""A cloud on loopback: it answers what its functions say, and keeps every request as it was on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qs

JSON = "application/json"


class Came(NamedTuple):
    """A request. Header names are lower case; `path` has its query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


class Answer(NamedTuple):
    """What to answer."""

    body: bytes
    status: int = 200
    kind: str = JSON
    headers: str = ""


class Cloud:
    """`async with Cloud(answer) as cloud:` serves at `cloud.url`."""

    def __init__(self, answer: Callable[[Came], Answer]) -> None:
        self.answer = answer
        self.came: list[Came] = []
        self.url = ""

    async def __aenter__(self) -> Cloud:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def to(self, words: str) -> list[Came]:
        """The requests whose path holds these words."""
        return [one for one in self.came if words in one.path]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            came = Came(method, path, headers, body)
            self.came.append(came)
            told = self.answer(came)
            writer.write(
                f"HTTP/1.1 {told.status} X\r\ncontent-type: {told.kind}\r\ncontent-length: {len(told.body)}\r\n"
                f"{told.headers}connection: close\r\n\r\n".encode()
                + told.body
            )
            await writer.drain()
        finally:
            writer.close()
