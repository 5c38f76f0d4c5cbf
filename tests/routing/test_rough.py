"""Tokens are estimated where a decision can depend on them, and nowhere else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.catalog.tokens import tokens as estimate
from meshwright.routing import features as room
from meshwright.routing.choose import choose
from meshwright.routing.features import features
from meshwright.routing.policy import Policy
from meshwright.routing.route import route
from meshwright.types.content import Image, Message, Part, Text
from meshwright.types.decision import Decision
from meshwright.types.errors import ContextTooLong
from meshwright.types.model import Model, Price
from meshwright.types.request import Request

NAMED = Policy(name="a/x", strategy="fixed", pool=("a/x",), named=True)
ROUTE = Policy(name="mine", strategy="fixed", pool=("a/x", "a/y"))
PROSE = "What a tokenizer makes of it depends on the words, and on nothing else. "


def model(name: str, window: int | None, *above: int) -> Model:
    prices = tuple(Price(above=start, input=10**9, output=10**9) for start in above)
    return Model(name=name, provider="a", upstream=name, window=window, prices=prices)


def ask(*parts: str | Part, max_tokens: int | None = None) -> Request:
    said = tuple(Text(part) if isinstance(part, str) else part for part in parts)
    return Request(model="a/x", messages=(Message("user", said),), max_tokens=max_tokens)


def decide(request: Request, policy: Policy, *models: Model) -> Decision:
    return route(request, policy, models, {}, asked=policy.name, snapshot=1)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of which tokens were estimated since."""
    texts: list[str] = []

    def tokens(text: str, family: str) -> int:
        texts.append(text)
        return estimate(text, family)

    monkeypatch.setattr(room, "tokens", tokens)
    return texts


@pytest.mark.parametrize("policy", [NAMED, ROUTE], ids=["a model by name", "a list of models"])
def test_nothing_is_counted_far_below_every_window(policy: Policy, counted: list[str]) -> None:
    seen = decide(ask(PROSE), policy, model("a/x", 128_000, 0), model("a/y", None)).features
    assert counted == []
    assert seen is not None
    assert (seen.rough, seen.input_tokens) == (True, len(PROSE) // 4 + 7)


@pytest.mark.parametrize(
    "models",
    [(model("a/x", 128_000), model("a/y", 60)), (model("a/x", None, 0, 50),)],
    ids=["a window is near", "a price goes by length"],
)
def test_near_a_bound_it_is_counted(models: tuple[Model, ...], counted: list[str]) -> None:
    seen = decide(ask(PROSE), ROUTE, *models).features
    assert counted == [PROSE]
    assert seen is not None
    assert not seen.rough


@pytest.mark.parametrize("bound", [{"strategy": "cheapest"}, {"max_cost": 10**9}], ids=str)
def test_where_costs_are_compared_it_is_counted(bound: dict[str, object], counted: list[str]) -> None:
    policy = msgspec.structs.replace(ROUTE, **bound)
    assert decide(ask(PROSE), policy, model("a/x", None, 0), model("a/y", None, 0)).features is not None
    assert counted == [PROSE]


@given(
    words=st.integers(0, 400),
    script=st.sampled_from(["word ", "天", "0x7f,", "\n\n  }", "Ж"]),
    window=st.integers(1, 3_000),
    limit=st.none() | st.integers(1, 1_000),
    pictures=st.integers(0, 2),
    named=st.booleans(),
)
def test_not_counting_never_changes_who_may_serve(
    words: int, script: str, window: int, limit: int | None, pictures: int, named: bool
) -> None:
    request = ask(script * words, *[Image(data="AAAA")] * pictures, max_tokens=limit)
    policy, pool = (NAMED, (model("a/x", window),)) if named else (ROUTE, (model("a/x", window), model("a/y", 700)))

    def plan(seen: object) -> object:
        try:
            return seen().plan  # type: ignore[operator]  # a function of no arguments
        except ContextTooLong:
            return "too long"

    always = features(request, tasks=False)
    assert plan(lambda: decide(request, policy, *pool)) == plan(
        lambda: choose(always, policy, pool, {}, asked=policy.name, snapshot=1)
    )
