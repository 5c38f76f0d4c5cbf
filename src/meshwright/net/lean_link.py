"""One kept connection of the lean transport: writes a request, parses the answer, watches the deadlines.

Everything happens in the event loop's callbacks; no task is created, and a future only when somebody has to wait.
"""

from __future__ import annotations

import asyncio
from functools import partial
from types import SimpleNamespace
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from meshwright.net.head import HEAD_BYTES, HEAD_FIELDS, answer_headers, refused
from meshwright.net.lean_answer import LeanAnswer
from meshwright.net.transport import RELEASED_SECONDS, Deadlines
from meshwright.types.errors import ConnectFailed, StreamCut, UpstreamError, UpstreamProtocol, UpstreamTimeout

WAITING_BYTES = 1_048_576
"""So much of a body may wait unread before reading from the socket pauses."""
JOINED_BYTES = 65_536
"""Up to this size a body is copied behind its head and goes out in one write; a larger one is not copied."""
STALE_SECONDS = 2.0
"""A kept connection that dies this soon after a request was dying already; later, the server may have begun to work."""

_TIMER_SLACK = 0.001


class Stale(Exception):
    """A kept connection was closed by the server before any byte of the answer: the request may be sent once more."""


class Link(asyncio.Protocol):
    """A connection to one origin: fresh, then busy with one call or idle in `pool`, then closed."""

    __slots__ = (
        "_alive",
        "_answer",
        "_asked_encoding",
        "_begun",
        "_between",
        "_bodiless",
        "_busy",
        "_closed",
        "_due",
        "_ended",
        "_fields",
        "_first_byte",
        "_head_waiter",
        "_heads",
        "_idle_seconds",
        "_idle_since",
        "_keep",
        "_loop",
        "_parser",
        "_parts",
        "_paused",
        "_pool",
        "_refusal",
        "_released",
        "_sending",
        "_served",
        "_silent",
        "_started",
        "_timer",
        "_timer_at",
        "_total_due",
        "_touched",
        "_transport",
        "_unsent",
        "_until_close",
        "_waiter",
        "_waiting",
        "_whole",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, pool: dict[Link, None], alive: set[Link], idle_seconds: float
    ) -> None:
        """While it is open it is in `alive`, while it is idle also in `pool`, the last one in being the last used."""
        self._loop = loop
        self._pool = pool
        self._alive = alive
        self._idle_seconds = idle_seconds
        self._idle_since = loop.time()
        self._transport: asyncio.Transport | None = None
        self._answer: LeanAnswer | None = None
        self._head_waiter: asyncio.Future[LeanAnswer] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._served = 0
        self._busy = self._closed = self._paused = self._sending = self._until_close = False
        self._parts: list[bytes] = []
        self._fields: dict[bytes, bytes] = {}
        self._begun: list[None] = []
        # The parser looks these up once. Three of them are methods of list and dict, called without entering Python;
        # so `_begun` counts the messages that began, and anything over one per head is a byte nobody asked for.
        self._parser = HttpResponseParser(
            SimpleNamespace(
                on_message_begin=partial(self._begun.append, None),
                on_header=self._fields.__setitem__,
                on_headers_complete=self._on_head,
                on_body=self._parts.append,
                on_message_complete=self._on_end,
            )
        )

    # The transport's side: one call after the other.

    def begin(
        self, head: bytes, body: bytes, deadlines: Deadlines, total_due: float, bodiless: bool, asked_encoding: bool
    ) -> asyncio.Future[LeanAnswer]:
        """Write a request whose `head` lacks only its last, empty line. The future gets the answer, or its error.

        Times are the loop's; errors are those of `Transport.send`, and Stale on a connection that served before.
        """
        loop = self._loop
        now = loop.time()
        self._started = now
        self._first_byte = deadlines.first_byte
        self._between = deadlines.between_bytes
        self._due = now + deadlines.first_byte
        self._total_due = total_due
        self._bodiless = bodiless
        self._asked_encoding = asked_encoding
        self._busy = True
        self._touched = self._ended = self._keep = self._until_close = self._released = False
        self._refusal: str | None = None
        self._heads = self._silent = self._waiting = self._unsent = self._whole = 0
        waiter = self._head_waiter = loop.create_future()
        transport = self._transport
        if transport is None:  # it was closed between the handshake and now
            self._fail(ConnectFailed("The upstream closed the connection at once."))
        elif len(body) <= JOINED_BYTES:
            transport.write(b"%b\r\n%b" % (head, body))
        else:
            transport.writelines((head + b"\r\n", body))
        if transport is not None:
            # No phase that starts later can end before this: so one timer serves many calls, and chunks leave it alone.
            self._wake_at(min(self._due, now + deadlines.between_bytes, total_due))
        return waiter

    def close(self) -> None:
        """Close at once; a call under way fails with ConnectFailed or StreamCut."""
        self._until_close = False  # this end is not the one that would make the body whole
        self._lost(None)

    def give_up(self, waiter: asyncio.Future[LeanAnswer]) -> None:
        """Close if the call of `waiter` is still under way: the connection may be serving another by now."""
        if self._head_waiter is waiter:
            self.close()

    def usable(self) -> bool:
        """Whether an idle connection may serve another call: still open and not idle for too long."""
        return not self._closed and self._loop.time() - self._idle_since < self._idle_seconds

    # The answer's side.

    def take(self) -> bytes:
        """All parts of the body that wait, in one piece; b"" if none does. Reading goes on if it had paused."""
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._waiting = 0
        if self._paused and self._transport is not None and not self._closed:
            self._paused = False
            self._due = self._loop.time() + self._between
            self._transport.resume_reading()
        return data

    def arrival(self) -> asyncio.Future[None]:
        """A future that is done when there is something to take, or when the answer has ended, well or badly."""
        waiter = self._waiter = self._loop.create_future()
        return waiter

    def release(self) -> None:
        """Nobody reads on: drop what comes, and close unless the answer ends soon."""
        self._released = True
        self.take()
        self._total_due = min(self._total_due, self._loop.time() + RELEASED_SECONDS)
        self._wake_at(self._total_due)

    # asyncio.Protocol.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._alive.add(self)
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came; finish the call when its last byte is among it."""
        if not self._busy:
            self._lost(None)  # a server that speaks unasked is about to close, or confused
            return
        self._touched = True
        self._due = self._loop.time() + self._between
        self._silent += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self._ended:
                self._fail(UpstreamProtocol(f"The upstream's answer cannot be used: {self._refusal or error}."))
                return
            self._keep = False
        if self._refusal is not None:
            self._fail(UpstreamProtocol(f"The upstream's answer cannot be used: {self._refusal}."))
        elif self._ended:
            self._finish()
        elif self._released:
            self._parts.clear()
        elif self._parts:
            self._silent = 0
            self._waiting += len(data)
            self._wake()
            if self._waiting > WAITING_BYTES and not self._paused and self._transport is not None:
                self._paused = True
                self._transport.pause_reading()
        elif self._silent > HEAD_BYTES:
            # Heads, interim heads, chunk extensions or trailers: no body came with them.
            self._fail(UpstreamProtocol(f"The upstream sent over {HEAD_BYTES} bytes of headers."))

    def eof_received(self) -> None:
        """The server will send no more: for us that is the end, whether or not it still listens."""
        self._lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._lost(exc)

    def pause_writing(self) -> None:
        """More of the request waits than the system takes: the wait for the first byte has not begun."""
        self._sending = True
        self._unsent = self._transport.get_write_buffer_size() if self._transport is not None else 0

    def resume_writing(self) -> None:
        """The request is out, but for what the system's own buffer holds."""
        self._sending = False
        if not self._touched:
            self._due = self._loop.time() + self._first_byte

    # The parser's side.

    def _on_head(self) -> None:
        if self._ended:
            return  # the head of a message that nobody asked for
        self._heads += 1
        fields = self._fields
        if len(fields) > HEAD_FIELDS:
            self._refusal = f"it has over {HEAD_FIELDS} header fields"
            return
        # What came with the head may be body; only when there is very much of it are the fields themselves measured.
        if self._silent > HEAD_BYTES and sum(map(len, fields)) + sum(map(len, fields.values())) > HEAD_BYTES:
            self._refusal = f"it has over {HEAD_BYTES} bytes of headers"
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            fields.clear()
            return
        headers = answer_headers(fields.items())
        fields.clear()
        self._refusal = refused(status, headers, self._asked_encoding)
        if self._refusal is not None:
            return
        self._answer = answer = LeanAnswer(self, status, headers)
        self._keep = self._parser.should_keep_alive()
        self._until_close = "content-length" not in headers and "transfer-encoding" not in headers
        if self._bodiless:
            # An answer to HEAD: the parser would wait for the body that its head announces, so this one is done.
            self._ended, self._keep, self._whole = True, False, 0
        waiter = self._head_waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(answer)

    def _on_end(self) -> None:
        if self._answer is not None and not self._ended:
            self._ended, self._whole = True, len(self._parts)

    # Ends.

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def _finish(self) -> None:
        """The answer is whole: hand it over, and keep the connection if both sides can go on with it."""
        if len(self._begun) != self._heads:
            del self._parts[self._whole :]  # bytes behind the answer: not part of it, and a reason to hang up
            self._keep = False
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.complete(self.take())
        self._busy = False
        self._head_waiter = None
        self._wake()
        if not self._keep or self._sending or self._closed:
            self._lost(None)
            return
        self._begun.clear()
        self._fields.clear()
        self._served += 1
        self._idle_since = self._loop.time()
        self._pool[self] = None

    def _fail(self, error: UpstreamError | Stale) -> None:
        """Tell whoever waits, after what arrived before, and close."""
        answer, self._answer = self._answer, None
        self._busy = False
        if answer is not None:
            answer.complete(self.take(), cast("UpstreamError", error))
            self._wake()
        elif self._head_waiter is not None and not self._head_waiter.done():
            self._head_waiter.set_exception(error)
        self._lost(None)

    def _lost(self, exc: BaseException | None) -> None:
        """The connection ends, by our will or not: settle the call under way and let go of everything."""
        if self._closed:
            return
        self._closed = True
        self._pool.pop(self, None)
        self._alive.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._busy:
            if self._answer is not None and self._until_close and exc is None:
                self._finish()
            else:
                self._fail(self._cut(exc))
        del self._parser  # it holds us as we hold it: let go now, not at the next garbage collection
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def _cut(self, exc: BaseException | None) -> UpstreamError | Stale:
        how = f" ({exc})" if exc is not None and str(exc) else ""
        if self._answer is not None:
            return StreamCut(f"The upstream's answer was cut off{how}.")
        if self._touched:
            return UpstreamProtocol(f"The upstream closed the connection within the head of its answer{how}.")
        if self._served and self._loop.time() - self._started < STALE_SECONDS:
            return Stale()
        return ConnectFailed(f"The upstream closed the connection without an answer{how}.")

    # Deadlines.

    def _wake_at(self, when: float) -> None:
        if self._timer is None or self._timer_at > when:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = when
            self._timer = self._loop.call_at(when, self._tick)

    def _tick(self) -> None:
        """See whether a deadline has passed; if not, look again when the next one could."""
        self._timer = None
        now = self._loop.time()
        if not self._busy:
            expiry = self._idle_since + self._idle_seconds
            if now >= expiry:
                self._lost(None)
            else:
                self._wake_at(max(expiry, now + _TIMER_SLACK))
            return
        if now >= self._total_due:
            self._fail(UpstreamTimeout("The upstream took longer than the whole call may.", "total"))
            return
        if now >= self._due and not self._excused(now):
            if self._touched:
                self._fail(UpstreamTimeout(f"The upstream was silent for {self._between:g} s.", "between_bytes"))
            else:
                self._fail(UpstreamTimeout(f"No answer within {self._first_byte:g} s.", "first_byte"))
            return
        step = now + min(self._first_byte, self._between)
        self._wake_at(max(min(self._due, self._total_due, step), now + _TIMER_SLACK))

    def _excused(self, now: float) -> bool:
        """Whether the silence is ours: our reader is slow, or our request is still going out and moves."""
        if self._paused:
            self._due = now + self._between
            return True
        if self._sending and not self._touched and self._transport is not None:
            unsent = self._transport.get_write_buffer_size()
            if unsent < self._unsent:
                self._unsent = unsent
                self._due = now + self._first_byte
                return True
        return False
