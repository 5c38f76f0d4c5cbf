"""The budget of second attempts under any order of requests and attempts."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from meshwright.resilience.budget import LEAST, SHARE, Budget


class Attempts(RuleBasedStateMachine):
    """What is taken was within the bounds at that time; what is given back can be taken again."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = Budget()
        self.requests = 0
        self.extra = 0

    @rule(count=st.integers(1, 40))
    def requests_come(self, count: int) -> None:
        for _ in range(count):
            self.budget.begin()
        self.requests += count

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def requests_end(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, self.requests))
        for _ in range(count):
            self.budget.end()
        self.requests -= count

    @rule(count=st.integers(1, 20))
    def attempts_are_made(self, count: int) -> None:
        for _ in range(count):
            bound = max(LEAST, int(SHARE * self.requests))
            taken = self.budget.take()
            assert taken == (self.extra < bound)
            self.extra += taken

    @precondition(lambda self: self.extra)
    @rule()
    def an_attempt_ends(self) -> None:
        self.budget.give()
        self.extra -= 1

    @invariant()
    def it_counts(self) -> None:
        assert (self.budget.active, self.budget.extra) == (self.requests, self.extra)


TestAttempts = Attempts.TestCase


def test_three_are_always_allowed_and_a_fifth_of_many():
    budget = Budget()
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    for _ in range(100):
        budget.begin()
    assert [budget.take() for _ in range(18)] == [True] * 17 + [False]
    assert budget.refused == 2
