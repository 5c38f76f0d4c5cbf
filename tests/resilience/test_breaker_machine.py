"""A circuit breaker under any order of calls, answers, failures and waits."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from meshwright.resilience.breaker import Breaker, Rests
from meshwright.resilience.kinds import MANNERS, Kind

RESTS = Rests(first=5.0, longest=20.0, probe=60.0, asked=300.0)


class Calls(RuleBasedStateMachine):
    """Whoever asks `shut` before each call never sends two probes at once, nor any call while it rests."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(RESTS)
        self.now = 0.0
        self.under_way: list[bool] = []
        self.row: dict[Kind, int] = {}
        self.rests_until = 0.0

    @rule(seconds=st.floats(0.0, 30.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.breaker.shut(self.now))
    @rule()
    def a_call_begins(self) -> None:
        assert self.now >= self.rests_until
        state = self.breaker.state(self.now)
        probe = self.breaker.began(self.now)
        assert probe == (state == "half_open")
        if probe:
            assert self.breaker.shut(self.now)
        self.under_way.append(probe)

    @precondition(lambda self: self.under_way)
    @rule()
    def a_call_is_answered(self) -> None:
        self.under_way.pop(0)
        self.breaker.succeeded(self.now)
        self.row, self.rests_until = {}, 0.0
        assert self.breaker.state(self.now) == "closed"
        assert self.breaker.shut(self.now) == ""

    @precondition(lambda self: self.under_way)
    @rule(kind=st.sampled_from(sorted(MANNERS)), wait=st.none() | st.floats(0.0, 1000.0))
    def a_call_fails(self, kind: Kind, wait: float | None) -> None:
        self.under_way.pop(0)
        self.breaker.failed(self.now, kind, "no luck", wait)
        self.row[kind] = self.row.get(kind, 0) + 1
        if wait:
            assert self.breaker.until(self.now) <= max(self.rests_until, self.now + RESTS.asked)
            self.rests_until = max(self.rests_until, self.now + min(wait, RESTS.asked))
        elif self.row[kind] >= MANNERS[kind].trips:
            assert self.breaker.state(self.now) == "open"
            self.rests_until = max(self.rests_until, self.now + RESTS.first * MANNERS[kind].rest)

    @precondition(lambda self: self.under_way)
    @rule()
    def a_call_is_given_up(self) -> None:
        self.under_way.pop(0)
        self.breaker.let_go()

    @invariant()
    def it_rests_as_long_as_it_must_and_never_for_ever(self) -> None:
        if self.now < self.rests_until:
            assert "resting" in self.breaker.shut(self.now)
        far = self.now + RESTS.asked + RESTS.longest * 6 + RESTS.probe
        assert self.breaker.shut(far) == ""

    @invariant()
    def a_few_failures_do_not_open_it(self) -> None:
        if not self.rests_until and all(count < MANNERS[kind].trips for kind, count in self.row.items()):
            assert self.breaker.state(self.now) == "closed"


TestCalls = Calls.TestCase


def test_the_rest_doubles_with_each_failed_probe_and_is_short_again_after_a_good_while():
    breaker, now, rests = Breaker(RESTS), 0.0, []
    for _ in range(5):
        breaker.failed(now, "server", "500")
    for _ in range(4):
        rests.append(breaker.until(now) - now)
        now = breaker.until(now)
        assert breaker.shut(now) == ""
        assert breaker.began(now)
        assert "being tried" in breaker.shut(now)
        breaker.failed(now, "server", "500")
    assert rests == [5.0, 10.0, 20.0, 20.0]
    now = breaker.until(now)
    breaker.succeeded(now)
    for _ in range(5):
        breaker.failed(now + 1, "server", "500")
    assert breaker.until(now + 1) == now + 21, "it flaps: it is not trusted at once"
    breaker.succeeded(now + 30)
    for _ in range(5):
        breaker.failed(now + 60, "server", "500")
    assert breaker.until(now + 60) == now + 65


def test_a_server_that_always_asks_for_no_wait_is_left_alone_all_the_same():
    breaker = Breaker(RESTS)
    for _ in range(5):
        assert breaker.state(0.0) == "closed"
        breaker.failed(0.0, "server", "503", 0.0)
    assert breaker.until(0.0) == 5.0


def test_a_probe_that_is_never_heard_of_again_does_not_shut_it_for_ever():
    breaker = Breaker(RESTS)
    breaker.failed(0.0, "rate", "429", 1.0)
    assert breaker.began(1.0)
    assert breaker.shut(2.0)
    assert breaker.shut(61.0) == ""


def test_the_reason_says_what_failed_and_how_long_it_rests():
    breaker = Breaker(RESTS)
    breaker.failed(0.0, "quota", "insufficient_quota")
    assert breaker.shut(0.0) == "resting 30 s more after a failure (quota: insufficient_quota)"
