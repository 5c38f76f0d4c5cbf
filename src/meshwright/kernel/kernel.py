"""The data plane's state: one snapshot, the journal, the signals, and the traces of late."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from meshwright.kernel.answers_kept import Kept
from meshwright.kernel.aside import Aside
from meshwright.kernel.record import Recording
from meshwright.kernel.signals import Signals
from meshwright.kernel.snapshot import Snapshot
from meshwright.types.decision import Trace

RECENT = 512


class Journaling(Protocol):
    """Where traces leave the process. `postponed` says why the last rotation did not happen, "" if it did."""

    postponed: str

    def begin(self, id: str, at: float, principal: str) -> None:
        """Note that a request is about to cost something."""
        ...

    def record(self, trace: Trace) -> None:
        """Keep a trace, before the last byte of its answer leaves."""
        ...


class Kernel:
    """What `handle` works with. `snapshot` is replaced whole; a request keeps the one that it began with."""

    def __init__(
        self, snapshot: Snapshot, journal: Journaling, listeners: tuple[Callable[[Trace], None], ...] = ()
    ) -> None:
        self.snapshot = snapshot
        self.journal = journal
        self.signals = Signals(monotonic)
        self.recent: dict[str, Trace] = {}
        self.listeners = listeners
        self.aside = Aside()
        self.kept = Kept(snapshot.kept_bytes)

    def settle(self, recording: Recording) -> None:
        """The request is over: journal it, remember it for a while, tell the listeners. Raises StoreError.

        One that is held settles when whoever holds it lets go.
        """
        if recording.held:
            recording.over = True
            return
        recording.stage("answer")
        trace = recording.trace()
        self.journal.record(trace)
        self.recent[trace.id] = trace
        if len(self.recent) > RECENT:
            del self.recent[next(iter(self.recent))]
        if trace.outcome == "ok" and (served := self.snapshot.deployment(trace.served)) is not None:
            self.signals.learn(trace, served.model, served.provider)
        for listener in self.listeners:
            listener(trace)
