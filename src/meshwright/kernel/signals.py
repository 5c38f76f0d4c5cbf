"""How each model has been doing: latencies, rests and limits, kept in memory by one event loop, read by the router."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import random

import msgspec

from meshwright.kernel.doors import Doors, Turns
from meshwright.kernel.habits import Habits
from meshwright.kernel.health import Health
from meshwright.kernel.snapshot import Deployment
from meshwright.resilience.ejection import eject
from meshwright.resilience.standing import Standing
from meshwright.routing.policy import UNSEEN, Signal
from meshwright.types.decision import Trace
from meshwright.types.errors import UpstreamError
from meshwright.types.model import Model, Provider
from meshwright.types.usage import Usage


class Signals:
    """What is known of each deployment. `now` is the clock of everything here, `draw` gives chances in [0, 1).

    What traces tell besides (paces, lengths, warm caches) is learned by `habits`.
    """

    def __init__(self, clock: Callable[[], float], draw: Callable[[], float] = random) -> None:
        self.now = clock
        self.draw = draw
        self.health = Health()
        self.turns = Turns(self.health.share, self.health.least)
        self.doors = Doors(self.health.queue)
        self._standings: dict[str, Standing] = {}
        self._seen: dict[str, Signal] = {}
        self._shut: dict[str, float] = {}
        self.habits = Habits(clock)

    def adopt(self, health: Health) -> None:
        """Go by these from now on. Circuits and limits that went by others are forgotten."""
        before, self.health = self.health, health
        if health == before:
            return
        self.turns.bound(health.share, health.least)
        self.doors.bound(health.queue)
        self._standings.clear()
        for name in self._shut:
            self._seen[name] = msgspec.structs.replace(self._seen[name], resting="")
        self._shut.clear()

    def standing(self, key: str, limit: float | None = None) -> Standing:
        """That of a deployment, by its key."""
        found = self._standings.get(key)
        if found is None:
            found = self._standings[key] = Standing(self.health.standing)
            if limit is not None:
                found.concurrency.fix(limit)
        return found

    def read(self) -> Mapping[str, Signal]:
        """The signals now; a rest that is over is forgotten. The mapping must not be kept."""
        if self._shut:
            now = self.now()
            for name in [name for name, until in self._shut.items() if until <= now]:
                del self._shut[name]
                self._seen[name] = msgspec.structs.replace(self._seen[name], resting="")
        return self._seen

    def shut(self, deployment: Deployment, waited: bool = False) -> str:
        """Why the deployment may not be asked now, "" when it may be. `waited`: as long as its provider asked."""
        standing = self._standings.get(deployment.key) or self.standing(deployment.key, deployment.limit)
        return standing.shut(self.now(), waited)

    def rest(self, deployment: Deployment) -> float:
        """Seconds for which its circuits are open yet."""
        now = self.now()
        return self.standing(deployment.key, deployment.limit).breaker.until(now) - now

    def back(self, rejected: Mapping[str, str]) -> float | None:
        """Seconds until the first of the models that were rejected because they rest has rested; None when none was."""
        now = self.now()
        resting = [name for name, reason in rejected.items() if reason.startswith("resting")]
        return min((until - now for name in resting if (until := self._shut.get(name, now)) > now), default=None)

    def begin(self, deployment: Deployment, placed: bool = False) -> Hold:
        """A call to it is on its way; what is returned hears how it went, once. `placed`: it came by the door."""
        standing = self._standings.get(deployment.key) or self.standing(deployment.key, deployment.limit)
        hold = Hold(self, deployment, standing)
        standing.begin(hold.began, placed)
        return hold

    def failed(self, name: str, error: UpstreamError) -> None:
        """A failure that was met outside of a request's own calls."""
        standing = self.standing(name)
        standing.concurrency.begin()
        standing.failed(self.now(), error)
        self.tell(name, (name,))

    def answered(self, name: str, standing: Standing) -> None:
        """Tell the router of an answer."""
        before = self._seen.get(name, UNSEEN)
        self._seen[name] = msgspec.structs.replace(
            before, first_byte=standing.first_byte, total=standing.total, resting=""
        )
        if self._shut:
            self._shut.pop(name, None)

    def learn(self, trace: Trace, model: Model, provider: Provider) -> None:
        """What the trace of a good answer tells of the model that gave it."""
        self._seen[model.name] = self.habits.learn(trace, model, provider, self._seen.get(model.name, UNSEEN))

    def tell(self, name: str, keys: tuple[str, ...]) -> None:
        """Tell the router of a failure: a model rests when all of its deployments do."""
        now = self.now()
        standings = [standing for key in keys if (standing := self._standings.get(key)) is not None]
        if len(standings) < len(keys):
            return
        for standing in standings:
            eject(standing.record, [one.record for one in standings], now)
        reasons = [standing.breaker.shut(now) for standing in standings]
        if not all(reasons):
            return
        seen = self._seen.get(name, UNSEEN)
        self._shut[name] = min(standing.breaker.until(now) for standing in standings)
        self._seen[name] = msgspec.structs.replace(seen, resting=reasons[0])


class Hold:
    """One call under way. The first that is told of it counts."""

    __slots__ = ("_deployment", "_signals", "_standing", "began", "first", "flowing", "over")

    def __init__(self, signals: Signals, deployment: Deployment, standing: Standing) -> None:
        self._signals = signals
        self._deployment = deployment
        self._standing = standing
        self.began = signals.now()
        self.first: float | None = None
        """Seconds to the first words of a stream."""
        self.over = False
        """It was told."""
        self.flowing = False
        """A stream has taken it over, and will tell it."""

    def answered(self, usage: Usage | None = None) -> None:
        """It ended well."""
        if not self.over:
            self.over = True
            now = self._signals.now()
            self._standing.answered(now, self.first, now - self.began, usage)
            self._signals.answered(self._deployment.model.name, self._standing)
            if self._signals.doors.queues:
                self._signals.doors.next(self._deployment.key, self._standing, self._signals.now())

    def failed(self, error: UpstreamError) -> None:
        """It failed."""
        if not self.over:
            self.over = True
            self._standing.failed(self._signals.now(), error, self.began)
            self._signals.tell(self._deployment.model.name, self._deployment.keys)
            if self._signals.doors.queues:
                self._signals.doors.next(self._deployment.key, self._standing, self._signals.now())

    def let_go(self) -> None:
        """We gave it up; nothing was learned."""
        if not self.over:
            self.over = True
            self._standing.let_go()
            if self._signals.doors.queues:
                self._signals.doors.next(self._deployment.key, self._standing, self._signals.now())
