"""The fair queue under any order of arrivals, departures and waits, and how fair it is."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from meshwright.resilience.fair_queue import FairQueue

MOST = 5


class Ticket:
    """One who waits."""

    def __init__(self, tenant: str, priority: int, until: float) -> None:
        self.tenant, self.priority, self.until = tenant, priority, until


class Queue(RuleBasedStateMachine):
    """Everybody who came is served, turned away, late or gone; once, and nobody twice."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: FairQueue[Ticket] = FairQueue(MOST)
        self.waiting: list[Ticket] = []
        self.now = 0.0

    @rule(
        tenant=st.sampled_from("abc"),
        priority=st.integers(-1, 2),
        tokens=st.floats(0.0, 1e6),
        wait=st.floats(0.1, 20.0),
    )
    def somebody_comes(self, tenant: str, priority: int, tokens: float, wait: float) -> None:
        ticket = Ticket(tenant, priority, self.now + wait)
        self.waiting.append(ticket)
        turned_away = self.queue.push(ticket, tenant, tokens, until=ticket.until, priority=priority)
        assert len(turned_away) == (len(self.waiting) > MOST)
        for one in turned_away:
            assert one.priority == min(other.priority for other in self.waiting)
            self.waiting.remove(one)

    @rule(seconds=st.floats(0.0, 10.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def somebody_is_served(self) -> None:
        served = self.queue.pop(self.now)
        alive = [one for one in self.waiting if one.until > self.now]
        assert (served is None) == (not alive)
        if served is not None:
            assert served in alive
            assert served.priority == max(one.priority for one in alive)
            self.waiting.remove(served)

    @rule()
    def the_late_ones_go(self) -> None:
        late = self.queue.late(self.now)
        assert set(late) == {one for one in self.waiting if one.until <= self.now}
        self.waiting = [one for one in self.waiting if one not in late]

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def somebody_leaves(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.waiting))
        assert self.queue.leave(one)
        assert not self.queue.leave(one)
        self.waiting.remove(one)

    @invariant()
    def it_is_as_long_as_it_should_be(self) -> None:
        assert len(self.queue) == len(self.waiting) <= MOST


TestQueue = Queue.TestCase


def served(queue: FairQueue[tuple[str, float]], rounds: int) -> dict[str, float]:
    """Tokens by tenant of so many that were served."""
    got: dict[str, float] = {}
    for _ in range(rounds):
        one = queue.pop(0.0)
        assert one is not None
        got[one[0]] = got.get(one[0], 0.0) + one[1]
    return got


def test_tenants_get_the_same_tokens_however_many_requests_they_send_and_however_long_these_are():
    queue: FairQueue[tuple[str, float]] = FairQueue(10_000)
    random = Random(7)
    for _ in range(2000):
        queue.push(("many", 100.0), "many", 100.0, until=1.0)
    for _ in range(200):
        tokens = float(random.randint(500, 1500))
        queue.push(("long", tokens), "long", tokens, until=1.0)
    got = served(queue, 600)
    assert abs(got["many"] - got["long"]) <= 2000


def test_a_weight_of_two_is_twice_as_much():
    queue: FairQueue[tuple[str, float]] = FairQueue(10_000)
    for tenant, weight in (("one", 1.0), ("two", 2.0)):
        for _ in range(300):
            queue.push((tenant, 10.0), tenant, 10.0, until=1.0, weight=weight)
    got = served(queue, 300)
    assert 1.9 < got["two"] / got["one"] < 2.1


def test_one_who_comes_late_does_not_wait_behind_all_that_another_has_asked_for():
    queue: FairQueue[tuple[str, float]] = FairQueue(10_000)
    for _ in range(500):
        queue.push(("greedy", 1000.0), "greedy", 1000.0, until=1.0)
    served(queue, 10)
    queue.push(("modest", 50.0), "modest", 50.0, until=1.0)
    assert "modest" in served(queue, 2)


def test_who_is_turned_away_or_leaves_is_not_charged_for_it():
    queue: FairQueue[tuple[str, float]] = FairQueue(3)
    first, second = ("a", 1000.0), ("a", 1.0)
    queue.push(first, "a", 1000.0, until=1.0)
    queue.push(second, "a", 1.0, until=1.0)
    queue.push(("b", 500.0), "b", 500.0, until=1.0)
    queue.leave(first)
    assert queue.pop(0.0) == second
