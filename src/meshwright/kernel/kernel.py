"""The data plane's state: one snapshot, the journal, the signals, and the traces of late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Protocol

from meshwright.kernel.aside import Aside
from meshwright.kernel.discretion import discreet, with_prompt
from meshwright.kernel.kept.alike import Alike
from meshwright.kernel.kept.answers import Entry, Kept
from meshwright.kernel.likely import likely_most
from meshwright.kernel.record import Recording
from meshwright.kernel.signals import Signals
from meshwright.kernel.snapshot import Snapshot
from meshwright.ledger.purse import Purse
from meshwright.types.decision import Features, Trace
from meshwright.types.model import Model

RECENT = 512


class Journaling(Protocol):
    """Where traces leave the process. `postponed` says why the last rotation did not happen, "" if it did."""

    postponed: str

    def begin(self, id: str, at: float, principal: str) -> None:
        """Note that a request is about to cost something."""
        ...

    def hold(self, id: str, model: str, charges: Mapping[str, int]) -> None:
        """Note, before a model is asked, what the request counts for if it never ends."""
        ...

    def record(self, trace: Trace) -> None:
        """Keep a trace, before the last byte of its answer leaves."""
        ...


class Behind(Protocol):
    """What is behind a worker's own kept answers, for routes that want it."""

    async def get(self, key: bytes) -> Entry | None:
        """The entry, if its time is not over."""
        ...

    async def put(self, key: bytes, entry: Entry, owner: str) -> None:
        """Keep it for all workers."""
        ...


class Kernel:
    """What `handle` works with. `snapshot` is replaced whole; a request keeps the one that it began with."""

    def __init__(
        self,
        snapshot: Snapshot,
        journal: Journaling,
        listeners: tuple[Callable[[Trace], None], ...] = (),
        purse: Purse | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.snapshot = snapshot
        self.journal = journal
        self.signals = Signals(clock)
        self.recent: dict[str, Trace] = {}
        self.listeners = listeners
        self.aside = Aside()
        self.kept = Kept(snapshot.kept_bytes)
        self.purse = purse
        """What this process may use of limits; None: nothing is limited."""
        self.alike = Alike()
        self.behind: Behind | None = None

    def upper(self, seen: Features, model: Model) -> int | None:
        """The most tokens that a model will likely answer with, where that is to be set aside and is known."""
        snapshot = self.snapshot
        if snapshot.budgets.reserve == "worst":
            return None
        return likely_most(snapshot.calibration, self.signals.read(), seen, model)

    def settle(self, recording: Recording) -> None:
        """The request is over: journal it, remember it for a while, tell the listeners. Raises StoreError.

        One that is held settles when whoever holds it lets go.
        """
        if recording.held:
            recording.over = True
            return
        if recording.counted:
            recording.counted = False
            self.signals.turns.end()
        recording.stage("answer")
        if recording.tab is not None:
            recording.charges = recording.tab.leave()
        trace = recording.trace()
        if (
            trace.error or len(trace.attempts) != 1 or trace.attempts[0].error
        ):  # the usual request has no error to redact
            trace = discreet(trace)
        self.journal.record(with_prompt(trace, recording.said, self.snapshot.privacy) if recording.said else trace)
        self.recent[trace.id] = trace
        if len(self.recent) > RECENT:
            del self.recent[next(iter(self.recent))]
        if trace.outcome == "ok" and (served := self.snapshot.deployment(trace.served)) is not None:
            self.signals.learn(trace, served.model, served.provider)
        for listener in self.listeners:
            listener(trace)
