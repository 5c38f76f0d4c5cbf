"""Opens connections for the lean transport: names to addresses, the quickest address, TLS."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl

import aiohappyeyeballs

from meshwright.net.keepalive import keep_alive
from meshwright.net.lean_link import Link
from meshwright.net.target import Target

# How long a resolved name is believed, in seconds: long enough for a burst of new connections, short enough for a move.
_RESOLVED_SECONDS = 10.0
# RFC 8305 section 5: the next address is tried when the one before has not answered for this long.
_NEXT_ADDRESS_SECONDS = 0.25

Addresses = list[aiohappyeyeballs.AddrInfoType]


class Connector:
    """Opens links. Concurrent openings to one name share one look-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.alive: set[Link] = set()
        """Every link that is open, so that all can be closed."""
        self._known: dict[tuple[str, int], tuple[float, Addresses]] = {}
        self._asked: dict[tuple[str, int], asyncio.Future[None]] = {}

    async def open(
        self, target: Target, context: ssl.SSLContext | None, pool: dict[Link, None], idle_seconds: float
    ) -> Link:
        """A connected link to `target`, through TLS if `context` is given. Raises OSError (ssl.SSLError among them)."""
        loop = self._loop
        addresses = await self._resolve(target.host, target.port)
        try:
            sock = await aiohappyeyeballs.start_connection(
                addresses, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS, loop=loop
            )
        except OSError:
            self._known.pop((target.host, target.port), None)  # it may have moved
            raise
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            keep_alive(sock)
            _, link = await loop.create_connection(
                lambda: Link(loop, pool, self.alive, idle_seconds),
                sock=sock,
                ssl=context,
                server_hostname=target.host if context is not None else None,
            )
        except BaseException:
            sock.close()
            raise
        return link

    async def _resolve(self, host: str, port: int) -> Addresses:
        key = (host, port)
        try:
            version = ipaddress.ip_address(host).version
        except ValueError:
            pass  # a name, not an address: it is looked up below
        else:
            family = socket.AF_INET if version == 4 else socket.AF_INET6
            sockaddr = (host, port) if version == 4 else (host, port, 0, 0)
            return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", sockaddr)]
        while True:
            until, addresses = self._known.get(key, (0.0, []))
            if self._loop.time() < until:
                return addresses
            asked = self._asked.get(key)
            if asked is None:
                return await self._look_up(key)
            await asyncio.shield(asked)

    async def _look_up(self, key: tuple[str, int]) -> Addresses:
        host, port = key
        asked = self._asked[key] = self._loop.create_future()
        try:
            found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            if not found:
                raise OSError(f"{host} has no address")
        except OSError as error:
            asked.set_exception(error)
            asked.exception()  # marks it as seen: there may be nobody else who waits for it
            raise
        else:
            addresses: Addresses = [*found]
            self._known[key] = (self._loop.time() + _RESOLVED_SECONDS, addresses)
            return addresses
        finally:
            del self._asked[key]
            if not asked.done():
                asked.set_result(None)
