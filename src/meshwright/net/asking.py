"""One question to a cloud's own endpoint for identities: a small answer, short deadlines, errors without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec

from meshwright.net.transport import Call, Deadlines, Endpoint, Transport
from meshwright.types.errors import UpstreamError, UpstreamStatus

T = TypeVar("T")
MAX_ANSWER = 64 * 1024
"""Bytes of an answer."""
MAX_WORDS = 300
ASKING = Deadlines(connect=10.0, first_byte=20.0, between_bytes=10.0, total=30.0)
NEARBY = Deadlines(connect=1.0, first_byte=5.0, between_bytes=5.0, total=10.0)
"""For what answers on this machine or on the link, or not at all."""
_Headers = tuple[tuple[str, str], ...]


class Told(NamedTuple):
    """An answer: its status, lower-case headers, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def ask_once(
    transport: Transport,
    method: str,
    url: str,
    headers: _Headers = (),
    body: bytes = b"",
    *,
    deadlines: Deadlines = ASKING,
    proxy: str | None = None,
    ca_file: str | None = None,
) -> Told:
    """The whole answer, whatever its status. Raises UpstreamError, and a refusal for what cannot be called."""
    endpoint = Endpoint(url=url, headers=headers, method=method, proxy=proxy, ca_file=ca_file, once=True)
    answer = await transport.send(Call(endpoint, body, deadlines=deadlines))
    try:
        return Told(answer.status, answer.headers, await answer.read(MAX_ANSWER))
    except BaseException:
        answer.abort()
        raise


def decoded(body: bytes | str, kind: type[T]) -> T:
    """What an answer says as JSON. Raises msgspec.DecodeError, which names a member and never its value.

    A byte that is no text costs its letter only: whoever explains a refusal is heard in any encoding.
    """
    try:
        return msgspec.json.decode(body if isinstance(body, str) else body.decode(errors="replace"), type=kind)
    except RecursionError:
        raise msgspec.DecodeError("It is nested too deep") from None


def refusal(words: str) -> UpstreamError:
    """We could not identify ourselves: as if the provider had refused our key."""
    return UpstreamStatus(words, 401)


def host(url: str) -> str:
    """Whom an address asks, as errors say it."""
    return urlsplit(url).netloc


def because(*parts: str) -> str:
    """What an endpoint says is wrong, after a comma: at most 300 characters of one line; "" where it says nothing."""
    told = printable(": ".join(part for part in parts if part)).removesuffix(".")
    return f", {told}" if told else ""


def printable(words: str) -> str:
    """As much as is shown of the words of others, in one line."""
    return "".join(one if one.isprintable() else " " for one in words)[:MAX_WORDS].strip()
