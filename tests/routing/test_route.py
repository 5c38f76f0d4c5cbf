"""A decision is right, explains itself, and is the same each time."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshwright.routing.policy import Signal
from meshwright.routing.predict import predict
from meshwright.routing.strategies import STRATEGIES
from meshwright.types.content import Image
from meshwright.types.decision import Decision, Features
from meshwright.types.errors import ContextTooLong, NoCandidate
from meshwright.types.model import Model, Price
from tests.routing.deciding import HELLO, ask, decide, model, priced

RANKING = sorted(name for name, strategy in STRATEGIES.items() if strategy.compose is None)
"""Strategies over a pool; those over steps are in test_steps.py."""


def test_a_fixed_route_keeps_its_owners_order_and_says_who_could_not_serve():
    first = decide(HELLO, model("builtin/echo", skills={"*": 0.03}), priced("b/x", 1), strategy="fixed")
    assert first.plan.models == ("builtin/echo", "b/x")
    assert first.because == "it is the first of the route's pool"
    second = decide(ask("word " * 2_000), model("a/small", window=1_000), priced("b/x", 1), strategy="fixed")
    assert second.because == "it is the first of the route's pool that can serve this request; 1 before it cannot"
    assert second.features is not None
    assert second.features.tasks == {}


@pytest.mark.parametrize(("attempts", "length"), [(1, 1), (2, 2), (3, 3), (9, 4), (0, 1)])
def test_a_chain_is_as_long_as_attempts_allow(attempts: int, length: int):
    models = [priced(f"a/m{at}", 1) for at in range(4)]
    decision = decide(HELLO, *models, attempts=attempts)
    assert len(decision.plan.models) == length
    assert len(decision.candidates) == 4


@pytest.mark.parametrize("strategy", ["cheapest", "fastest", "task"])
def test_a_hopeless_model_never_stands_in(strategy: str):
    echo = priced("builtin/echo", 0, skill=0.03)
    decision = decide(
        HELLO, echo, priced("b/good", 9), strategy=strategy, signals={"builtin/echo": Signal(0.001, 0.001)}
    )
    assert decision.plan.models == ("b/good",)
    assert [candidate.model for candidate in decision.candidates] == ["b/good", "builtin/echo"]
    alone = decide(HELLO, echo, strategy=strategy)
    assert alone.plan.models == ("builtin/echo",)
    assert "no model here is expected to answer well" in alone.because


def test_when_nobody_can_serve_every_reason_is_told_and_a_fix():
    small = [model(f"a/m{at}", window=10) for at in range(7)]
    with pytest.raises(NoCandidate) as caught:
        decide(ask("x" * 400), *small, model("b/far", regions=("us",)), regions=("eu",))
    assert len(caught.value.rejected) == 8
    assert "a/m0: region eu required; its region is not known" in caught.value.message
    assert "and 3 more" in caught.value.message
    assert "requirements" in (caught.value.fix or "")
    with pytest.raises(ContextTooLong) as too_long:
        decide(ask("x" * 400), *small)
    assert "lower max_tokens" in (too_long.value.fix or "")
    with pytest.raises(NoCandidate, match="its pool is empty"):
        decide(HELLO)


def test_cheapest_takes_the_lowest_predicted_cost_and_says_what_it_is():
    decision = decide(
        HELLO, priced("a/dear", 10), model("b/unpriced"), priced("c/cheap", 2), strategy="cheapest", attempts=9
    )
    assert decision.plan.models == ("c/cheap", "a/dear", "b/unpriced")
    # 14 tokens in and 250 out, at 2 dollars per million.
    assert decision.because.startswith(
        "the lowest predicted cost of 3 models, 1 of them of unknown price: about 0.000528 USD "
        "for about 14 tokens in and 250 out; it looks like knowledge ("
    )


def test_fastest_takes_the_shortest_time_seen():
    signals = {"a/slow": Signal(0.5, 4.0), "c/fast": Signal(0.1, 0.8)}
    models = priced("a/slow", 1), priced("b/unseen", 1), priced("c/fast", 1)
    decision = decide(HELLO, *models, strategy="fastest", signals=signals)
    assert decision.plan.models == ("c/fast", "a/slow", "b/unseen")
    assert decision.because.startswith("the shortest time seen of late of 3 models, 1 of them not timed yet: 0.8 s; ")
    unseen = decide(HELLO, *models, strategy="fastest")
    assert unseen.because.startswith("none of 3 models has been timed yet")


def test_task_takes_the_cheapest_of_the_near_best():
    best, near, bad = priced("a/best", 30, 0.9), priced("b/near", 3, 0.82), priced("c/bad", 0.1, 0.3)
    decision = decide(HELLO, best, near, bad)
    assert decision.plan.models == ("b/near", "a/best", "c/bad")
    assert "; predicted quality 0.82, the cheapest of 2 models within 0.1 of the best (0.90)" in decision.because
    strict = decide(HELLO, best, near, bad, options={"slack": 0.01})
    assert strict.plan.models == ("a/best", "b/near", "c/bad")
    assert strict.because.endswith("predicted quality 0.90, the best of 3 by more than 0.01")


def test_task_sends_a_computation_to_the_solver_and_the_rest_elsewhere():
    solver = model("builtin/solve", prices=(Price(input=0, output=0),), skills={"compute": 0.97, "*": 0.02})
    large = priced("b/large", 5, 0.8)
    assert decide(ask("What is 12.5% of 840?"), solver, large).plan.models[0] == "builtin/solve"
    assert decide(ask("Differentiate x^2 sin x"), solver, large).plan.models[0] == "builtin/solve"
    assert decide(ask("Write a poem about the sea."), solver, large).plan.models == ("b/large",)


@pytest.mark.parametrize("strategy", ["cheapest", "fastest", "task"])
def test_the_explanation_says_how_sure_the_classifier_is(strategy: str):
    decision = decide(HELLO, priced("a/x", 1), priced("b/y", 1), strategy=strategy)
    assert decision.features is not None
    sure = decision.features.sure
    assert sure > 0.5
    assert f"knowledge ({'over 99%' if sure > 0.995 else f'{sure:.0%}'} sure)" in decision.because
    assert "100%" not in decision.because


@pytest.mark.parametrize("strategy", [one for one in RANKING if one != "bandit"])
def test_equal_candidates_keep_the_pools_order(strategy: str):
    names = ["z/1", "a/2", "m/3", "b/4"]
    decision = decide(HELLO, *[priced(name, 1) for name in names], strategy=strategy, attempts=4)
    assert list(decision.plan.models) == names


@pytest.mark.parametrize("strategy", RANKING)
def test_a_pool_of_hundreds_is_ranked_and_only_its_chain_is_planned(strategy: str):
    models = [priced(f"p/m{at}", 1 + at % 7, 0.4 + at / 2_000, window=(100, 128_000)[at % 3 > 0]) for at in range(600)]
    decision = decide(ask("x" * 2_000), *models, strategy=strategy)
    assert len(decision.candidates) + len(decision.rejected) == 600
    assert len(decision.rejected) == 200
    assert len(decision.plan.models) == 3


LETTERS = st.text(max_size=300)
MODELS = st.lists(
    st.builds(
        lambda name, window, dollars, skill, vision, region: model(
            f"p/{name}",
            window=window,
            prices=() if dollars is None else (Price(input=dollars, output=4 * dollars),),
            skills={} if skill is None else {"*": skill, "code": 1 - skill},
            abilities={} if vision is None else {"vision": vision},
            regions=region,
        ),
        st.integers(0, 99),
        st.none() | st.integers(1, 10_000),
        st.none() | st.integers(0, 10**11),
        st.none() | st.floats(0, 1),
        st.none() | st.booleans(),
        st.sampled_from([(), ("eu",), ("us", "eu")]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one.name,
)


@settings(max_examples=60, deadline=None)
@given(
    question=LETTERS,
    picture=st.booleans(),
    models=MODELS,
    strategy=st.sampled_from(RANKING),
    regions=st.sampled_from([(), ("eu",)]),
    seconds=st.lists(st.none() | st.floats(0.001, 100), min_size=8, max_size=8),
)
def test_equal_arguments_give_the_same_bytes(
    question: str,
    picture: bool,
    models: list[Model],
    strategy: str,
    regions: tuple[str, ...],
    seconds: list[float | None],
):
    request = ask(question, *([Image(data="AAAA")] if picture else []))
    signals = {one.name: Signal(None, second) for one, second in zip(models, seconds, strict=False)}

    def once() -> Decision | NoCandidate | ContextTooLong:
        try:
            return decide(request, *models, signals=dict(signals), strategy=strategy, regions=regions)
        except (NoCandidate, ContextTooLong) as nobody:
            return nobody

    first, second = once(), once()
    if isinstance(first, ContextTooLong):
        assert str(first) == str(second)
        return
    assert not isinstance(second, ContextTooLong)
    assert sorted([*_passed(first), *first.rejected]) == sorted(one.name for one in models)
    if isinstance(first, NoCandidate):
        assert str(first) == str(second)
    else:
        assert first.plan.models
        assert set(first.plan.models) <= set(_passed(first))
        assert msgspec.json.encode(first) == msgspec.json.encode(second)


def _passed(decision: Decision | NoCandidate) -> list[str]:
    return [] if isinstance(decision, NoCandidate) else [candidate.model for candidate in decision.candidates]


@given(
    tokens=st.integers(0, 10**7),
    limit=st.none() | st.integers(1, 10**6),
    most=st.none() | st.integers(1, 10**6),
    read=st.integers(0, 10**12),
    write=st.integers(0, 10**12),
    fee=st.integers(0, 10**9),
)
def test_a_predicted_cost_lies_between_its_bounds_and_never_falls_with_the_input(
    tokens: int, limit: int | None, most: int | None, read: int, write: int, fee: int
):
    one = model("a/x", max_output=most, prices=(Price(input=read, output=write, request=fee),))

    def cost(count: int) -> tuple[float, float, float]:
        seen = Features(task="", sure=0.0, tasks={}, input_tokens=count, max_tokens=limit)
        interval = predict(one, seen, Signal()).cost
        assert interval is not None
        return interval.low, interval.value, interval.high

    low, value, high = cost(tokens)
    assert fee <= low <= value <= high
    assert all(more >= less for more, less in zip(cost(tokens + 1_000), (low, value, high), strict=True))
