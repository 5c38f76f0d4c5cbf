"""A decision is right, explains itself, and is the same each time."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshwright.routing.policy import Policy, Signal
from meshwright.routing.predict import predict, quality
from meshwright.routing.route import route
from meshwright.routing.strategies import STRATEGIES
from meshwright.types.content import Audio, File, Image, Message, Part, Text
from meshwright.types.decision import Decision, Features
from meshwright.types.errors import ContextTooLong, NoCandidate
from meshwright.types.model import Model, Price
from meshwright.types.request import OutputFormat, Request, ToolChoice, ToolSpec

DOLLAR = 1_000_000_000
RANKING = sorted(name for name, strategy in STRATEGIES.items() if strategy.compose is None)
"""Strategies over a pool; those over steps are in test_steps.py."""


def model(name: str, **facts: object) -> Model:
    return msgspec.structs.replace(Model(name=name, provider=name.partition("/")[0], upstream=name), **facts)


def priced(name: str, dollars: float, skill: float = 0.7, **facts: object) -> Model:
    """A model at that many dollars per million tokens, in and out."""
    price = Price(input=int(dollars * DOLLAR), output=int(dollars * DOLLAR))
    return model(name, prices=(price,), skills={"*": skill}, **facts)


def ask(*parts: str | Part, **options: object) -> Request:
    given = tuple(Text(part) if isinstance(part, str) else part for part in parts)
    return msgspec.structs.replace(Request(model="auto", messages=(Message("user", given),)), **options)


def decide(
    request: Request, *models: Model, signals: dict[str, Signal] | None = None, strategy: str = "task", **bounds: object
) -> Decision:
    pool = tuple(one.name for one in models)
    policy = msgspec.structs.replace(Policy(name="auto", strategy=strategy, pool=pool), **bounds)
    return route(request, policy, models, signals or {}, asked="auto", snapshot=1)


def rejected(request: Request, culprit: Model, **bounds: object) -> str:
    """Why the model was rejected, beside one that takes everything."""
    able = dict.fromkeys(("vision", "tools", "files", "json", "structured_output"), True)
    other = priced("a/other", 1, regions=("eu",), privacy="local", abilities=able)
    return decide(request, other, culprit, signals={}, strategy="task", **bounds).rejected.get(culprit.name, "")


HELLO = ask("Who painted The Starry Night?")


def test_a_model_with_too_small_a_window_is_rejected_with_the_numbers():
    request = ask("word " * 8_000, max_tokens=500)
    reason = rejected(request, model("b/small", window=4_096))
    assert re.fullmatch(r"about [678],\d+ tokens wanted \([678],\d+ in, 500 out\), its window is 4,096", reason)


def test_a_window_that_is_not_known_passes():
    assert rejected(ask("x" * 20_000), model("b/small")) == ""


def test_an_answer_counts_no_longer_than_the_model_can_make_it():
    assert rejected(ask("hi", max_tokens=100_000), model("b/short", window=8_000, max_output=4_000)) == ""


def test_a_region_that_is_not_known_does_not_pass():
    reason = rejected(HELLO, model("b/somewhere"), regions=("eu",))
    assert reason == "region eu required; its region is not known"


def test_a_model_that_may_answer_from_elsewhere_too_does_not_pass():
    reason = rejected(HELLO, model("b/global", regions=("eu", "us")), regions=("eu", "ch"))
    assert reason == "region eu or ch required; it may answer from us"
    assert rejected(HELLO, model("b/near", regions=("eu",)), regions=("eu", "ch")) == ""


def test_privacy_that_is_not_known_does_not_pass():
    assert rejected(HELLO, model("b/vague"), privacy=("local", "no_training")) == (
        "privacy local or no_training required; its privacy is not known"
    )
    assert "its privacy is may_train" in rejected(HELLO, model("b/keen", privacy="may_train"), privacy=("local",))


def test_an_ability_that_is_missing_rejects_and_one_that_is_not_known_costs_quality():
    request = ask("What is this?", Image(url="https://pictures.example/1.png"))
    blind, unsure, sighted = (
        priced(f"b/{name}", 1, abilities=abilities)
        for name, abilities in (("blind", {"vision": False}), ("unsure", {}), ("sighted", {"vision": True}))
    )
    decision = decide(request, blind, unsure, sighted)
    assert decision.rejected == {"b/blind": "the request needs vision, which it does not have"}
    assert decision.plan.models == ("b/sighted", "b/unsure")
    by_name = {candidate.model: candidate for candidate in decision.candidates}
    assert quality(by_name["b/unsure"]) == pytest.approx(0.7 * 0.85)
    assert "nobody says whether it has vision" in by_name["b/unsure"].why


@pytest.mark.parametrize(
    ("request_", "need"),
    [
        (ask("hi", tools=(ToolSpec(name="look"),)), "tools"),
        (ask("hi", output=OutputFormat(kind="json")), "json"),
        (ask("hi", output=OutputFormat(kind="schema")), "structured_output"),
        (ask("hi", Audio(data="AAAA", format="wav")), "audio_input"),
        (ask("hi", File(data="AAAA", media_type="application/pdf")), "files"),
        (ask("hi", modalities=("text", "audio")), "audio_output"),
        (ask("hi", logprobs=True), "logprobs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_request_needs_is_seen(request_: Request, need: str):
    with pytest.raises(NoCandidate) as caught:
        decide(request_, model("b/plain", abilities={need: False}))
    assert need in str(caught.value)


def test_what_can_be_sent_as_words_needs_no_ability():
    plain = model("b/plain", abilities={"files": False, "tools": False})
    assert decide(ask("Sum this up.", File(text="A long story.")), plain).plan.models == ("b/plain",)
    unused = ask("hi", tools=(ToolSpec(name="look"),), tool_choice=ToolChoice("none"))
    assert decide(unused, plain).plan.models == ("b/plain",)


def test_a_required_ability_must_be_known():
    assert rejected(HELLO, model("b/x"), require=("vision",)) == "vision required; not known of it"
    reason = rejected(HELLO, model("b/x", abilities={"vision": False}), require=("vision",))
    assert reason == "vision required; it does not have it"
    able = model("b/x", abilities={"structured_output": True})
    assert rejected(HELLO, able, require=("json",)) == ""


def test_a_bound_on_cost_rejects_what_may_cost_more_and_what_nobody_prices():
    decision = decide(
        HELLO, priced("a/cheap", 0.1), priced("b/dear", 100), model("c/unpriced"), max_cost=1_000_000, strategy="fixed"
    )
    assert decision.plan.models == ("a/cheap",)
    # 14 tokens in and three times 250 out, at 100 dollars per million.
    assert decision.rejected["b/dear"] == "up to 0.0764 USD predicted, max_cost is 0.001 USD"
    assert decision.rejected["c/unpriced"] == "max_cost is set and its price is not known"


def test_a_fee_per_request_is_part_of_the_cost():
    fee = model("a/fee", prices=(Price(input=0, output=0, request=5_000_000),))
    (candidate,) = decide(HELLO, fee).candidates
    assert candidate.cost is not None
    assert (candidate.cost.low, candidate.cost.value, candidate.cost.high) == (5e6, 5e6, 5e6)


def test_a_model_below_the_floor_is_rejected_whatever_the_strategy():
    solver = model("builtin/solve", skills={"compute": 0.97, "*": 0.02})
    sums = ask("What is 12.5% of 840?")
    assert decide(sums, solver, floor=0.5, strategy="fixed").plan.models == ("builtin/solve",)
    with pytest.raises(NoCandidate, match=r"predicted quality 0\.\d+ is below the floor of 0\.5"):
        decide(HELLO, solver, floor=0.5, strategy="fixed")


def test_a_resting_model_is_left_out_unless_the_caller_named_it():
    signals = {"b/tired": Signal(resting="resting 15 s after 3 failures in a row")}
    decision = decide(HELLO, model("a/awake"), model("b/tired"), signals=signals)
    assert decision.rejected == {"b/tired": "resting 15 s after 3 failures in a row"}
    named = decide(HELLO, model("b/tired"), signals=signals, strategy="fixed", named=True)
    assert named.plan.models == ("b/tired",)
    assert named.because == "the caller named it"


def test_a_named_model_is_not_refused_for_a_rough_estimate():
    request = ask("x" * 20_000)
    close = model("a/close", window=4_096)
    assert decide(request, close, strategy="fixed", named=True).plan.models == ("a/close",)
    with pytest.raises(ContextTooLong, match="its window is 1,000"):
        decide(request, model("a/close", window=1_000), strategy="fixed", named=True)


def test_a_named_model_is_served_whatever_its_predicted_quality():
    echo = model("builtin/echo", skills={"*": 0.03})
    better = priced("b/better", 1)
    assert decide(HELLO, echo, better, strategy="fixed", named=True).plan.models == ("builtin/echo", "b/better")


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
