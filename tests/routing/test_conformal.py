"""Intervals hold about as often as they say, also while the world changes, and say nothing before they can."""

from __future__ import annotations

import random
from math import exp, isfinite, log

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.routing.calibrate import Outcome, calibrate, goings, outcomes
from meshwright.routing.conformal import LEAST, WINDOW, Tracker
from meshwright.routing.planned import Way, mixed
from meshwright.routing.quote import PRIOR, quote
from meshwright.types.calibration import Bound, Calibration, Share, bound, group
from meshwright.types.decision import Attempt, Candidate, Decision, Features, Interval, Note, Plan
from tests.ledger.traces import DECISION, trace


def share_held(scores: list[float], miss: float = 0.1) -> float:
    """How often the interval that was known before held."""
    tracker, held, told = Tracker(miss), 0, 0
    for score in scores:
        if (interval := tracker.interval()) is not None:
            told += 1
            held += interval[0] <= score <= interval[1]
        tracker.learn(score)
    return held / told


def test_nothing_is_said_before_enough_was_seen():
    tracker = Tracker(0.1)
    for n in range(LEAST - 1):
        tracker.learn(float(n))
        assert tracker.interval() is None
    tracker.learn(0.0)
    assert tracker.interval() is not None


@pytest.mark.parametrize("seed", range(5))
def test_it_holds_as_often_as_it_says_whatever_the_distribution(seed: int):
    dice = random.Random(seed)
    for draw in (lambda: dice.gauss(0, 1), lambda: dice.expovariate(1), lambda: dice.choice([-5.0, 0.0, 0.1, 7.0])):
        assert 0.87 <= share_held([draw() for _ in range(3_000)]) <= 1.0
    assert share_held([dice.gauss(0, 1) for _ in range(3_000)]) <= 0.93


@pytest.mark.parametrize("seed", range(5))
def test_it_holds_while_everything_drifts(seed: int):
    dice = random.Random(seed)
    drifting = [dice.gauss(n / 400, 0.5 + n / 3_000) for n in range(4_000)]
    assert 0.86 <= share_held(drifting) <= 0.94
    jumping = [dice.gauss(0 if (n // 700) % 2 else 3, 1) for n in range(4_000)]
    assert 0.85 <= share_held(jumping) <= 0.95


@given(st.lists(st.floats(-8, 8), max_size=400))
def test_an_interval_is_finite_and_the_right_way_round(scores: list[float]):
    tracker = Tracker(0.1)
    for score in scores:
        tracker.learn(score)
    assert tracker.rows == min(len(scores), WINDOW)
    if (told := tracker.interval()) is not None:
        assert told[0] <= told[1]
        assert all(map(isfinite, told))


def rows(model: str, task: str, factor: float, count: int, seed: int = 0) -> list[Outcome]:
    dice = random.Random(seed)
    lengths = [round(100 * factor * exp(dice.gauss(0, 0.2))) for _ in range(count)]
    return [
        Outcome(model=model, task=task, expected=100.0, tokens=length, expected_cost=1e6, cost=length * 10_000)
        for length in lengths
    ]


def test_what_is_not_known_of_a_model_at_a_task_is_taken_from_the_next_wider_group():
    learned = calibrate(
        [*rows("one/a", "code", 3.0, 60), *rows("one/a", "chat", 0.5, 10), *rows("two/b", "chat", 1, 30)]
    )
    groups = learned.calibration.tokens
    assert [
        found[1]
        for ask in (("one/a", "code"), ("one/a", "chat"), ("x/y", "chat"), ("x/y", "z"))
        if (found := bound(groups, *ask))
    ] == [
        "one/a code",
        "one/a *",
        "* chat",
        "* *",
    ]
    of_code = groups[group("one/a", "code")]
    assert of_code.low < 3.0 < of_code.high
    assert of_code.low > 1.5
    assert bound({}, "one/a", "code") is None


def test_coverage_is_counted_over_intervals_that_were_made_before():
    learned = calibrate(rows("one/a", "code", 2.0, 500))
    kept = learned.calibration.kept_tokens
    assert kept.rows == 480
    assert kept.share is not None
    assert 0.85 <= kept.share <= 0.96
    assert learned.by_model == {"one/a": kept}


def test_outcomes_are_good_answers_of_models_that_were_predicted():
    predicted = msgspec.structs.replace(
        DECISION,
        candidates=(Candidate(model="one/a", tokens=Interval(400.0, 1.0, 2.0), cost=Interval(9.0, 1.0, 20.0)),),
    )
    good = msgspec.structs.replace(trace("d1"), decision=predicted)
    (found,) = outcomes([good, trace("d2")])
    assert found == Outcome(model="one/a", task="code", expected=400.0, tokens=200, expected_cost=9.0, cost=1_234_567)


SEEN = Features(task="code", sure=1.0, tasks={"code": 1.0}, input_tokens=10)
KNOWN = Calibration(nominal=0.9, tokens={"* *": Bound(0.5, 2.0, 40)}, cost={"* *": Bound(0.5, 2.0, 40)})


def decision(plan: Plan, **prices: float | None) -> Decision:
    found = tuple(
        Candidate(
            model=f"x/{name}",
            tokens=Interval(100.0, 30.0, 300.0),
            cost=None if price is None else Interval(price, price / 3, price * 3),
        )
        for name, price in prices.items()
    )
    return Decision(asked="auto", route="auto", strategy="task", plan=plan, because="", features=SEEN, candidates=found)


def test_a_chain_costs_what_its_first_model_does_unless_that_one_fails():
    assert quote(decision(Plan(("x/a",)), a=100.0), KNOWN).cost == Interval(100.0, 50.0, 200.0)
    told = quote(decision(Plan(("x/a", "x/b")), b=5.0, a=100.0), KNOWN)
    assert told.cost is not None
    assert told.cost.value == pytest.approx(99.05, rel=1e-3)  # one of a hundred calls is believed to fail
    assert 30 < told.cost.low <= 51
    failing = msgspec.structs.replace(KNOWN, fails={"x/a": Share(80, 39.8)})
    often = quote(decision(Plan(("x/a", "x/b")), b=10_000.0, a=100.0), failing)
    assert often.cost is not None
    assert often.cost.value == pytest.approx(0.6 * 100 + 0.4 * 0.99 * 10_000, rel=0.01)
    assert often.cost.low < 100
    assert often.cost.high > 10_000
    unknown = quote(decision(Plan(("x/a", "x/b")), b=None, a=100.0), failing)
    assert unknown.cost == Interval(100.0, 50.0, 200.0)
    assert [one.model for one in told.candidates] == ["x/a", "x/b"]
    assert told.candidates[0].basis == "the latest 40 answers of all models"


def test_whoever_asks_several_pays_for_all_of_them_and_a_cascade_perhaps():
    a, b, judge = Plan(("x/a",)), Plan(("x/b",)), Plan(("x/c",))
    panel = quote(decision(Plan(kind="panel", steps=(a, b), by=judge), a=10.0, b=20.0, c=30.0), KNOWN)
    assert panel.cost == Interval(60.0, 30.0, 120.0)
    cascade = quote(decision(Plan(kind="cascade", steps=(a, b)), a=10.0, b=20.0), KNOWN)
    assert cascade.cost is not None
    assert cascade.cost.value == pytest.approx(0.6 * 10 + 0.4 * 30)
    assert 5 < cascade.cost.low < 10
    assert 30 < cascade.cost.high < 60
    believed = msgspec.structs.replace(KNOWN, kept_back={"x/a": Share(10_000, 0)})
    sure = quote(decision(Plan(kind="cascade", steps=(a, b)), a=10.0, b=20.0), believed)
    assert sure.cost == Interval(10.0, 5.0, 20.0)
    assert quote(decision(Plan(kind="cascade", steps=(a, b)), a=10.0, b=None), KNOWN).cost is None


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(1e4, 1e9), st.floats(1.1, 9)), min_size=1, max_size=5))
def test_a_mixed_interval_holds_the_mass_that_it_says(parts: list[tuple[float, float, float]]):
    ways = [Way(share, Interval(value, value / wide, value * wide)) for share, value, wide in parts]
    found = mixed(ways, 0.9)
    assert min(one.cost.low for one in ways) * 0.98 - 1 <= found.low <= found.high
    assert found.high <= max(one.cost.high for one in ways) * 1.02 + 1
    dice = random.Random(7)
    held = 0
    for _ in range(800):
        (way,) = dice.choices(ways, [one.share for one in ways])
        wide = log(way.cost.high / way.cost.value) / 1.6449
        held += found.low <= exp(log(way.cost.value) + dice.gauss(0, wide)) <= found.high
    assert held >= 800 * 0.85


def test_how_often_calls_go_on_is_learned_from_what_became_of_them():
    note = Note(kind="gate", about="one/a", told="0.41: short; kept back", value=0.41)
    good = Note(kind="gate", about="one/a", told="0.9: fine; given to the client", value=0.9)
    tried = [
        Attempt(model="one/a", began=0.0, outcome="upstream_error"),
        Attempt(model="one/a", began=0.0, outcome="ok"),
        Attempt(model="one/a", began=0.0, outcome="cancelled"),
        Attempt(model="one/b", began=0.0, outcome="upstream_error", role="judge"),
    ]
    told = msgspec.structs.replace(trace("d1"), attempts=tuple(tried), notes=(note, good, good))
    fails, kept_back = goings([told])
    assert fails == {"one/a": Share(2, 1)}
    assert kept_back == {"one/a": Share(3, 1)}


def test_without_a_price_there_is_no_quote_and_without_answers_a_rough_one():
    assert quote(decision(Plan(("x/a",)), a=None), KNOWN).cost is None
    rough = quote(decision(Plan(("x/a",)), a=30.0), None)
    assert rough.cost == Interval(30.0, 10.0, 90.0)
    assert rough.candidates[0].basis == PRIOR
    assert (rough.measured, rough.rows) == (None, 0)
