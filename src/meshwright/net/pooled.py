"""The transport that does everything, on aiohttp: proxies beside what the lean one does.

Where it is weaker than the lean one, by aiohttp's design: bytes that a server sends unasked on a kept connection reach
the next call, endless interim heads are bounded only by the deadlines, and a body that breaks may lose its last bytes.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from types import SimpleNamespace

import aiohttp
from yarl import URL

from meshwright.net.head import HEAD_BYTES, HEAD_FIELDS, answer_headers, asks_encoding, refused, request_headers
from meshwright.net.keepalive import probed_socket
from meshwright.net.target import Target, parse_url
from meshwright.net.transport import RELEASED_SECONDS, Call, Deadlines, Endpoint
from meshwright.net.trust import Trust
from meshwright.types.errors import (
    ConnectFailed,
    InvalidRequest,
    StreamCut,
    UpstreamError,
    UpstreamProtocol,
    UpstreamTimeout,
)

# aiohttp pauses reading when twice this waits unread, in bytes.
_READ_BUFFER = 524_288
# A kept connection that dies this soon after a request was dying already (as in the lean transport), in seconds.
_STALE_SECONDS = 2.0
_ONE_PIECE = 1_000_000
_TARGETS_KEPT = 8192
# Every deadline is ours: aiohttp's own cannot tell the wait for the first byte from the silence between two.
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


class _Course:
    """How far one attempt has come: aiohttp reports its steps here, and the deadline moves with them."""

    __slots__ = ("deadlines", "expiry", "phase", "reused", "sent_at", "total_due")

    def __init__(self, deadlines: Deadlines, total_due: float) -> None:
        self.deadlines = deadlines
        self.total_due = total_due
        self.phase = "connect"
        self.reused = False
        self.sent_at = 0.0
        self.expiry = asyncio.timeout(None)

    def enter(self, phase: str, seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        due = min(now + seconds, self.total_due)
        self.phase = phase if due < self.total_due else "total"
        self.sent_at = now
        self.expiry.reschedule(due)


class AiohttpTransport:
    """Implements `Transport`. It belongs to the event loop of its first call."""

    def __init__(self, *, idle_seconds: float = 30.0) -> None:
        """`idle_seconds`: how long an unused connection is kept."""
        self._idle_seconds = idle_seconds
        self._session: aiohttp.ClientSession | None = None
        self._trust = Trust()
        self._targets: dict[Endpoint, Target] = {}
        self.draining: set[asyncio.Task[None]] = set()
        """Tasks that wait for the end of released answers."""
        self.closed = False

    async def send(self, call: Call) -> PooledAnswer:
        """See `Transport.send`."""
        if self.closed:
            raise ConnectFailed("The transport is closed.")
        target = self._target(call.endpoint)
        headers = request_headers(target, call.endpoint, call.headers)
        total_due = asyncio.get_running_loop().time() + call.deadlines.total
        course = _Course(call.deadlines, total_due)
        try:
            response = await self._attempt(call, target, headers, course)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if not _was_stale(course, error):
                raise _translated(error, target) from error
            course = _Course(call.deadlines, total_due)
            try:
                response = await self._attempt(call, target, headers, course)
            except aiohttp.ClientError as again:
                raise _translated(again, target) from again
        except aiohttp.ClientError as error:
            raise _translated(error, target) from error
        asked = asks_encoding(call.endpoint.headers) or asks_encoding(call.headers)
        return _accepted(response, call, total_due, asked, self)

    async def close(self) -> None:
        """See `Transport.close`."""
        self.closed = True
        for task in list(self.draining):
            task.cancel()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _attempt(
        self, call: Call, target: Target, headers: dict[str, str], course: _Course
    ) -> aiohttp.ClientResponse:
        session = self._session or self._open()
        endpoint = call.endpoint
        course.expiry = asyncio.timeout(None)
        try:
            async with course.expiry:
                course.enter("connect", course.deadlines.connect)
                return await session.request(
                    endpoint.method,
                    URL(target.url, encoded=True),
                    data=_content(call.body),
                    headers=headers,
                    proxy=endpoint.proxy,
                    ssl=self._trust.context(endpoint.ca_file) if target.scheme == "https" else True,
                    allow_redirects=False,
                    trace_request_ctx=course,
                )
        except TimeoutError as error:
            if not course.expiry.expired():
                raise ConnectFailed(f"A connection to {target.host}:{target.port} failed: {error}.") from error
            raise _expired(course.phase, call.deadlines) from error

    def _target(self, endpoint: Endpoint) -> Target:
        target = self._targets.get(endpoint)
        if target is None:
            target = parse_url(endpoint.url)
            if endpoint.proxy is not None and URL(endpoint.proxy).scheme != "http":
                raise InvalidRequest("Only an http:// address can be a proxy.", field="proxy")
            if endpoint.once:
                return target
            if len(self._targets) >= _TARGETS_KEPT:
                self._targets.clear()
            self._targets[endpoint] = target
        return target

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, ttl_dns_cache=10, keepalive_timeout=self._idle_seconds, socket_factory=probed_socket
            ),
            timeout=_NO_TIMEOUT,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
            read_bufsize=_READ_BUFFER,
            max_line_size=HEAD_BYTES,
            max_field_size=HEAD_BYTES,
            max_headers=HEAD_FIELDS,
            trace_configs=[_tracing()],
        )
        return self._session


def _content(body: bytes) -> bytes | io.BytesIO | None:
    """A large body goes out piece by piece; in one piece it would hold the event loop, and aiohttp warns of that."""
    return io.BytesIO(body) if len(body) > _ONE_PIECE else body or None


def _tracing() -> aiohttp.TraceConfig:
    """Reports to the call's `_Course` when the connection stands and when the request has gone out."""

    async def connected(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        course: _Course = context.trace_request_ctx
        course.enter("first_byte", course.deadlines.first_byte)

    async def reused(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        course: _Course = context.trace_request_ctx
        course.reused = True
        course.enter("first_byte", course.deadlines.first_byte)

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    trace.on_connection_reuseconn.append(reused)
    trace.on_request_chunk_sent.append(connected)
    return trace


class PooledAnswer:
    """Implements `Answer` on an aiohttp response."""

    __slots__ = ("_closed", "_deadlines", "_error", "_owner", "_response", "_total_due", "headers", "status")

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        headers: Mapping[str, str],
        deadlines: Deadlines,
        total_due: float,
        owner: AiohttpTransport,
    ) -> None:
        self.status = response.status
        self.headers = headers
        self._response = response
        self._deadlines = deadlines
        self._total_due = total_due
        self._owner = owner
        self._error: UpstreamError | None = None
        connection = response.connection
        closed = connection.protocol.closed if connection is not None and connection.protocol is not None else None
        self._closed = closed
        if closed is not None:
            # The future is the connection's and outlives this answer: `_seen` is added once, `_lost` until the end.
            closed.remove_done_callback(_seen)
            closed.add_done_callback(_seen)
            closed.add_done_callback(self._lost)
            response.content.on_eof(self._let_go)

    async def read(self, limit: int) -> bytes:
        """See `Answer.read`."""
        pieces: list[bytes] = []
        size = 0
        length = self.headers.get("content-length")
        too_long = length is not None and int(length) > limit and self.status not in (204, 304)
        while not too_long and (piece := await self.next()):
            pieces.append(piece)
            size += len(piece)
            too_long = size > limit
        if too_long:
            self.abort()
            raise UpstreamProtocol(f"The upstream's answer is longer than {limit} bytes.")
        return b"".join(pieces)

    async def next(self) -> bytes:
        """See `Answer.next`."""
        if self._error is not None:
            raise self._error
        content = self._response.content
        if content.at_eof():
            return self._end()
        now = asyncio.get_running_loop().time()
        due = min(now + self._deadlines.between_bytes, self._total_due)
        phase = "between_bytes" if due < self._total_due else "total"
        expiry = asyncio.timeout_at(due)
        try:
            async with expiry:
                return await content.readany() or self._end()
        except TimeoutError as error:
            self._error = _expired(phase, self._deadlines) if expiry.expired() else _cut(error)
        except aiohttp.ClientError as error:
            self._error = _cut(error)
        except UpstreamError as error:
            self._error = error
        except asyncio.CancelledError:
            self._response.close()
            raise
        self._response.close()
        raise self._error

    def _end(self) -> bytes:
        """The body is over. If the connection's end was what ended it, that must have been a regular one."""
        headers = self.headers
        if "content-length" in headers or "transfer-encoding" in headers:
            return b""
        closed = self._closed
        reset = closed is not None and closed.done() and not closed.cancelled() and closed.exception() is not None
        if reset or (self._owner.closed and closed is not None):
            self._error = StreamCut("The connection was not closed by the upstream's own will within its answer.")
            raise self._error
        return b""

    def _lost(self, _: asyncio.Future[None]) -> None:
        """When its parser gives up, aiohttp closes the connection and leaves whoever reads the body waiting."""
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(UpstreamProtocol("The upstream's answer cannot be used: its framing is broken."))

    def _let_go(self) -> None:
        if self._closed is not None:
            self._closed.remove_done_callback(self._lost)

    def abort(self) -> None:
        """See `Answer.abort`."""
        if self._error is None and not self._response.content.at_eof():
            self._error = StreamCut("The call was given up.")
        self._response.close()

    def release(self) -> None:
        """See `Answer.release`. A task waits for the end, since aiohttp itself would close the connection."""
        if self._error is not None or self._response.content.is_eof():
            return
        self._error = StreamCut("The call was given up.")
        task = asyncio.get_running_loop().create_task(_drain(self._response))
        self._owner.draining.add(task)
        task.add_done_callback(self._owner.draining.discard)


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read to the end if it comes soon, else close."""
    try:
        async with asyncio.timeout(RELEASED_SECONDS):
            while await response.content.readany():
                pass
    except (TimeoutError, aiohttp.ClientError):
        pass  # the answer was not needed; what matters is that the connection is closed below
    finally:
        response.close()  # after the end this closes nothing: the connection is in the pool again


def _accepted(
    response: aiohttp.ClientResponse,
    call: Call,
    total_due: float,
    asked_encoding: bool,
    owner: AiohttpTransport,
) -> PooledAnswer:
    raw = response.raw_headers
    headers = answer_headers(raw)
    reason = refused(response.status, headers, asked_encoding)
    if sum(len(name) + len(value) for name, value in raw) > HEAD_BYTES:
        reason = f"it has over {HEAD_BYTES} bytes of headers"
    if reason is not None:
        response.close()
        raise UpstreamProtocol(f"The upstream's answer cannot be used: {reason}.")
    return PooledAnswer(response, headers, call.deadlines, total_due, owner)


def _was_stale(course: _Course, error: aiohttp.ClientError) -> bool:
    """Whether the server closed a kept connection just as the request went out: the request may be sent once more."""
    if isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str | None):
        return False  # part of a head had arrived
    if isinstance(error, aiohttp.ClientConnectorError) or not course.reused:
        return False
    return asyncio.get_running_loop().time() - course.sent_at < _STALE_SECONDS


def _translated(error: aiohttp.ClientError, target: Target) -> UpstreamError:
    """What went wrong before the head was complete, in our words."""
    where = f"{target.host}:{target.port}"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ConnectFailed(f"The proxy refused a connection to {where}: {error.status} {error.message}.")
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError):
        return UpstreamProtocol(f"The upstream's answer cannot be used: {error}.")
    if isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str | None):
        return UpstreamProtocol("The upstream closed the connection within the head of its answer.")
    return ConnectFailed(f"A connection to {where} failed: {error}.")


def _cut(error: BaseException) -> StreamCut:
    return StreamCut(f"The upstream's answer was cut off ({error}).")


def _seen(closed: asyncio.Future[None]) -> None:
    """Take note of how a connection ended, so that asyncio does not report it as unnoticed."""
    if not closed.cancelled():
        closed.exception()


def _expired(phase: str, deadlines: Deadlines) -> UpstreamTimeout:
    seconds: float = getattr(deadlines, phase)
    said = {
        "connect": "No connection",
        "first_byte": "No answer",
        "between_bytes": "No further byte",
        "total": "The call was not done",
    }[phase]
    return UpstreamTimeout(f"{said} within {seconds:g} s.", phase)
