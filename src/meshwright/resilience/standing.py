"""How one deployment stands: its circuits, its limit of calls at once, its times, and its record among equals."""

from __future__ import annotations

import msgspec

from meshwright.resilience.breaker import Breaker, Rests
from meshwright.resilience.concurrency import Bounds, Concurrency, lateness
from meshwright.resilience.ejection import MEMORY, Record
from meshwright.resilience.kinds import MANNERS, kind_of
from meshwright.resilience.tail import Tail
from meshwright.types.errors import UpstreamError, UpstreamStatus
from meshwright.types.usage import Usage

SMOOTHING = 0.2


class Settings(msgspec.Struct, frozen=True):
    """What a standing goes by."""

    rests: Rests = Rests()
    bounds: Bounds = Bounds()


USUAL = Settings()


class Standing:
    """All that is remembered of a deployment; one event loop uses it. Every call begins and ends once."""

    __slots__ = ("breaker", "concurrency", "first_byte", "record", "streams", "total", "wholes")

    def __init__(self, settings: Settings = USUAL) -> None:
        self.breaker = Breaker(settings.rests)
        self.concurrency = Concurrency(settings.bounds)
        self.streams = Tail()
        self.wholes = Tail()
        self.record = Record()
        self.first_byte: float | None = None
        self.total: float | None = None

    def shut(self, now: float, waited: bool = False) -> str:
        """Why it may not be asked now; "" when it may be. `waited`: as long as the provider asked."""
        if self.breaker.circuits and (reason := self.breaker.shut(now, waited)):
            return reason
        if self.record.out_until > now:
            return f"left out for {self.record.out_until - now:.0f} s more: it failed much oftener than its equals"
        if self.concurrency.running + 1 > self.concurrency.limit:
            return f"full: {self.concurrency.running} calls are under way"
        return ""

    def tail(self, stream: bool) -> Tail:
        """The times of streams to their first words, or of whole answers: these tell nothing of those."""
        return self.streams if stream else self.wholes

    def begin(self, now: float, placed: bool = False) -> None:
        """A call is on its way; `placed`: it has been counted already."""
        if not placed:
            self.concurrency.running += 1
        if self.breaker.circuits:
            self.breaker.began(now)

    def answered(self, now: float, first_byte: float | None, total: float, usage: Usage | None = None) -> None:
        """The call ended well: seconds to its first byte, where there was one before the end, and in all.

        Without usage nobody knows its size, and it counts as in time.
        """
        self.concurrency.running -= 1
        if self.breaker.circuits:
            self.breaker.succeeded(now)
        if first_byte is None:
            early, times = total, self.wholes
        else:
            early, times, before = first_byte, self.streams, self.first_byte
            self.first_byte = first_byte if before is None else before + SMOOTHING * (first_byte - before)
        late = 1.0
        if early > 1.0 and usage is not None:
            written = usage.total_output if first_byte is None else usage.reasoning
            late = lateness(early, usage.total_input, written)
        self.concurrency.answered(late)
        times.add(early)
        record = self.record
        record.calls += 1
        record.rate -= MEMORY * record.rate
        before = self.total
        self.total = total if before is None else before + SMOOTHING * (total - before)

    def failed(self, now: float, error: UpstreamError, began: float | None = None) -> None:
        """The call failed, which `began` then, or now. What says nothing of the deployment (a refused request) counts
        as an answer in one thing: whoever refuses is well enough to be asked."""
        self.concurrency.running -= 1
        kind = kind_of(error)
        if kind is None:
            if self.breaker.circuits:
                self.breaker.succeeded(now)
            return
        if MANNERS[kind].crowded:
            self.concurrency.crowded(now if began is None else began, now)
        self.record.add(failed=True)
        wait = error.retry_after if isinstance(error, UpstreamStatus) else None
        self.breaker.failed(now, kind, error.code, wait)

    def let_go(self) -> None:
        """The call was given up by us: nothing was learned."""
        self.concurrency.running -= 1
        if self.breaker.circuits:
            self.breaker.let_go()
