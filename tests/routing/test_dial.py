"""The dial between the best and the cheapest turns where the page on strategies says."""

from __future__ import annotations

import pytest

from meshwright.routing.choose import choose
from meshwright.routing.policy import Policy
from meshwright.types.decision import Features
from meshwright.types.model import Model, Price

SEEN = Features(task="knowledge", sure=1.0, tasks={"knowledge": 1.0}, input_tokens=1_000)


def model(name: str, skill: float, price: int) -> Model:
    prices = (Price(input=price * 10**9, output=price * 10**9),)
    return Model(name=f"p/{name}", provider="p", upstream=name, skills={"*": skill}, prices=prices)


MODELS = [model("cheapest", 0.6, 1), model("middle", 0.8, 4), model("dearest", 0.9, 20)]


@pytest.mark.parametrize("strategy", ["balanced", "learned"])
@pytest.mark.parametrize(
    ("thrift", "chosen"),
    [(0, "dearest"), (0.11, "dearest"), (0.2, "middle"), (0.57, "middle"), (0.58, "cheapest"), (1, "cheapest")],
)
def test_the_dial_turns_from_the_best_to_the_cheapest(strategy: str, thrift: float, chosen: str):
    policy = Policy(name="r", strategy=strategy, pool=(), options={"thrift": thrift})
    assert choose(SEEN, policy, MODELS, {}, asked="r", snapshot=1).plan.models[0] == f"p/{chosen}"
