"""Trying models by lot: with the chances that are told, within the budget, and the same way again."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest

from meshwright.routing.choose import choose
from meshwright.routing.exploring import best_chances, fallen
from meshwright.routing.policy import Policy
from meshwright.routing.quality.gains import Gained, Gains
from meshwright.types.decision import Decision, Features, Gain
from meshwright.types.model import Model, Price

FEATURES = Features(task="knowledge", sure=1.0, tasks={"knowledge": 1.0}, input_tokens=1_000)


def model(name: str, skill: float, price: int | None) -> Model:
    prices = () if price is None else (Price(input=price * 10**9, output=price * 10**9),)
    return Model(name=f"p/{name}", provider="p", upstream=name, skills={"*": skill}, prices=prices)


GOOD, CHEAP, DEAR = model("good", 0.7, 2), model("cheap", 0.65, 1), model("dear", 0.65, 40)


def decided(models: list[Model], at: int, purse: int = 0, strategy: str = "bandit", **options: float) -> Decision:
    policy = Policy(name="r", strategy=strategy, pool=tuple(one.name for one in models), options=options)
    seen = msgspec.structs.replace(FEATURES, conversation=f"{at:08x}", purse={"r": purse} if purse else {})
    return choose(seen, policy, models, {}, asked="r", snapshot=1)


def test_chances_are_those_of_drawing_a_value_for_each_and_taking_the_highest():
    means, spreads = [0.5, 0.6, 0.55, 0.2], [0.1, 0.05, 0.2, 0.02]
    dice = random.Random(5)
    counts = [0] * 4
    for _ in range(20_000):
        values = [dice.gauss(mean, spread) for mean, spread in zip(means, spreads, strict=True)]
        counts[values.index(max(values))] += 1
    found = best_chances(means, spreads)
    assert sum(found) == pytest.approx(1)
    assert found == pytest.approx([count / 20_000 for count in counts], abs=0.02)
    assert best_chances([0.3], [0.1]) == [1.0]
    assert best_chances([0.3, 0.9], [0.0, 0.0])[1] == pytest.approx(1, abs=1e-6)
    assert [fallen(lot, [0.25, 0.75]) for lot in (0.0, 0.2499, 0.25, 0.9999999)] == [0, 0, 1, 1]


def test_lots_fall_as_often_as_they_say_and_the_same_way_again():
    decisions = [decided([GOOD, CHEAP], at) for at in range(600)]
    firsts = Counter(one.plan.models[0] for one in decisions)
    chances = {one.plan.models[0]: one.propensity for one in decisions}
    assert len(chances) == 2
    for name, chance in chances.items():
        assert chance is not None
        assert firsts[name] / 600 == pytest.approx(chance, abs=0.06)
    assert msgspec.json.encode(decided([GOOD, CHEAP], 7)) == msgspec.json.encode(decisions[7])
    told = next(one.because for one in decisions if one.plan.models[0] == CHEAP.name)
    assert "tried, to learn of it" in told
    assert "0.70 of p/good" in told


def test_what_is_dearer_is_tried_only_while_the_budget_lasts():
    assert {decided([GOOD, DEAR], at).plan.models[0] for at in range(60)} == {GOOD.name}
    tried = [one for at in range(60) if (one := decided([GOOD, DEAR], at, purse=10**12)).extra]
    assert tried
    assert all(one.plan.models[0] == DEAR.name for one in tried)
    assert "0.65 is expected, 0.70 of p/good, the best;" in tried[0].because
    extra = tried[0].extra
    assert {decided([GOOD, DEAR], at, purse=extra - 1).plan.models[0] for at in range(60)} == {GOOD.name}
    assert {decided([GOOD, model("who", 0.65, None)], at, purse=10**12).plan.models[0] for at in range(60)} == {
        GOOD.name
    }


def test_outcomes_narrow_what_is_tried():
    def share(outcomes: int) -> float:
        gained = {name: Gain(0.0, 0.5 / max(1, outcomes) ** 0.5, outcomes) for name in ("good", "cheap")}
        seen = msgspec.structs.replace(FEATURES, gained=gained, conversation="x")
        policy = Policy(name="r", strategy="bandit", pool=())
        one = choose(seen, policy, [GOOD, CHEAP], {}, asked="r", snapshot=1)
        assert one.propensity is not None
        return one.propensity if one.plan.models[0] == CHEAP.name else 1 - one.propensity

    assert share(0) > share(200) > share(5_000)
    assert share(5_000) < 0.01


def test_the_page_on_strategies_tells_the_chances_that_are_drawn_by():
    def drawn(outcomes: int) -> tuple[float, float]:
        """How many of a hundred conversations go to the cheap model, and half of its interval."""
        learned = (Gained(name=name, level=0, outcomes=outcomes, noise=0.2, scale=1) for name in ("good", "cheap"))
        gained = Gains(version=1, salt=1, models=tuple(learned)).gain(b"")
        seen = msgspec.structs.replace(FEATURES, gained=gained, conversation="x")
        one = choose(seen, Policy(name="r", strategy="bandit", pool=()), [GOOD, CHEAP], {}, asked="r", snapshot=1)
        assert one.propensity is not None
        cheap = next(each for each in one.candidates if each.model == CHEAP.name)
        assert cheap.quality is not None
        chance = one.propensity if one.plan.models[0] == CHEAP.name else 1 - one.propensity
        return round(100 * chance), round(cheap.quality.high - cheap.quality.value, 2)

    assert [drawn(many) for many in (0, 2_000, 3_000)] == [(28, 0.1), (28, 0.1), (27, 0.09)]
    assert [drawn(many) for many in (5_000, 10_000, 20_000)] == [(22, 0.08), (15, 0.06), (8, 0.04)]


def test_the_smallest_chance_is_kept_and_the_hopeless_get_none():
    worse = model("worse", 0.3, 1)
    decisions = [decided([GOOD, worse], at, least=0.1) for at in range(300)]
    chances = {one.plan.models[0]: one.propensity for one in decisions}
    assert chances[worse.name] == pytest.approx(0.1, abs=0.01)
    hopeless = model("hopeless", 0.01, 1)
    assert {decided([GOOD, hopeless], at, least=0.3).plan.models[0] for at in range(40)} == {GOOD.name}


def test_learned_tries_another_model_in_a_share_of_the_conversations():
    decisions = [decided([GOOD, CHEAP, DEAR], at, strategy="learned", explore=0.2) for at in range(500)]
    firsts = Counter(one.plan.models[0] for one in decisions)
    assert firsts[GOOD.name] / 500 == pytest.approx(0.8, abs=0.05)
    assert {one.propensity for one in decisions} == {0.8, 0.1}
    assert decided([GOOD, CHEAP], 1, strategy="learned").propensity is None


def test_every_decision_tells_what_is_left_of_the_budget_and_who_is_beyond_it():
    told = decided([GOOD, DEAR], 1, budget=0.5, thrift=0.2).because
    assert told.startswith("nothing else may be tried at thrift 0.2: ")
    assert told.endswith("; 0.00 USD left today for trying, which 1 model costs more than the best by")
    told = decided([GOOD, DEAR], 1, purse=10**12, budget=0.5).because
    assert told.endswith("00.00 USD left today for trying")
