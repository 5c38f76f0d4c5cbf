"""Tokens and keys that run out, kept fresh beside the requests that use them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from time import monotonic, time

from meshwright.net.asking import refusal
from meshwright.net.proof import Headers, Nothing, Obtained, Shown, Source
from meshwright.net.transport import Call, Transport
from meshwright.types.errors import MeshError

LOOK_SECONDS = 1.0
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 60.0
REFUSED_PAUSE = 30.0
"""A token that a provider refuses is replaced at most once in this many seconds."""
_log = logging.getLogger("meshwright.tokens")


class Token:
    """One source's token (or keys): read by requests, replaced by whoever keeps it fresh. Implements `Proof`.

    It is renewed when four fifths of its life are over, at the latest five minutes before its end (a life of less than
    that: in its middle). While renewing fails the old one serves until its own end.
    """

    def __init__(self, source: Source, transport: Transport, clock: Callable[[], float]) -> None:
        self._source = source
        self._transport = transport
        self._clock = clock
        self._shown: Shown = Nothing()
        self._until = self._renew = self._since = clock()
        self._ends = False
        self._failures = 0
        self._failed: MeshError | None = None
        self._asking: asyncio.Task[None] | None = None

    def due(self) -> bool:
        """Whether it is time to ask for another."""
        return self._asking is None and self._clock() >= self._renew

    def headers(self, call: Call, now: float) -> Headers:
        """The authorization."""
        return self._shown.headers(call, now)

    def left(self) -> float | None:
        """For how many seconds it holds; None where nobody said so, or there is none."""
        left = self._until - self._clock()
        return left if self._ends and left > 0 else None

    async def ready(self) -> None:
        """Wait for a token if there is none that holds. Raises UpstreamError; what just failed is not asked again."""
        if self._clock() < self._until:
            return
        if self._asking is None and self._failed is not None and self._clock() < self._renew:
            raise refusal(self._failed.message)
        # Whoever leaves meanwhile must not take the token away from the others who wait for it.
        await asyncio.shield(self.ask())
        if self._clock() >= self._until and self._failed is not None:
            raise refusal(self._failed.message)

    def refused(self) -> None:
        """It was revoked, perhaps: another is asked for soon, and until then this one goes on being tried."""
        if self._clock() >= self._since + REFUSED_PAUSE:
            self._renew = min(self._renew, self._clock())

    def ask(self) -> asyncio.Task[None]:
        """Begin to ask, or join those who wait."""
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        return self._asking

    async def _ask(self) -> None:
        try:
            self._take(await self._source.obtain(self._transport, time()))
        except MeshError as error:
            pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE)
            self._failures += 1
            self._failed = error
            self._renew = self._clock() + pause
            _log.error("%s Asking again in %g s.", error, pause)
        finally:
            self._asking = None

    def _take(self, found: Obtained) -> None:
        now = self._clock()
        self._shown, self._ends = found.shown, found.ends
        early = max(found.seconds / 5, min(300.0, found.seconds / 2))
        self._since, self._until, self._renew = now, now + found.seconds, now + found.seconds - early
        self._failures, self._failed = 0, None

    def stop(self) -> None:
        """Nobody waits for it any more."""
        if self._asking is not None:
            self._asking.cancel()


class Tokens:
    """The tokens of one event loop, one for each source, however many deployments use it."""

    def __init__(self, transport: Transport, clock: Callable[[], float] = monotonic) -> None:
        self._transport = transport
        self._clock = clock
        self._tokens: dict[Source, Token] = {}

    def of(self, source: Source) -> Token:
        """The token of this source; a new snapshot finds the one that the old one used."""
        if source not in self._tokens:
            self._tokens[source] = Token(source, self._transport, self._clock)
        return self._tokens[source]

    def keep(self, sources: Iterable[Source]) -> None:
        """Forget the tokens of all others; requests that still hold one use it to its end."""
        kept = set(sources)
        self._tokens = {source: token for source, token in self._tokens.items() if source in kept}

    async def keep_fresh(self) -> None:
        """Ask for each token ahead of its end, for ever."""
        while True:
            for token in tuple(self._tokens.values()):
                if token.due():
                    token.ask()
            await asyncio.sleep(LOOK_SECONDS)

    def close(self) -> None:
        """Stop asking."""
        for token in self._tokens.values():
            token.stop()
