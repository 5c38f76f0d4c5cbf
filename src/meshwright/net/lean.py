"""The lean transport: HTTP/1.1 straight on the event loop, for calls without a proxy.

It does what a provider call needs and nothing else: no redirects, cookies, decompression or pipelining. The head of a
request is prepared once per endpoint; connections are kept per origin and CA file, the last used first.
Wire format: RFC 9112; the parser is llhttp (httptools) in its strict mode.
"""

from __future__ import annotations

import asyncio
import ssl

import msgspec

from meshwright.net.head import asks_encoding, header_lines, request_headers
from meshwright.net.lean_answer import LeanAnswer
from meshwright.net.lean_connect import Connector
from meshwright.net.lean_link import Link, Stale
from meshwright.net.target import Target, parse_url
from meshwright.net.transport import Call, Deadlines, Endpoint
from meshwright.net.trust import Trust
from meshwright.types.errors import ConnectFailed, InvalidRequest, UpstreamTimeout

# Prepared heads are dropped all at once when they are so many: endpoints of configurations that are long replaced.
_PREPARED_KEPT = 8192

Origin = tuple[str, str, int, str | None]


class _Prepared(msgspec.Struct, eq=False):
    """What is the same in every call of an endpoint: request line and headers as bytes, and where links wait."""

    target: Target
    head: bytes
    names: frozenset[str]
    pool: dict[Link, None]
    ca_file: str | None
    sends_length: bool
    bodiless: bool
    asked_encoding: bool


class LeanTransport:
    """Implements `Transport` for endpoints without a proxy. It belongs to the event loop of its first call."""

    def __init__(self, *, idle_seconds: float = 30.0) -> None:
        """`idle_seconds`: how long an unused connection is kept; below the 60 s after which balancers drop theirs."""
        self._idle_seconds = idle_seconds
        self._prepared: dict[Endpoint, _Prepared] = {}
        self._pools: dict[Origin, dict[Link, None]] = {}
        self._trust = Trust()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connector: Connector | None = None
        self._closed = False

    async def send(self, call: Call) -> LeanAnswer:
        """See `Transport.send`."""
        endpoint = call.endpoint
        prepared = self._prepared.get(endpoint)
        if prepared is None:
            prepared = self._prepare(endpoint)
        head = prepared.head
        asked_encoding = prepared.asked_encoding
        if call.headers:
            head = _with_headers(prepared, call)
            asked_encoding = asked_encoding or asks_encoding(call.headers)
        body = call.body
        if body or prepared.sends_length:
            head = b"%bcontent-length: %d\r\n" % (head, len(body))
        deadlines = call.deadlines
        loop = self._loop or asyncio.get_running_loop()
        total_due = loop.time() + deadlines.total
        pool = prepared.pool
        link: Link | None = None
        while pool and link is None:
            link = pool.popitem()[0]
            if not link.usable():
                link.close()
                link = None
        while True:
            if link is None:
                link = await self._connect(prepared, deadlines)
            waiter = link.begin(head, body, deadlines, total_due, prepared.bodiless, asked_encoding)
            try:
                return await waiter
            except Stale:
                link = None  # a fresh link is never stale: this happens once
            except asyncio.CancelledError:
                link.give_up(waiter)
                raise

    async def close(self) -> None:
        """See `Transport.close`."""
        self._closed = True
        if self._connector is not None:
            for link in list(self._connector.alive):
                link.close()
        # Closed sockets report back through the loop: give it the turn to do so.
        await asyncio.sleep(0)

    async def _connect(self, prepared: _Prepared, deadlines: Deadlines) -> Link:
        if self._closed:
            raise ConnectFailed("The transport is closed.")
        target = prepared.target
        if self._connector is None:
            self._loop = asyncio.get_running_loop()
            self._connector = Connector(self._loop)
        context = self._trust.context(prepared.ca_file) if target.scheme == "https" else None
        allowed = min(deadlines.connect, deadlines.total)
        where = f"{target.host}:{target.port}"
        expiry = asyncio.timeout(allowed)
        try:
            async with expiry:
                link = await self._connector.open(target, context, prepared.pool, self._idle_seconds)
        except OSError as error:
            if expiry.expired():
                phase = "connect" if deadlines.connect <= deadlines.total else "total"
                raise UpstreamTimeout(f"No connection to {where} within {allowed:g} s.", phase) from error
            kind = "TLS with" if isinstance(error, ssl.SSLError) else "A connection to"
            raise ConnectFailed(f"{kind} {where} failed: {error}.") from error
        return link

    def _prepare(self, endpoint: Endpoint) -> _Prepared:
        if endpoint.proxy is not None:
            raise InvalidRequest(
                "The lean transport does not go through proxies.", field="proxy", fix='Use the transport "aiohttp".'
            )
        target = parse_url(endpoint.url)
        headers = request_headers(target, endpoint)
        origin = (target.scheme, target.host, target.port, endpoint.ca_file)
        prepared = _Prepared(
            target=target,
            head=f"{endpoint.method} {target.path} HTTP/1.1\r\n".encode("ascii") + header_lines(headers.items()),
            names=frozenset(headers),
            pool=self._pools.setdefault(origin, {}),
            ca_file=endpoint.ca_file,
            # RFC 9110 section 8.6: a method that usually has content says so even when there is none.
            sends_length=endpoint.method in ("POST", "PUT", "PATCH"),
            bodiless=endpoint.method == "HEAD",
            asked_encoding=asks_encoding(endpoint.headers),
        )
        if not endpoint.once:
            if len(self._prepared) >= _PREPARED_KEPT:
                self._prepared.clear()
            self._prepared[endpoint] = prepared
        return prepared


def _with_headers(prepared: _Prepared, call: Call) -> bytes:
    """The head with the headers of this call; made anew where one of them replaces a prepared one."""
    if prepared.names.isdisjoint([name.lower() for name, _ in call.headers]):
        return prepared.head + header_lines(call.headers)
    headers = request_headers(prepared.target, call.endpoint, call.headers)
    line = prepared.head[: prepared.head.index(b"\r\n") + 2]
    return line + header_lines(headers.items())
