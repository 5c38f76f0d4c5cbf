"""Fetches addresses that a user supplied: only from the public internet, hop by hop, from the address that was checked.

Names are resolved once per hop; every address found must be public, and the connection goes to one of those very
addresses (a second look-up could answer differently: DNS rebinding). See OWASP, Server-Side Request Forgery Prevention.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Collection, Mapping
from urllib.parse import urljoin

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from meshwright.net.head import HEAD_BYTES, HEAD_FIELDS, answer_headers, refused
from meshwright.net.public import is_public
from meshwright.net.target import Target, parse_url
from meshwright.types.errors import (
    Blocked,
    ConnectFailed,
    InvalidRequest,
    StreamCut,
    TooLarge,
    UpstreamProtocol,
    UpstreamTimeout,
)

MOST_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
# Below 1024 live mail, shells and printers; of those ports only the web's are called.
_LOWEST_PORT = 1024
_WEB_PORTS = (80, 443)
_READ_BUFFER = 65_536


class Fetched(msgspec.Struct, frozen=True):
    """What a fetch brought: the address that answered at last, its status, lower-case headers and the body."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


async def fetch(
    url: str,
    *,
    limit_bytes: int,
    deadline: float,
    allow: Collection[tuple[str, int]] = (),
    tls: ssl.SSLContext | None = None,
) -> Fetched:
    """GET `url` within `deadline` seconds; at most `limit_bytes` of body, sent uncompressed; at most three redirects.

    `allow` names (host, port) pairs, as they stand in the address, that may be private: for tests and for an operator's
    own hosts. `tls` replaces the usual trust in the system's authorities.
    Any status is an answer. Raises InvalidRequest (not an address), Blocked (not public, a port that is not the web's,
    a redirect from https to http), TooLarge, ConnectFailed, UpstreamTimeout, UpstreamProtocol, StreamCut.
    """
    context = tls or ssl.create_default_context()
    try:
        async with asyncio.timeout(deadline):
            target = parse_url(url)
            for _ in range(MOST_REDIRECTS + 1):
                got = await _hop(target, limit_bytes, allow, context)
                location = got.headers.get("location")
                if got.status not in _REDIRECTS or location is None:
                    return got
                target = _next_target(target, location)
    except TimeoutError as error:
        raise UpstreamTimeout(f"The address was not fetched within {deadline:g} s.", "total") from error
    raise UpstreamProtocol(f"The address led through more than {MOST_REDIRECTS} redirects.")


def _next_target(target: Target, location: str) -> Target:
    try:
        after = parse_url(urljoin(target.url, location), field="location")
    except ValueError as error:
        raise InvalidRequest(f"The redirect leads to no address: {error}.", field="location") from error
    if target.scheme == "https" and after.scheme == "http":
        raise Blocked("The address redirects from https to http.", field="url")
    return after


async def _hop(target: Target, limit: int, allow: Collection[tuple[str, int]], context: ssl.SSLContext) -> Fetched:
    """One request, on its own connection to an address that was checked."""
    addresses = await _checked_addresses(target, allow)
    connector = aiohttp.TCPConnector(
        resolver=_Pinned(addresses), use_dns_cache=False, force_close=True, socket_factory=_only(addresses)
    )
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        read_bufsize=_READ_BUFFER,
        max_line_size=HEAD_BYTES,
        max_field_size=HEAD_BYTES,
        max_headers=HEAD_FIELDS,
    ) as session:
        headers = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "meshwright"}
        try:
            async with session.get(
                URL(target.url, encoded=True), headers=headers, allow_redirects=False, ssl=context
            ) as response:
                return await _received(target, response, limit)
        except aiohttp.ClientPayloadError as error:
            raise StreamCut(f"The body at {target.host} was cut off ({error}).") from error
        except aiohttp.ClientResponseError as error:
            raise UpstreamProtocol(f"The answer of {target.host} cannot be used: {error.message}.") from error
        except aiohttp.ClientError as error:
            raise ConnectFailed(f"A connection to {target.host}:{target.port} failed: {error}.") from error


async def _received(target: Target, response: aiohttp.ClientResponse, limit: int) -> Fetched:
    headers = answer_headers(response.raw_headers)
    reason = refused(response.status, headers, asked_encoding=False)
    if reason is not None:
        raise UpstreamProtocol(f"The answer of {target.host} cannot be used: {reason}.")
    if response.status in _REDIRECTS:
        return Fetched(url=target.url, status=response.status, headers=headers, body=b"")  # nobody reads on
    pieces: list[bytes] = []
    size = 0
    while piece := await response.content.readany():
        size += len(piece)
        if size > limit:
            raise TooLarge(f"What the address holds is larger than {limit} bytes.", field="url")
        pieces.append(piece)
    return Fetched(url=target.url, status=response.status, headers=headers, body=b"".join(pieces))


async def _checked_addresses(target: Target, allow: Collection[tuple[str, int]]) -> list[ResolveResult]:
    """Every address of the target's host, all public. Decimal and octal hosts are read as the system reads them."""
    host, port = target.host, target.port
    allowed = (host, port) in allow
    if not allowed and port < _LOWEST_PORT and port not in _WEB_PORTS:
        raise Blocked(f"Port {port} is not one of the web's.", field="url")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except OSError as error:
        raise ConnectFailed(f"The name {host} is not known: {error}.") from error
    addresses = [str(sockaddr[0]) for *_, sockaddr in found]
    # One address that is not public condemns the name: which of them is connected to is not for its owner to choose.
    if not addresses or not (allowed or all(map(is_public, addresses))):
        raise Blocked(f"The address of {host} is not on the public internet.", field="url")
    return [
        ResolveResult(hostname=host, host=address, port=port, family=family, proto=proto, flags=socket.AI_NUMERICHOST)
        for (family, _, proto, _, _), address in zip(found, addresses, strict=True)
    ]


class _Pinned(AbstractResolver):
    """Resolves every name to the addresses that were checked."""

    def __init__(self, addresses: list[ResolveResult]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return self._addresses

    async def close(self) -> None:
        """Nothing is held."""


def _only(addresses: list[ResolveResult]) -> aiohttp.SocketFactoryType:
    """The last word: a socket is made for a checked address or not at all, however aiohttp came by it."""
    checked = {ipaddress.ip_address(found["host"]) for found in addresses}

    def make(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, proto, _, sockaddr = info
        if ipaddress.ip_address(str(sockaddr[0])) not in checked:
            raise Blocked("The connection would go to an address that was not checked.", field="url")
        return socket.socket(family=family, type=kind, proto=proto)

    return make
