"""What an endpoint gets and gives: plain values, whatever server runs below."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from urllib.parse import parse_qsl

import msgspec

from meshwright.kernel.arrival import Flow
from meshwright.types.errors import InvalidRequest, TooLarge
from meshwright.types.principal import LOCAL, Principal

Headers = list[tuple[str, str]]
JSON = ("content-type", "application/json")


class Exchange(Protocol):
    """One request and its answer on the connection: the face that ASGI and RSGI share here."""

    method: str
    path: str
    query: str

    def header(self, name: str) -> str | None:
        """A request header by its lower-case name, the first of several. Raises InvalidRequest if it is not ASCII."""
        ...

    def says(self, word: str) -> bool:
        """Whether the name of any request header has that in it: one look where many names would be asked for."""
        ...

    async def body(self, limit: int) -> bytes:
        """The whole request body. Raises TooLarge over `limit` bytes, InvalidRequest or ClientGone if it breaks off."""
        ...

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        """The whole answer."""
        ...

    async def begin(self, status: int, headers: Headers) -> Callable[[bytes], Awaitable[None]]:
        """Begin an answer in pieces. What is returned sends one piece, and raises ClientGone when nobody listens."""
        ...

    async def finish(self) -> None:
        """End an answer in pieces."""
        ...

    def watch(self, left: Callable[[], object]) -> Callable[[], object]:
        """Call `left` once if the client closes the connection. What is returned ends the watch and must be called."""
        ...


class ClientGone(Exception):
    """The client closed the connection."""


class Asked(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A request as an endpoint sees it. `parameter` is what stands for `{…}` in its path.

    `ours`: there may be headers of ours among its own (x-mesh-…).
    """

    method: str
    path: str
    query: str
    header: Callable[[str], str | None]
    body: bytes = b""
    parameter: str = ""
    principal: Principal = LOCAL
    ours: bool = True


class Answered(msgspec.Struct, frozen=True, eq=False):
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes


class Flowing(msgspec.Struct, frozen=True, eq=False):
    """An answer in pieces."""

    status: int
    headers: Headers
    flow: Flow


def as_json(value: object, status: int = 200) -> Answered:
    """A JSON answer of any value that msgspec can encode."""
    return Answered(status, [JSON], msgspec.json.encode(value))


def query_values(query: str) -> Mapping[str, str]:
    """The query's values by name, the last of each."""
    return dict(parse_qsl(query, keep_blank_values=True))


def too_large(limit: int) -> TooLarge:
    """The error for a body over `limit` bytes."""
    return TooLarge(
        f"The request body is over {limit // 1024} KiB.",
        fix="Send less, or raise max_body_mb (for files: max_upload_mb) of [server] in mesh.toml.",
    )


def cut_off() -> InvalidRequest:
    """The error for a body that is shorter than its announced length."""
    return InvalidRequest("The body ended before its content-length.", fix="Send as many bytes as the header says.")


def too_slow(seconds: float) -> InvalidRequest:
    """The error for a body that does not come."""
    return InvalidRequest(
        f"The body had not arrived after {seconds:g} s.",
        fix="Send it at once, or raise body_seconds of [server] in mesh.toml.",
    )


def not_ascii(name: str) -> InvalidRequest:
    """The error for a header whose value has bytes that mean something else to everybody."""
    return InvalidRequest(f"The header {name} is not ASCII.", field=name, fix="Use letters, digits and punctuation.")


def compressed(coding: str) -> InvalidRequest:
    """The error for a body in a content coding."""
    return InvalidRequest(
        f"Bodies with the content coding {coding[:40]!r} are not read here.",
        field="content-encoding",
        fix="Send the JSON uncompressed, without Content-Encoding.",
    )
