"""What a transport is: bytes to a provider and bytes back, with deadlines, and nothing about their meaning."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

import msgspec

RELEASED_SECONDS = 1.0
"""How long a released answer may take to end, if its connection is to be kept."""


class Deadlines(msgspec.Struct, frozen=True):
    """Seconds allowed to each phase of one upstream call.

    `connect` covers DNS, TCP, TLS and a proxy's CONNECT; `first_byte` runs from the request's last byte to the answer's
    first; `between_bytes` is the longest silence afterwards; `total` bounds the whole call. Time in which the reader
    keeps us waiting (its own client is slow) counts against `total` only.
    """

    connect: float = 10.0
    first_byte: float = 120.0
    between_bytes: float = 60.0
    total: float = 900.0


class Endpoint(msgspec.Struct, frozen=True, eq=False):
    """Where calls go: built once per deployment and reused, so that a transport may prepare its request head once.

    `headers` are sent with every call (authentication among them); names are lower case. A transport adds `host`,
    `content-length` and, unless they are given, `accept: */*`, `accept-encoding: identity` and a `user-agent`; it adds
    no content type. Framing headers (`content-length`, `transfer-encoding`, `connection`, `upgrade`, `expect`, ...) are
    ours and refused with InvalidRequest, as is any character in a header or the address that could start a new header.
    `once`: it serves a single call, and a transport keeps nothing for the next.
    `proxy` is an http:// address. `ca_file` is a PEM file that is trusted in addition to the system's. Certificates are
    always verified.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"
    proxy: str | None = None
    ca_file: str | None = None
    once: bool = False


class Call(msgspec.Struct, frozen=True, eq=False):
    """One request: a prepared endpoint, the headers of this call only, a body, and its deadlines.

    A header of the call replaces the endpoint's of the same name.
    """

    endpoint: Endpoint
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    deadlines: Deadlines = Deadlines()


class Answer(Protocol):
    """A provider's answer whose head has arrived. It must be read to the end, aborted or released: that frees it.

    One task reads it. The body is what the provider sent: never decompressed (we ask for `identity`; an answer that is
    encoded although nobody asked is refused), never re-encoded.
    """

    status: int
    headers: Mapping[str, str]
    """Lower-case names; of a repeated header the last value, except that `set-cookie` is dropped."""

    async def read(self, limit: int) -> bytes:
        """The whole (remaining) body. Raises UpstreamProtocol over `limit` bytes, UpstreamTimeout, StreamCut."""
        ...

    async def next(self) -> bytes:
        """What has arrived since the last call, all of it in one piece; waits if nothing has; b"" at the end.

        Raises UpstreamTimeout when a deadline passes, StreamCut when the connection ends before the body does and
        UpstreamProtocol when the body's framing is broken; what arrived before is handed out first. Cancelling the
        waiting task closes the connection.
        """
        ...

    def abort(self) -> None:
        """Close the connection at once, so that the provider stops generating. Harmless after the end."""
        ...

    def release(self) -> None:
        """Nobody needs the rest: keep the connection if the body ends within a second, else close it. Never waits.

        What arrives meanwhile is dropped. Harmless after the end; nothing may be read afterwards.
        """
        ...


class Transport(Protocol):
    """Sends calls. Implementations keep connections alive, never follow redirects, and honour every deadline."""

    def send(self, call: Call) -> Coroutine[Any, Any, Answer]:
        """Send and wait for the answer's head. Raises ConnectFailed, UpstreamTimeout, UpstreamProtocol, InvalidRequest.

        A redirect (3xx) is an answer like any other. Cancelling the waiting task closes the connection. A request that
        went out on a kept connection which the server was closing at that moment (it died within two seconds, before
        any byte of an answer) is sent once more on a fresh one.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
