"""What a pretend provider has seen of one request, and what became of it."""

from __future__ import annotations

import asyncio

from meshwright.sim.link import Received
from meshwright.types.request import Request

SOON = 10.0


class Seen:
    """One request. It changes while its answer is on the way; `await over()` waits for the end."""

    __slots__ = (
        "_over", "at", "body", "cancelled", "fault", "headers", "method", "number", "path", "request", "sent", "status",
    )  # fmt: skip

    def __init__(self, received: Received, at: float) -> None:
        self.method = received.method
        self.path = received.path
        self.headers = received.headers
        """As they came, names in lower case."""
        self.body = received.body
        self.request: Request | None = None
        """What the dialect makes of it, if it could be read."""
        self.at = at
        """Seconds since the start of the sim."""
        self.number = 0
        """Which call for an answer it is, from 1; 0 for anything else (the list of models)."""
        self.fault = ""
        self.status = 0
        """The status that was answered, 0 while there was none."""
        self.sent = 0
        """Bytes written so far, head and framing included."""
        self.cancelled = False
        """The client closed the connection before its answer was complete."""
        self._over = asyncio.Event()

    def __repr__(self) -> str:
        return f"Seen({self.method} {self.path}, status={self.status}, sent={self.sent}, cancelled={self.cancelled})"

    def header(self, name: str) -> str:
        """The first value of a header, "" if it is missing; `name` in lower case."""
        return next((value for known, value in self.headers if known == name), "")

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self._over.is_set()

    def end(self) -> None:
        """Nothing more will happen."""
        self._over.set()

    async def over(self, seconds: float = SOON) -> Seen:
        """Wait until nothing more will happen. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            await self._over.wait()
        return self
