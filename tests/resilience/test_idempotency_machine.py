"""Remembered answers under any order of requests, ends and waits."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from meshwright.resilience.idempotency import Limits, Remembered

LIMITS = Limits(entries=4, bytes=1000, seconds=50.0, principals=2)
WHO = st.sampled_from(["ann", "bob", "cid"])
KEY = st.sampled_from("abcdef")


class Answers(RuleBasedStateMachine):
    """A key gives its own answer, nobody else's, within bounds."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: Remembered[str] = Remembered(LIMITS)
        self.now = 0.0
        self.under_way: set[tuple[str, str]] = set()

    @rule(seconds=st.floats(0.0, 30.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(who=WHO, key=KEY, body=st.sampled_from([b"x", b"y"]))
    def a_request_comes(self, who: str, key: str, body: bytes) -> None:
        found = self.kept.look(who, key, body, self.now)
        if (who, key) in self.under_way:
            assert found != "new"
        if found == "new":
            if self.kept.begin(who, key, body, f"{who}/{key}/{body.decode()}", self.now):
                self.under_way.add((who, key))
        elif found == "other":
            assert self.kept.look(who, key, b"y" if body == b"x" else b"x", self.now) not in ("new", "other")
        else:
            assert found == f"{who}/{key}/{body.decode()}"

    @rule(who=WHO, key=KEY, size=st.integers(0, 700), well=st.booleans())
    def a_request_ends(self, who: str, key: str, size: int, well: bool) -> None:
        if (who, key) in self.under_way:
            self.under_way.discard((who, key))
            if well:
                self.kept.done(who, key, size, self.now)
            else:
                self.kept.drop(who, key)
                assert self.kept.look(who, key, b"x", self.now) == "new"

    @invariant()
    def nothing_grows_without_end(self) -> None:
        for who in ("ann", "bob", "cid"):
            entries, size = self.kept.held(who)
            assert entries <= LIMITS.entries
            assert size <= LIMITS.bytes


TestAnswers = Answers.TestCase


def test_an_answer_is_forgotten_after_its_time():
    kept: Remembered[str] = Remembered(LIMITS)
    kept.begin("ann", "k", b"x", "answer", 0.0)
    assert kept.look("ann", "k", b"x", 1000.0) == "answer", "one that is under way is not forgotten"
    kept.done("ann", "k", 10, 1000.0)
    assert kept.look("ann", "k", b"x", 1049.0) == "answer"
    assert kept.look("ann", "k", b"x", 1051.0) == "new"
