"""A client that sees exactly the bytes, and how the connection ended."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal
from urllib.parse import urlsplit

import msgspec

SOON = 10.0


class Wire(msgspec.Struct, frozen=True):
    """All that came, and what the connection was at the end: "fin", "rst", or still "open"."""

    data: bytes
    end: Literal["fin", "rst", "open"]

    @property
    def status(self) -> int:
        return int(self.data.split(b" ", 2)[1])

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0].lower()

    @property
    def body(self) -> bytes:
        """The body without its chunks' framing, as far as that is correct."""
        rest = self.data.partition(b"\r\n\r\n")[2]
        if b"transfer-encoding: chunked" not in self.head:
            return rest
        body = b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            with contextlib.suppress(ValueError):
                count = int(size, 16)
                body += rest[:count]
                rest = rest[count + 2 :]
                continue
            break
        return body

    @property
    def complete(self) -> bool:
        """Whether HTTP says that the body is all there."""
        if b"transfer-encoding: chunked" in self.head:
            return self.data.endswith(b"\r\n0\r\n\r\n")
        length = next(line for line in self.head.split(b"\r\n") if line.startswith(b"content-length:"))
        return len(self.body) == int(length.split(b":")[1])


async def ask(
    url: str,
    body: bytes,
    *,
    headers: tuple[tuple[str, str], ...] = (),
    keep: bool = False,
    silence: float | None = None,
) -> Wire:
    """POST and read to the end; with `silence` until nothing has come for so many seconds."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    told = "".join(f"{name}: {value}\r\n" for name, value in headers)
    told += "" if keep else "connection: close\r\n"
    writer.write(
        f"POST {address.path} HTTP/1.1\r\nhost: x\r\n{told}content-length: {len(body)}\r\n\r\n".encode() + body
    )
    data = b""
    end: Literal["fin", "rst", "open"] = "fin"
    try:
        while piece := await asyncio.wait_for(reader.read(1 << 20), silence or SOON):
            data += piece
    except ConnectionResetError:
        end = "rst"
    except TimeoutError:
        assert silence, f"nothing ended it: {data[-200:]!r}"
        end = "open"
    finally:
        writer.transport.abort()
    return Wire(data, end)
