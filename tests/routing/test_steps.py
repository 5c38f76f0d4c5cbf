"""Strategies over steps plan what their configuration says, always in the same way, and explain it."""

from __future__ import annotations

import msgspec
import pytest

from meshwright.kernel.build.routes import policies
from meshwright.kernel.config.tables import Config, RouteSettings
from meshwright.providers.builtin import meaning
from meshwright.routing.policy import Signal
from meshwright.routing.route import route
from meshwright.types.content import Message, Text, ToolCall, ToolResult
from meshwright.types.decision import Decision
from meshwright.types.errors import ContextTooLong, NoCandidate
from meshwright.types.model import Model, Price
from meshwright.types.request import Request

MODELS = [
    Model(
        name=f"p/{name}",
        provider="p",
        upstream=name,
        prices=(Price(input=cost * 10**9, output=cost * 10**9),),
        skills={"*": skill},
        regions=("eu",) if name != "large" else ("us",),
        licence="MIT" if name == "small" else "",
        window=8_000 if name == "small" else None,
    )
    for name, cost, skill in (("small", 1, 0.6), ("middle", 4, 0.8), ("large", 20, 0.9))
]
SMALL, MIDDLE, LARGE = (model.name for model in MODELS)


def ask(text: str, *more: Message, **options: object) -> Request:
    return msgspec.structs.replace(
        Request(model="route/it", messages=(Message("user", (Text(text),)), *more)), **options
    )


def decide(
    settings: RouteSettings, request: Request | str, signals: dict[str, Signal] | None = None, **routes: RouteSettings
) -> Decision:
    policy = policies(Config(routes={"it": settings, **routes}), MODELS)["route/it"]
    pool = [model for model in MODELS if model.name in policy.pool]
    asked = ask(request) if isinstance(request, str) else request
    return route(asked, policy, pool, signals or {}, asked="route/it", snapshot=1)


def first(decision: Decision) -> str:
    return next(decision.plan.contacts())


SPLIT = RouteSettings(strategy="split", weights={SMALL: 3, LARGE: 1})


def test_a_split_shares_conversations_by_weight_and_says_how_likely_each_share_was():
    decisions = [decide(SPLIT, f"question {at}") for at in range(800)]
    share = sum(first(one) == SMALL for one in decisions) / 800
    assert share == pytest.approx(0.75, abs=0.05)
    assert {one.propensity for one in decisions if first(one) == SMALL} == {0.75}
    assert {one.propensity for one in decisions if first(one) == LARGE} == {0.25}
    assert "takes 0.25 of the traffic" in next(one.because for one in decisions if first(one) == LARGE)


def test_a_split_keeps_a_conversation_where_it_began():
    for at in range(20):
        begun = decide(SPLIT, f"question {at}")
        later = ask(f"question {at}", Message("assistant", (Text("x"),)), Message("user", (Text(f"more {at * 7}"),)))
        assert first(decide(SPLIT, later)) == first(begun)
    keyed = {first(decide(SPLIT, ask(f"question {at}", cache_key="session 7"))) for at in range(20)}
    assert len(keyed) == 1


def test_a_split_gives_the_share_of_a_step_that_cannot_serve_to_the_others():
    decision = decide(SPLIT, "x " * 20_000)
    assert list(decision.plan.contacts()) == [LARGE]
    assert decision.propensity == 1
    assert SMALL in decision.rejected


SEMANTIC = RouteSettings(
    strategy="semantic",
    steps=(SMALL, MIDDLE, LARGE),
    examples={
        SMALL: ("I was charged twice for my order", "Where is my invoice?"),
        MIDDLE: ("The app crashes when I open it", "I get an error message at login"),
    },
)


@pytest.mark.parametrize(
    ("question", "model", "words"),
    [
        ("Why was my card charged two times for one order?", SMALL, "it is like the examples of p/small"),
        ("I see an error message when I open the app", MIDDLE, "it is like the examples of p/middle"),
        ("Compose a sonnet about autumn leaves", LARGE, "it is like no example (nearest: "),
    ],
)
def test_semantic_takes_the_step_whose_examples_are_most_alike(question: str, model: str, words: str):
    decision = decide(SEMANTIC, question)
    assert first(decision) == model
    assert words in decision.because
    assert set(decision.plan.contacts()) == {SMALL, MIDDLE, LARGE}


def test_semantic_knows_what_words_mean_where_the_table_is_loaded(monkeypatch: pytest.MonkeyPatch):
    route = RouteSettings(
        strategy="semantic",
        steps=(SMALL, MIDDLE),
        examples={SMALL: ("My physician prescribed medicine",), MIDDLE: ("The car engine needs repair",)},
    )
    question = "A doctor gave me pills"
    assert "by words alone" in decide(route, question).because
    monkeypatch.setattr(meaning, "_loaded", [])
    assert meaning.load()
    decision = decide(route, question)
    assert first(decision) == SMALL
    assert decision.because.startswith("it is like the examples of p/small")
    assert "by words alone" not in decision.because


CASCADE = RouteSettings(strategy="cascade", steps=("route/cheap", LARGE), options={"threshold": 0.8})
CHEAP = RouteSettings(strategy="cheapest", pool=(SMALL, MIDDLE))


def test_a_cascade_of_a_route_and_a_model_is_configuration():
    decision = decide(CASCADE, "Who painted it?", cheap=CHEAP)
    assert decision.plan.kind == "cascade"
    assert [step.models for step in decision.plan.steps] == [(SMALL, MIDDLE), (LARGE,)]
    assert [part.strategy for part in decision.parts] == ["cheapest", "fixed"]
    assert decision.because == "route/cheap, then p/large: further when an answer is less than 80% likely to be good"


def test_a_cascade_does_not_pay_one_model_twice_for_the_same_answer():
    best = RouteSettings(strategy="balanced", pool=(LARGE, MIDDLE), options={"thrift": 0.0})
    steps = msgspec.structs.replace(CASCADE, steps=("route/best", LARGE))
    decision = decide(steps, "Who painted it?", best=best)
    assert decision.because == "route/best and p/large would ask p/large, which is asked once; no gate"
    assert (decision.plan.kind, list(decision.plan.contacts())) == ("first", [LARGE, MIDDLE, LARGE])
    steps = msgspec.structs.replace(CASCADE, steps=("route/cheap", SMALL, LARGE))
    decision = decide(steps, "Who painted it?", cheap=CHEAP)
    assert [step.models for step in decision.plan.steps] == [(SMALL, MIDDLE), (LARGE,)]
    assert [step.step for step in decision.plan.steps] == [0, 2]
    assert decision.because.endswith("likely to be good; without p/small, which would ask the same again")


def test_bounds_of_a_route_hold_for_the_routes_within_it():
    decision = decide(msgspec.structs.replace(CASCADE, regions=("eu",)), "Who painted it?", cheap=CHEAP)
    assert decision.plan.kind == "first"
    assert set(decision.plan.contacts()) == {SMALL, MIDDLE}
    assert decision.rejected == {LARGE: 'region eu required; it may answer from us (by "it")'}
    with pytest.raises(NoCandidate, match="licence Apache"):
        decide(msgspec.structs.replace(CASCADE, licences=("Apache-2.0",)), "Who?", cheap=CHEAP)


def test_licence_window_and_time_are_bounds_too():
    every = RouteSettings(strategy="cheapest")
    assert decide(msgspec.structs.replace(every, licences=("MIT",)), "Who?").plan.models == (SMALL,)
    with pytest.raises(NoCandidate, match="its context window is 8,000") as caught:
        decide(msgspec.structs.replace(every, min_window=32_000), "Who?")
    assert "min_window" in (caught.value.fix or "")
    slow = decide(msgspec.structs.replace(every, max_seconds=2.0), "Who?", {SMALL: Signal(None, 5.0)})
    assert slow.rejected == {SMALL: "about 5 s of late, max_seconds is 2"}


def test_a_name_that_nobody_has_is_told_and_not_passed_over_in_silence():
    decision = decide(RouteSettings(strategy="split", weights={"p/smal": 9, LARGE: 1}), "Who?")
    assert decision.because == (
        "the lot of this conversation fell on p/large, which takes 1 of the traffic, as 1 of 2 steps cannot serve this "
        "request"
    )
    assert decision.rejected == {"p/smal": "no model that is served is called so"}
    pool = RouteSettings(strategy="cheapest", pool=("p/smal", "q/*", LARGE))
    decision = decide(pool, "Who?")
    assert decision.because.startswith("the only model here that can serve this request: ")
    assert list(decision.rejected) == ["p/smal", "q/*"]
    judged = decide(RouteSettings(strategy="panel", steps=(SMALL, MIDDLE), by="p/judge"), "Who?")
    assert list(judged.rejected) == ["p/judge"]
    with pytest.raises(NoCandidate, match="p/smal: no model that is served") as caught:
        decide(RouteSettings(strategy="cheapest", pool=("p/smal",)), "Who?")
    assert caught.value.fix is not None
    assert caught.value.fix.startswith("Correct the name in the route")
    with pytest.raises(ContextTooLong):
        decide(RouteSettings(strategy="cheapest", pool=("p/smal", SMALL)), "word " * 40_000)


def test_a_panel_votes_unless_somebody_judges():
    votes = decide(RouteSettings(strategy="panel", steps=(SMALL, MIDDLE)), "Who?")
    assert (votes.plan.kind, votes.plan.settings["join"], votes.plan.by) == ("panel", "vote", None)
    judged = decide(RouteSettings(strategy="panel", steps=(SMALL, MIDDLE), by=LARGE), "Who?")
    assert judged.plan.by is not None
    assert judged.plan.by.models == (LARGE,)
    assert judged.because == "2 at once: p/small, p/middle; p/large judges which is best"
    lonely = decide(RouteSettings(strategy="panel", steps=(SMALL, MIDDLE), by=LARGE, regions=("eu",)), "Who?")
    assert lonely.because == "2 at once: p/small, p/middle; nobody can judge, so they vote"


def test_a_panel_that_cannot_have_its_answers_says_so_before_it_pays_for_any():
    settings = RouteSettings(strategy="panel", steps=(SMALL, MIDDLE, LARGE), options={"least": 3}, regions=("eu",))
    decision = decide(settings, "Who?")
    assert decision.plan.kind == "panel"
    assert decision.because == (
        "only p/small, p/middle can serve this request, and 3 answers must come: nobody is asked"
    )


def test_a_shadow_copies_a_share_of_the_conversations():
    settings = RouteSettings(strategy="shadow", steps=(SMALL, LARGE), options={"share": 0.25})
    kinds = [decide(settings, f"question {at}").plan.kind for at in range(400)]
    assert kinds.count("shadow") / 400 == pytest.approx(0.25, abs=0.07)
    assert {first(decide(settings, f"question {at}")) for at in range(20)} == {SMALL}


def call(name: str, arguments: str = "{}") -> Message:
    return Message("assistant", (ToolCall(id="1", name=name, arguments=arguments),))


def result(text: str, is_error: bool = False) -> Message:
    return Message("tool", (ToolResult(call_id="1", parts=(Text(text),), is_error=is_error),))


ADVISOR = RouteSettings(strategy="advisor", steps=(SMALL,), by=LARGE)


@pytest.mark.parametrize(
    ("turns", "why"),
    [
        ((), ""),
        ((call("look"), result("ok")), ""),
        ((call("look"), result("no", True)), ""),
        ((call("look"), result("no", True), call("see"), result("no", True)), "2 tool results in a row were failures"),
        ((call("look"), result("no", True), call("look"), result("ok")), "repeats an earlier one (1 before it)"),
        ((call("look", '{"a":1}'), result("ok"), call("look", '{"a":2}'), result("ok")), ""),
        ((call("a"), result("no", True), call("b"), result("no", True), Message("user", (Text("stop"),))), ""),
    ],
)
def test_an_adviser_is_asked_at_set_points_of_a_run(turns: tuple[Message, ...], why: str):
    decision = decide(ADVISOR, ask("Do it.", *turns))
    assert decision.plan.kind == ("advisor" if why else "first")
    assert why in decision.because
    assert (LARGE in decision.plan.contacts()) == bool(why)


def test_a_turn_with_advice_has_the_stand_ins_of_one_without():
    settings = RouteSettings(strategy="advisor", steps=(SMALL, MIDDLE), by=LARGE, options={"start": True})
    decision = decide(settings, "Do it.")
    assert list(decision.plan.contacts()) == [SMALL, MIDDLE, LARGE]
    assert [part.route for part in decision.parts] == [SMALL, MIDDLE, LARGE]
    assert decision.because == "p/small works; p/large advises first, because the run begins"


def test_routes_over_routes_explain_and_repeat_themselves():
    settings = RouteSettings(
        strategy="cascade", steps=("route/shared", "route/panel"), options={"threshold": 0.5, "stream": "pass"}
    )
    shared = RouteSettings(strategy="split", weights={SMALL: 1, MIDDLE: 1})
    panel = RouteSettings(strategy="panel", steps=(MIDDLE, LARGE))
    one, two = (decide(settings, "Who painted it?", shared=shared, panel=panel) for _ in range(2))
    assert msgspec.json.encode(one) == msgspec.json.encode(two)
    assert [step.kind for step in one.plan.steps] == ["first", "panel"]
    assert one.because.endswith("likely to be good; a stream is passed on as it comes")
    assert msgspec.json.decode(msgspec.json.encode(one), type=Decision) == one


BALANCED = RouteSettings(strategy="balanced")


@pytest.mark.parametrize(
    ("options", "model"),
    [
        ({"thrift": 0.0}, LARGE),
        ({"thrift": 0.2}, MIDDLE),
        ({"thrift": 0.9}, SMALL),
        ({"thrift": 1.0}, SMALL),
        ({"per_dollar": 0.0}, LARGE),
        ({"per_dollar": 1_000_000.0}, SMALL),
        ({"thrift": 0.0, "per_second": 0.1}, MIDDLE),
    ],
)
def test_balanced_weighs_quality_against_cost_and_time(options: dict[str, float], model: str):
    signals = {LARGE: Signal(None, 9.0), MIDDLE: Signal(None, 1.0), SMALL: Signal(None, 1.0)}
    decision = decide(msgspec.structs.replace(BALANCED, options=options), "Who painted it?", signals)
    assert first(decision) == model
    assert "the best balance of 3 models" in decision.because


def test_cheapest_above_takes_the_cheapest_that_is_good_enough_or_else_the_best():
    above = RouteSettings(strategy="cheapest_above", options={"above": 0.7})
    decision = decide(above, "Who painted it?")
    assert decision.plan.models == (MIDDLE, LARGE, SMALL)
    assert "of 3 models 2 are predicted at or above 0.7, this one at 0.80" in decision.because
    sure = msgspec.structs.replace(above, options={"above": 0.75, "sure": True})
    assert first(decide(sure, "Who painted it?")) == LARGE
    high = decide(msgspec.structs.replace(above, options={"above": 0.99}), "Who painted it?")
    assert first(high) == LARGE
    assert "none of 3 models is predicted at or above 0.99; this one is best, at 0.90" in high.because


def test_capability_prefers_what_is_known_to_be_able():
    pool = [msgspec.structs.replace(model, abilities={"logprobs": True}) for model in MODELS[2:]]
    policy = policies(Config(routes={"it": RouteSettings(strategy="capability")}), [*MODELS[:2], *pool])["route/it"]
    every = [*MODELS[:2], *pool]
    needy = route(ask("Who?", logprobs=True), policy, every, {}, asked="route/it", snapshot=1)
    assert needy.plan.models[0] == LARGE
    assert needy.because == "the request needs logprobs; the cheapest of 1 models that are known to have it"
    plain = route(ask("Who?"), policy, every, {}, asked="route/it", snapshot=1)
    assert plain.plan.models[0] == SMALL
