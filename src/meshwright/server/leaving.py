"""Noticing that a client has left while its answer is made: one timer for all, and fast answers never pay for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from meshwright.server.http import Exchange

LOOK_SECONDS = 0.04
"""A request is listened to once it has waited for this long, or twice as long at most."""


class Leaving:
    """The requests of one event loop that wait for their answers, by task; one whose client leaves is cancelled."""

    def __init__(self) -> None:
        self._new: dict[asyncio.Task[None], Exchange] = {}
        """Those that came since the last look."""
        self._waiting: dict[asyncio.Task[None], Exchange] = {}
        """Those that came before it."""
        self._watched: dict[asyncio.Task[None], Callable[[], object]] = {}
        """Those that are listened to, and what ends that."""
        self._looking = False

    def begin(self, task: asyncio.Task[None], exchange: Exchange) -> None:
        """A request waits for its answer. Every one that begins must `end`."""
        self._new[task] = exchange
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def end(self, task: asyncio.Task[None]) -> None:
        """Its answer is there, or there will be none."""
        if self._new.pop(task, None) is None and self._waiting.pop(task, None) is None:
            self._watched.pop(task, _nothing)()

    def _look(self) -> None:
        due, self._waiting, self._new = self._waiting, self._new, {}
        self._looking = bool(self._waiting)
        if self._looking:
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
        for task, exchange in due.items():
            self._watched[task] = exchange.watch(task.cancel)


def _nothing() -> None:
    """It was not listened to."""
