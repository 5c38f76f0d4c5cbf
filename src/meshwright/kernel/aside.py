"""Work beside requests that nobody waits for: so many at most, and none is forgotten at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

MOST = 32
_log = logging.getLogger("meshwright.kernel")


class Aside:
    """Tasks of one event loop. What cannot start because too many run is refused, never queued."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self, work: Coroutine[Any, Any, None]) -> bool:
        """Begin it; False when it was not begun."""
        if self._closed or len(self._running) >= self.most:
            work.close()
            return False
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._over)
        return True

    async def close(self, seconds: float) -> None:
        """Give what runs that many seconds, then cancel it, and wait until it has settled. Nothing starts any more."""
        self._closed = True
        if not self._running:
            return
        _, left = await asyncio.wait(self._running, timeout=seconds)
        for task in left:
            task.cancel("The gateway was stopped.")
        if left:
            await asyncio.wait(left)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("work beside a request failed: %s: %s", type(error).__name__, error)
