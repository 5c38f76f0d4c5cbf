"""Waiting: for a place at a deployment that is full, and for a turn when the budget of second attempts is spent."""

from __future__ import annotations

import asyncio
from collections import deque

from meshwright.resilience.budget import Budget
from meshwright.resilience.fair_queue import FairQueue
from meshwright.resilience.standing import Standing
from meshwright.types.errors import Overloaded
from meshwright.types.principal import Principal

TURN_SECONDS = 1.0
"""How long a turn lasts at most."""
TURNED_AWAY = "More requests wait for this model than the gateway lets wait, and others go first."


class Doors:
    """A fair queue before each deployment that is full."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.queues: dict[str, FairQueue[asyncio.Future[None]]] = {}

    def bound(self, most: int) -> None:
        """So many may wait at a deployment from now on; those that wait already stay."""
        self._most = most

    def waiting(self, key: str) -> int:
        """How many wait there."""
        queue = self.queues.get(key)
        return len(queue) if queue is not None else 0

    async def enter(
        self, key: str, standing: Standing, principal: Principal, tokens: float, now: float, until: float
    ) -> bool:
        """Wait for a place; False when none came in time. Raises Overloaded for who is turned away.

        Whoever gets in has his place: he need not be quick about it, and must take it.
        """
        queue = self.queues.get(key)
        if queue is None:
            queue = self.queues[key] = FairQueue(self._most)
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for turned_away in queue.push(ticket, principal.id, tokens, until=until, priority=principal.priority):
            if not turned_away.done():  # its client may have left at this very moment
                turned_away.set_exception(Overloaded(TURNED_AWAY, fix="Ask again in a while."))
        try:
            async with asyncio.timeout(max(0.0, until - now)):
                await ticket
        except TimeoutError:
            return self._leave(key, queue, ticket, standing)
        except asyncio.CancelledError:
            if self._leave(key, queue, ticket, standing):
                self.given_back(key, standing, now)
            raise
        self._tidy(key, queue)
        return True

    def next(self, key: str, standing: Standing, now: float) -> None:
        """A call has ended: let in who comes next. His place is taken for him until he takes it himself."""
        queue = self.queues.get(key)
        while queue is not None and not standing.concurrency.full and (ticket := queue.pop(now)) is not None:
            if not ticket.done():
                standing.concurrency.begin()
                ticket.set_result(None)

    def given_back(self, key: str, standing: Standing, now: float) -> None:
        """A place that was taken for somebody is not needed."""
        standing.concurrency.end()
        self.next(key, standing, now)

    def _leave(
        self, key: str, queue: FairQueue[asyncio.Future[None]], ticket: asyncio.Future[None], standing: Standing
    ) -> bool:
        """Stop waiting; True when the place had been given at that very moment."""
        queue.leave(ticket)
        self._tidy(key, queue)
        return ticket.done() and not ticket.cancelled() and ticket.exception() is None

    def _tidy(self, key: str, queue: FairQueue[asyncio.Future[None]]) -> None:
        if not len(queue) and self.queues.get(key) is queue:
            del self.queues[key]


class Turn:
    """A second attempt's place in the budget. It is over with the attempt, or its first words; else after a moment.

    So all who were under way when a provider died are served by another within seconds, however long answers take: what
    is bounded is how fast a new load comes, and no healthy provider is spared its share of it.
    """

    __slots__ = ("_timer", "_turns")

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._timer: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(TURN_SECONDS, self.over)

    def over(self) -> None:
        """The next one's turn; to say it again says nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._turns.give()


class Turns:
    """The budget of second attempts, and who waits for it, in order."""

    def __init__(self, share: float, least: int) -> None:
        self.budget = Budget(share, least)
        self._waiting: deque[asyncio.Future[None]] = deque()

    def bound(self, share: float, least: int) -> None:
        """Other bounds from now on."""
        self.budget.bound(share, least)

    async def take(self, seconds: float) -> Turn | None:
        """Begin a second attempt, after a wait if there must be one; None when none was free in time."""
        if (turn := self.take_at_once()) is not None:
            return turn
        return Turn(self) if await self._came(seconds) else None

    def take_at_once(self) -> Turn | None:
        """The same without waiting: what is only a try to be quicker must not stand in line."""
        return Turn(self) if not self._waiting and self.budget.take() else None

    async def _came(self, seconds: float) -> bool:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await turn
        except TimeoutError:
            return self._gone(turn)
        except asyncio.CancelledError:
            if self._gone(turn):
                self.give()
            raise
        return True

    def give(self) -> None:
        """A turn is over."""
        self.budget.give()
        self._next()

    def begin(self) -> None:
        """A request is under way."""
        self.budget.active += 1
        if self._waiting:
            self._next()

    def end(self) -> None:
        """A request is over."""
        self.budget.active -= 1

    def _next(self) -> None:
        while self._waiting and self.budget.take():
            turn = self._waiting.popleft()
            if turn.done():
                self.budget.give()
            else:
                turn.set_result(None)

    def _gone(self, turn: asyncio.Future[None]) -> bool:
        """Stop waiting; True when the turn had come at that very moment."""
        if turn.done() and not turn.cancelled():
            return True
        if turn in self._waiting:
            self._waiting.remove(turn)
        return False
