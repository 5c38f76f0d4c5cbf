"""A circuit breaker: whoever fails too often is left alone for a while, then asked once to see."""

from __future__ import annotations

from typing import Literal

import msgspec

from meshwright.resilience.kinds import MANNERS, Kind

State = Literal["closed", "open", "half_open"]


class Rests(msgspec.Struct, frozen=True):
    """Seconds. `first` is the rest after the first opening, doubled at each that follows, `longest` the limit.

    A probe that is never heard of again counts for `probe`. `asked` bounds a wait that a provider asked for.
    """

    first: float = 5.0
    longest: float = 20.0
    probe: float = 60.0
    asked: float = 300.0


USUAL = Rests()


class Circuit:
    """The failures of one kind at one deployment."""

    __slots__ = ("_closed_at", "_rests", "_times", "failures", "kind", "last", "probing_until", "until")

    def __init__(self, kind: Kind, rests: Rests) -> None:
        self.kind = kind
        self.failures = 0
        self.until: float | None = None
        """When its rest ends; None while it is closed."""
        self.probing_until: float | None = None
        self.last = ""
        self._rests = rests
        self._times = 0
        self._closed_at = float("-inf")

    def state(self, now: float) -> State:
        """Closed: calls pass. Open: none does. Half open: one may, if no other is under way."""
        if self.until is None:
            return "closed"
        return "open" if now < self.until else "half_open"

    def failed(self, now: float, told: str, wait: float | None) -> None:
        """One failure; `wait` seconds were asked for. To ask for none is to ask for nothing."""
        self.last = told
        self.failures += 1
        probe = self.until is not None
        if not probe and not wait and self.failures < MANNERS[self.kind].trips:
            return
        if not probe and now - self._closed_at > self._rests.longest:
            self._times = 0  # it was well for long enough to begin anew
        rest = min(self._rests.longest, self._rests.first * 2 ** min(self._times, 30)) * MANNERS[self.kind].rest
        if wait:
            rest = min(wait, self._rests.asked)
        self._times += 1
        self.until = max(now + rest, self.until or 0.0)
        self.probing_until = None

    def succeeded(self, now: float) -> None:
        """An answer: the circuit is closed, whatever it was."""
        self.failures = 0
        if self.until is not None:
            self.until = self.probing_until = None
            self._closed_at = now

    def forgettable(self, now: float) -> bool:
        """Whether it is closed, and was for so long that its next rest is a first one."""
        return self.until is None and (not self._times or now - self._closed_at > self._rests.longest)


class Breaker:
    """The circuits of one deployment, one for each kind of failure: a full account does not hide a slow server."""

    __slots__ = ("_rests", "circuits")

    def __init__(self, rests: Rests = USUAL) -> None:
        self._rests = rests
        self.circuits: dict[Kind, Circuit] = {}
        """Those that have something to remember; none where nothing has failed for long."""

    def state(self, now: float) -> State:
        """The worst of its circuits."""
        states = {circuit.state(now) for circuit in self.circuits.values()}
        return "open" if "open" in states else "half_open" if "half_open" in states else "closed"

    def shut(self, now: float, waited: bool = False) -> str:
        """Why no call may pass now; "" when one may. A circuit that is half open lets one pass at a time, and whoever
        has `waited` for as long as the provider asked besides."""
        for circuit in self.circuits.values():
            if circuit.until is None:
                continue
            if now < circuit.until:
                left = circuit.until - now
                return f"resting {left:.0f} s more after {_times(circuit)} ({circuit.kind}: {circuit.last})"
            if not waited and circuit.probing_until is not None and now < circuit.probing_until:
                return f"being tried by another request after {_times(circuit)} ({circuit.kind}: {circuit.last})"
        return ""

    def until(self, now: float) -> float:
        """When a call may pass; `now` when it may already."""
        return max([now, *(circuit.until for circuit in self.circuits.values() if circuit.until is not None)])

    def began(self, now: float) -> bool:
        """A call is on its way; True when it is the probe of a circuit that is half open."""
        probe = False
        for circuit in self.circuits.values():
            if circuit.state(now) == "half_open":
                circuit.probing_until = now + self._rests.probe
                probe = True
        return probe

    def let_go(self) -> None:
        """The probe was given up without a verdict: its caller left."""
        for circuit in self.circuits.values():
            circuit.probing_until = None

    def failed(self, now: float, kind: Kind, told: str, wait: float | None = None) -> None:
        """A call failed in this way."""
        circuit = self.circuits.get(kind)
        if circuit is None:
            circuit = self.circuits[kind] = Circuit(kind, self._rests)
        for other in self.circuits.values():
            other.probing_until = None
        circuit.failed(now, told, wait)

    def succeeded(self, now: float) -> None:
        """A call was answered: every circuit closes, and one that has nothing to remember is forgotten."""
        for circuit in list(self.circuits.values()):
            circuit.succeeded(now)
            if circuit.forgettable(now):
                del self.circuits[circuit.kind]


def _times(circuit: Circuit) -> str:
    return "a failure" if circuit.failures == 1 else f"{circuit.failures} failures in a row"
