"""One request and its answer on the wire: the plan of what a correct provider would send, and the means to spoil it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec

from meshwright.sim.frames import Frame
from meshwright.sim.head import LAST_CHUNK, chunk, head
from meshwright.sim.link import Link, Received
from meshwright.sim.seen import Seen
from meshwright.sim.spread import drawn
from meshwright.sim.upstream import Fault, Upstream
from meshwright.types.errors import MeshError
from meshwright.wire.dialect import Dialect

JSON = "application/json"


class Pretended(MeshError):
    """An error that a pretend provider tells: with the status and code of a real one."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Plan(msgspec.Struct, frozen=True):
    """What a correct provider would send. `stream` frames are events; others add up to one JSON body."""

    frames: tuple[Frame, ...]
    stream: bool
    media_type: str

    @property
    def tokens(self) -> int:
        """How many frames bring generated content."""
        return sum(frame.token for frame in self.frames)


class Exchange:
    """An answer on its way out. Faults use its methods; every method raises ClientGone when nobody listens any more."""

    def __init__(
        self, link: Link, upstream: Upstream, dialect: Dialect, received: Received, seen: Seen, random: Random
    ) -> None:
        self.link = link
        self.upstream = upstream
        self.dialect = dialect
        self.received = received
        self.seen = seen
        self.random = random
        self.plan = Plan((), False, JSON)
        self.generated = 0
        """Tokens of the answer, for the time that an answer in one piece takes."""
        self.spent = False
        """The connection cannot be used for another request."""
        rate = drawn(upstream.tokens_per_second, random)
        self._gap = 1.0 / rate if rate > 0 else 0.0
        self._chunked = False
        self._began = link.sent

    async def latency(self) -> None:
        """The wait before the head; for an answer in one piece the time of its generation too."""
        wait = drawn(self.upstream.latency, self.random)
        if not self.plan.stream:
            wait += drawn(self.upstream.first_token, self.random) + self.generated * self._gap
        await self.link.sleep(wait)

    async def send(self, data: bytes) -> None:
        """Bytes as they are, without any framing."""
        await self.link.send(data)
        self.seen.sent = self.link.sent - self._began

    def head(self, status: int, headers: Sequence[tuple[str, str]], length: int | None) -> bytes:
        """The head's bytes. `length` None: the body comes in chunks (or until the end, for HTTP/1.0)."""
        self.seen.status = status
        id = f"req_{self.seen.number:08d}"
        self._chunked = length is None and self.received.version == "HTTP/1.1"
        self.spent = self.spent or (length is None and not self._chunked)
        told = (("x-request-id", id), ("request-id", id), *headers)
        return head(status, told, length, chunked=self._chunked, close=self.spent)

    def framed(self, data: bytes) -> bytes:
        """A piece of the body as the head has promised it."""
        return chunk(data) if self._chunked and data else data

    async def begin(self, media_type: str | None = None, status: int = 200) -> None:
        """Send the head of the planned answer."""
        length = None if self.plan.stream else sum(len(frame.data) for frame in self.plan.frames)
        await self.send(self.head(status, (("content-type", media_type or self.plan.media_type),), length))

    async def frames(self, frames: Sequence[Frame], *, first: bool = True) -> None:
        """Send frames at the upstream's pace; `first` when the first token is among them."""
        gap = self._gap if self.plan.stream else 0.0
        wait = drawn(self.upstream.first_token, self.random) if first and self.plan.stream else 0.0
        if not gap and not wait:
            await self.send(b"".join(self.framed(frame.data) for frame in frames))
            return
        for frame in frames:
            if frame.token:
                await self.link.sleep(wait)
                wait = gap
            await self.send(self.framed(frame.data))

    async def finish(self) -> None:
        """Say that the body is complete, in HTTP's way."""
        if self._chunked:
            await self.send(LAST_CHUNK)

    async def whole(
        self, status: int, body: bytes, headers: Sequence[tuple[str, str]] = (("content-type", JSON),)
    ) -> None:
        """An answer in one piece."""
        await self.send(self.head(status, headers, len(body)) + body)

    async def error(self, error: MeshError, retry_after: float | None = None) -> None:
        """An error's status and its body in the dialect."""
        headers = [("content-type", JSON)]
        if retry_after is not None:
            headers.append(("retry-after", f"{retry_after:g}"))
        await self.whole(error.status, self.dialect.encode_error(error), headers)

    async def as_planned(self) -> None:
        """The whole answer, correctly."""
        await self.latency()
        await self.begin()
        await self.frames(self.plan.frames)
        await self.finish()

    async def reset(self) -> None:
        """Close the connection with RST."""
        self.spent = True
        await self.link.reset()

    def fault_seconds(self, fault: Fault, default: float) -> float:
        """How long a fault's pause lasts."""
        return default if fault.seconds is None else fault.seconds
