"""A client that sends exactly the bytes it is given, and reads what comes back."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

SECONDS = 20.0


class Told(NamedTuple):
    """One answer. Header names are lower case; `body` is without its framing."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Wire:
    """`with Wire(url) as wire:` is one connection."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        parts = urlsplit(url)
        self.name = parts.netloc
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=seconds)
        self._rest = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send as much as the server takes; what it refuses to read is its business."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def post(self, path: str, body: bytes, *more: str) -> None:
        """A correct POST of that body, plus headers."""
        lines = [f"POST {path} HTTP/1.1", f"host: {self.name}", "content-type: application/json", *more]
        self.send(("\r\n".join(lines) + f"\r\ncontent-length: {len(body)}\r\n\r\n").encode("latin-1") + body)

    def read(self, bodiless: bool = False) -> Told | None:
        """The next answer; None when the connection is closed instead. The answer to HEAD is `bodiless`."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split(" ")[1])
        if bodiless or status == 100:
            return Told(status, headers, b"")
        if "chunked" in headers.get("transfer-encoding", ""):
            return Told(status, headers, self._chunks())
        return Told(status, headers, self._exactly(int(headers.get("content-length", "0"))))

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        with contextlib.suppress(OSError):  # it may have hung up already
            self.socket.shutdown(socket.SHUT_WR)

    def closed(self) -> bool:
        """Whether the server has ended the connection."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def more(self) -> bytes:
        """Whatever comes next, b"" at the end."""
        try:
            return self.socket.recv(65_536)
        except ConnectionResetError:
            return b""

    def _until(self, mark: bytes) -> bytes | None:
        while mark not in self._rest:
            data = self.more()
            if not data:
                return None
            self._rest += data
        found, self._rest = self._rest.split(mark, 1)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._rest) < size and (data := self.more()):
            self._rest += data
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    def _chunks(self) -> bytes:
        whole = b""
        while (line := self._until(b"\r\n")) is not None and (size := int(line.split(b";")[0], 16)):
            whole += self._exactly(size)
            self._exactly(2)
        self._exactly(2)
        return whole


def ask(url: str, data: bytes) -> Told | None:
    """Those bytes on a connection of their own, and the first answer."""
    with Wire(url) as wire:
        wire.send(data)
        return wire.read()


def post(url: str, path: str, body: bytes, *more: str) -> Told | None:
    """One correct POST on a connection of its own, plus headers."""
    with Wire(url) as wire:
        wire.post(path, body, *more)
        return wire.read()
