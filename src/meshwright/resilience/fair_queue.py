"""Who comes next when not all can: by priority, then fairly between tenants by the tokens that they ask for."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

Item = TypeVar("Item")


class Waiting(msgspec.Struct, eq=False, gc=False):
    """One place in the queue. A greater `priority` goes first; `begin` and `length` are in the queue's own time."""

    item: object
    tenant: str
    priority: int
    begin: float
    length: float
    until: float
    number: int


class FairQueue(Generic[Item]):
    """A bounded queue of items (start-time fair queueing, P. Goyal et al., SIGCOMM 1996).

    Each tenant's items stand one after the other in a time of the queue's own, each as long as its tokens divided by
    the tenant's weight; the item that would begin first goes first. Who asks for little waits little, however much
    others ask for, and nobody saves up by being idle. When it is full the worst of all is turned away: of the lowest
    priority the one that would come last.
    """

    __slots__ = ("_begun", "_clock", "_count", "_finish", "_most", "_waiting")

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: list[Waiting] = []
        self._finish: dict[str, float] = {}
        self._clock = 0.0
        self._count = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def push(
        self, item: Item, tenant: str, tokens: float, *, until: float, priority: int = 0, weight: float = 1.0
    ) -> list[Item]:
        """Let it wait until then at most. Gives those who are turned away for it, maybe itself."""
        begin = max(self._clock, self._finish.get(tenant, 0.0))
        length = max(1.0, tokens) / weight
        self._count += 1
        self._finish[tenant] = begin + length
        self._waiting.append(Waiting(item, tenant, priority, begin, length, until, self._count))
        if len(self._waiting) <= self._most:
            return []
        worst = min(self._waiting, key=lambda one: (one.priority, -one.begin, -one.number))
        return [self._drop(worst)]

    def pop(self, now: float) -> Item | None:
        """The next one that has not waited too long; None when nobody waits."""
        alive = [one for one in self._waiting if one.until > now]
        if not alive:
            return None
        first = min(alive, key=lambda one: (-one.priority, one.begin, one.number))
        self._clock = max(self._clock, first.begin)
        return self._take(first)

    def late(self, now: float) -> list[Item]:
        """Those that have waited too long; they are gone from it."""
        return [self._drop(one) for one in [one for one in self._waiting if one.until <= now]]

    def leave(self, item: Item) -> bool:
        """It waits no longer, for a reason of its own; False if it did not wait any more."""
        for one in self._waiting:
            if one.item is item:
                self._drop(one)
                return True
        return False

    def _drop(self, one: Waiting) -> Item:
        """Take it out unserved: it costs its tenant nothing."""
        for other in self._waiting:
            if other.tenant == one.tenant and other.begin > one.begin:
                other.begin -= one.length
        self._finish[one.tenant] -= one.length
        return self._take(one)

    def _take(self, one: Waiting) -> Item:
        self._waiting.remove(one)
        if not self._waiting:
            self._clock, self._finish = 0.0, {}  # nobody waits: nobody is behind
        return one.item  # type: ignore[return-value]  # only `push` puts items in
