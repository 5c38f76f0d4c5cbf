"""A WebSocket to a provider, opened within a deadline and bounded in size."""

from __future__ import annotations

import asyncio

import aiohttp
from yarl import URL

from meshwright.net.duplex import ABNORMAL, CLOSE_SECONDS, MAX_FRAME, Closed
from meshwright.net.head import HEAD_BYTES, HEAD_FIELDS
from meshwright.net.target import parse_url
from meshwright.net.transport import Deadlines, Endpoint
from meshwright.net.trust import Trust
from meshwright.types.errors import ConnectFailed, UpstreamProtocol, UpstreamStatus, UpstreamTimeout


class UpstreamSocket:
    """A connection to a provider."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._session = session
        self._socket = socket

    async def send(self, message: str | bytes) -> None:
        """See `Duplex.send`."""
        if isinstance(message, str):
            await self._socket.send_str(message)
        else:
            await self._socket.send_bytes(message)

    async def receive(self) -> str | bytes | Closed:
        """See `Duplex.receive`."""
        got = await self._socket.receive()
        if got.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            data: str | bytes = got.data
            return data
        code = self._socket.close_code
        return Closed(ABNORMAL if code is None else code, str(got.extra or ""))

    async def close(self, code: int, reason: str) -> None:
        """See `Duplex.close`."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close(code=code, message=reason.encode()[:123])
        except (TimeoutError, aiohttp.ClientError, ConnectionError):
            pass  # it is over either way
        await self._session.close()


async def connect(
    endpoint: Endpoint, deadlines: Deadlines, headers: tuple[tuple[str, str], ...] = ()
) -> UpstreamSocket:
    """Open a connection to an http(s) address. Raises ConnectFailed, UpstreamTimeout, UpstreamStatus."""
    target = parse_url(endpoint.url)
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        max_line_size=HEAD_BYTES,
        max_field_size=HEAD_BYTES,
        max_headers=HEAD_FIELDS,
    )
    try:
        async with asyncio.timeout(deadlines.connect):
            socket = await session.ws_connect(
                URL(target.url, encoded=True),
                headers=dict((*endpoint.headers, *headers)),
                proxy=endpoint.proxy,
                ssl=Trust().context(endpoint.ca_file),
                max_msg_size=MAX_FRAME,
                compress=0,
                autoclose=True,
            )
    except BaseException as error:
        await session.close()
        if isinstance(error, TimeoutError):
            raise UpstreamTimeout(f"No connection within {deadlines.connect:g} s.", "connect") from error
        if isinstance(error, aiohttp.WSServerHandshakeError):
            raise _refused(error) from error
        if isinstance(error, aiohttp.ClientError):
            raise ConnectFailed(f"A connection to {target.host}:{target.port} failed: {error}.") from error
        raise
    return UpstreamSocket(session, socket)


def _refused(error: aiohttp.WSServerHandshakeError) -> UpstreamStatus | UpstreamProtocol:
    if error.status < 400:
        return UpstreamProtocol(f"The provider answered with status {error.status} instead of 101.")
    return UpstreamStatus(f"The provider refused the connection: {error.status}.", error.status)
