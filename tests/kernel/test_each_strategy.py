"""Each strategy before pretend providers: who is asked, who answers, and what a person is told of it."""

from __future__ import annotations

import pytest

from meshwright.cli.explaining import tell_trace
from meshwright.kernel.config.tables import RouteSettings
from meshwright.kernel.decide import again
from meshwright.routing.strategies import STRATEGIES
from meshwright.sim import Rule, Say
from tests.kernel.house import BAD, GOOD, QUESTION, Says, house, text

POOL = ("small/m", "middle/m", "large/m")
SAYS: Says = {
    "small": Say(text=BAD),
    "middle": Say(text=GOOD),
    "large": Say(text=GOOD),
    "judge": (Rule(text="APPROVE", say=Say(text="APPROVED")), Rule(say=Say(text="2"))),
}
CASES: dict[str, tuple[RouteSettings, str, dict[str, int], tuple[str, ...]]] = {
    "fixed": (
        RouteSettings(strategy="fixed", pool=("large/m", "small/m")),
        "large/m", {"large": 1}, ("it is the first of the route's pool",),
    ),
    "cheapest": (
        RouteSettings(strategy="cheapest", pool=POOL),
        "small/m", {"small": 1}, ("the lowest predicted cost of 3 models",),
    ),
    "cheapest_above": (
        RouteSettings(strategy="cheapest_above", pool=POOL, options={"above": 0.55}),
        "middle/m", {"middle": 1}, ("of 3 models 2 are predicted at or above 0.55, this one at 0.60",),
    ),
    "fastest": (
        RouteSettings(strategy="fastest", pool=POOL),
        "large/m", {"large": 1}, ("none of 3 models has been timed yet",),
    ),
    "task": (
        RouteSettings(strategy="task", pool=POOL, options={"slack": 0.1}),
        "middle/m", {"middle": 1}, ("it looks like maths", "the cheapest of 2 models within 0.1 of the best (0.70)"),
    ),
    "balanced": (
        RouteSettings(strategy="balanced", pool=POOL, options={"thrift": 0.0}),
        "large/m", {"large": 1}, ("quality 0.70",),
    ),
    "learned": (
        RouteSettings(strategy="learned", pool=POOL, options={"thrift": 0.5}),
        "small/m", {"small": 1}, ("the best of 3 models at thrift 0.5", "less than large/m"),
    ),
    "bandit": (
        RouteSettings(strategy="bandit", pool=("large/m", "judge/m"), options={"thrift": 0.9}),
        "large/m", {"large": 1}, ("nothing else may be tried", "drawn by lot, with a chance of 1"),
    ),
    "capability": (
        RouteSettings(strategy="capability", pool=POOL),
        "small/m", {"small": 1}, ("the request needs nothing special; the cheapest of 3 models",),
    ),
    "split": (
        RouteSettings(strategy="split", weights={"small/m": 0, "middle/m": 1}),
        "middle/m", {"middle": 1}, ("fell on middle/m, which takes 1 of the traffic", "drawn by lot"),
    ),
    "semantic": (
        RouteSettings(strategy="semantic", steps=POOL, examples={"middle/m": ("How many eggs has she left to sell?",)}),
        "middle/m", {"middle": 1}, ("it is like the examples of middle/m",),
    ),
    "cascade": (
        RouteSettings(strategy="cascade", steps=("small/m", "large/m"), options={"threshold": 0.5}),
        "large/m", {"small": 1, "large": 1}, ("further when an answer is less than 50% likely", "a sum in it is wrong"),
    ),
    "panel": (
        RouteSettings(strategy="panel", steps=POOL, options={"join": "vote"}),
        "middle/m", {"small": 1, "middle": 1, "large": 1}, ("3 at once", "2 of 3 say the same"),
    ),
    "shadow": (
        RouteSettings(strategy="shadow", steps=("small/m", "large/m")),
        "small/m", {"small": 1, "large": 1}, ("small/m answers; large/m gets a copy",),
    ),
    "advisor": (
        RouteSettings(strategy="advisor", steps=("middle/m",), by="large/m", options={"start": True}),
        "middle/m", {"middle": 1, "large": 1}, ("middle/m works", "advised the worker"),
    ),
}  # fmt: skip


def test_none_is_missing():
    assert set(CASES) == set(STRATEGIES)


@pytest.mark.parametrize("name", CASES)
async def test_who_is_asked_who_answers_and_what_is_told(name: str, capsys: pytest.CaptureFixture[str]):
    route, served, asked, words = CASES[name]
    async with house(SAYS, route) as at:
        answer = text(await at.ask(QUESTION))
        await at.kernel.aside.close(5)
        trace = next(one for one in at.journal.ended if not one.of)
        assert at.asked() == asked
        assert (trace.served, trace.outcome) == (served, "ok")
        assert answer == (BAD if served == "small/m" else GOOD)
        assert trace.decision is not None
        assert again(at.kernel.snapshot, trace.decision) == trace.decision
        tell_trace(trace)
    told = capsys.readouterr().out
    assert [one for one in words if one not in told] == [], told


async def test_the_fastest_is_taken_once_all_were_timed(capsys: pytest.CaptureFixture[str]):
    async with house(SAYS, RouteSettings(strategy="fastest", pool=POOL)) as at:
        for model in POOL:
            await at.ask(QUESTION, model=model)
        await at.ask(QUESTION)
        tell_trace(at.trace)
        decision = at.trace.decision
    assert decision is not None
    times = {one.model: one.latency.value for one in decision.candidates if one.latency is not None}
    assert decision.plan.models[0] == min(times, key=times.__getitem__)
    assert "of 3 models" in capsys.readouterr().out
