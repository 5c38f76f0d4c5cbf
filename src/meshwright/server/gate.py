"""What endpoints work with: the kernel, the settings of the server, and the store that the control plane fills."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from meshwright.kernel.config import ServerSettings
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.snapshot import Snapshot
from meshwright.server.metrics import Metrics
from meshwright.types.decision import Trace


class Reading(msgspec.Struct, frozen=True, eq=False):
    """How endpoints read what the control plane has stored; never used on the hot path."""

    trace: Callable[[str], Awaitable[Trace | None]]
    recent: Callable[[int, str | None], Awaitable[list[Trace]]]


Page = Callable[[Snapshot, Sequence[Trace], str], str]
"""Makes the status page of a snapshot, the latest traces (newest first), and the gateway's address."""


class Gate:
    """One worker's state. `draining` is set when it is told to stop: new requests are refused, running ones finish."""

    def __init__(
        self,
        kernel: Kernel,
        settings: ServerSettings,
        metrics: Metrics,
        stored: Reading,
        *,
        page: Page,
        document: bytes = b"{}",
        others: Callable[[], list[Metrics]] = list,
    ) -> None:
        self.kernel = kernel
        self.settings = settings
        self.metrics = metrics
        self.stored = stored
        self.page = page
        self.document = document
        self._others = others
        self.draining = False
        self.under_way = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self.max_body = int(settings.max_body_mb * 1024 * 1024)

    def enter(self) -> None:
        """A request has come."""
        self.under_way += 1
        if self.under_way == 1:
            self.idle.clear()

    def leave(self) -> None:
        """A request is over."""
        self.under_way -= 1
        if not self.under_way:
            self.idle.set()

    def all_metrics(self) -> Metrics:
        """This worker's numbers and those that the others last left."""
        total = Metrics()
        for metrics in (self.metrics, *self._others()):
            total.add(metrics)
        return total
