"""What endpoints work with: the kernel, the settings of the server, and the store that the control plane fills."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from meshwright.kernel.config.tables import ServerSettings
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.snapshot import Snapshot
from meshwright.resilience.idempotency import Remembered
from meshwright.server.claims import Claims
from meshwright.server.leaving import Leaving
from meshwright.server.metrics import Metrics
from meshwright.server.shelf import Shelf
from meshwright.types.decision import Trace
from meshwright.types.errors import StoreError

if TYPE_CHECKING:
    from meshwright.server.desk import Desk

CUT = "The gateway was stopped before the answer was complete."
TELL_SECONDS = 10.0
_log = logging.getLogger("meshwright.server")


class Reading(msgspec.Struct, frozen=True, eq=False):
    """How endpoints read what the control plane has stored; never used on the hot path."""

    trace: Callable[[str], Awaitable[Trace | None]]
    recent: Callable[[int, str | None], Awaitable[list[Trace]]]
    answered: Callable[[str, str | None], Awaitable[Trace | None]]


Page = Callable[[Snapshot, Sequence[Trace], str], str]
"""Makes the status page of a snapshot, the latest traces (newest first), and the gateway's address."""


class Gate:
    """One worker's state. `draining` is set when it is told to stop: new requests are refused, running ones finish.

    `cut` is set when they have had their time. `reading` has until when each body that is being read must be there.
    """

    def __init__(
        self,
        kernel: Kernel,
        settings: ServerSettings,
        metrics: Metrics,
        stored: Reading,
        *,
        shelf: Shelf,
        page: Page,
        desk: Callable[[], Desk],
        document: bytes = b"{}",
        others: Callable[[], list[Metrics]] = list,
        audit_keys: Path | None = None,
        journal: Path | None = None,
    ) -> None:
        self.kernel = kernel
        self.settings = settings
        self.metrics = metrics
        self.stored = stored
        self.shelf = shelf
        self.page = page
        self.desk = desk
        self.document = document
        self._others = others
        self.audit_keys = audit_keys or Path()
        """The folder with the keys that checkpoints of the audit log are signed with."""
        self.journal = journal or Path()
        self.draining = False
        self.cut = False
        self.reading: dict[asyncio.Task[None], float] = {}
        self.background: dict[str, asyncio.Task[None]] = {}
        """Answers that are made while nobody waits, by id."""
        self.leaving = Leaving()
        self.talks: set[asyncio.Task[None]] = set()
        """Conversations in real time, which no drain can wait for."""
        self.remembered: Remembered[Any] = Remembered()
        """Answers by idempotency key, see `server.again`."""
        self.claims: Claims | None = None
        """Which worker makes the answer of such a key; None where this one is alone."""
        self.making: dict[tuple[str, bytes], Any] = {}
        """Answers that those who ask the same may join."""
        self._running: set[asyncio.Task[None]] = set()
        self._told = 0.0
        self.idle = asyncio.Event()
        self.idle.set()
        self.max_body = int(settings.max_body_mb * 1024 * 1024)
        self.max_upload = max(self.max_body, int(settings.max_upload_mb * 1024 * 1024))

    @property
    def under_way(self) -> int:
        """How many requests are running."""
        return len(self._running)

    def enter(self, task: asyncio.Task[None]) -> None:
        """A request has come."""
        if not self._running:
            self.idle.clear()
        self._running.add(task)

    def leave(self, task: asyncio.Task[None]) -> None:
        """A request is over."""
        self._running.discard(task)
        if not self._running:
            self.idle.set()

    def give_up(self) -> None:
        """Give up bodies that should have arrived. Called now and then: a timer for each would cost 4 µs a request."""
        now = time.monotonic()
        for task in [task for task, until in self.reading.items() if until < now]:
            del self.reading[task]
            task.cancel()

    def cut_off(self) -> None:
        """What still runs has had its time: cancel it, so that it is settled instead of killed."""
        self.cut = True
        if self._running:
            _log.warning("drain_seconds are over: %d requests are cut off", len(self._running))
        for task in self._running - self.talks:  # those have had their good-bye when the drain began
            task.cancel(CUT)

    def unstored(self, error: StoreError) -> None:
        """Say that requests are refused because they cannot be accounted for; not for each of them."""
        now = time.monotonic()
        if now >= self._told:
            self._told = now + TELL_SECONDS
            _log.error("requests are refused, for they could not be accounted for: %s", error)

    def all_metrics(self) -> Metrics:
        """This worker's numbers and those that the others last left."""
        total = Metrics()
        for metrics in (self.metrics, *self._others()):
            total.add(metrics)
        return total
