"""A decision can be made again byte for byte, and a log says what another policy would have done, or that it cannot."""

from __future__ import annotations

import random
from decimal import Decimal

import msgspec
import pytest

from meshwright.kernel.build.snapshot import build
from meshwright.kernel.config.tables import (
    BuiltinSettings,
    Config,
    ModelSettings,
    PriceSettings,
    ProviderSettings,
    RouteSettings,
)
from meshwright.kernel.decide import again, decide
from meshwright.kernel.learning.replaying import replay
from meshwright.kernel.published import Published
from meshwright.kernel.snapshot import Snapshot
from meshwright.net.choose import OneTransport
from meshwright.routing.policy import Signal
from meshwright.routing.what_if import Choice, Row, WhatIf, what_if
from meshwright.types.content import Message, Text, ToolCall, ToolResult
from meshwright.types.decision import Decision, Trace
from meshwright.types.request import Request

SMALL, MIDDLE, LARGE = "p/small", "p/middle", "p/large"
ROUTES = {
    "fixed": RouteSettings(strategy="fixed", pool=(SMALL, LARGE)),
    "cheapest": RouteSettings(strategy="cheapest"),
    "above": RouteSettings(strategy="cheapest_above", options={"above": 0.7}, max_cost=Decimal(1)),
    "fastest": RouteSettings(strategy="fastest", max_seconds=8.0),
    "task": RouteSettings(strategy="task", floor=0.3),
    "balanced": RouteSettings(strategy="balanced", options={"thrift": 0.4, "per_second": 0.01}),
    "learned": RouteSettings(strategy="learned", options={"explore": 0.5}),
    "bandit": RouteSettings(strategy="bandit", options={"thrift": 0.1, "least": 0.1}),
    "capability": RouteSettings(strategy="capability"),
    "split": RouteSettings(strategy="split", weights={SMALL: 3, "route/task": 1}),
    "semantic": RouteSettings(strategy="semantic", steps=(SMALL, LARGE), examples={SMALL: ("Where is my invoice?",)}),
    "cascade": RouteSettings(strategy="cascade", steps=("route/split", LARGE)),
    "panel": RouteSettings(strategy="panel", steps=(SMALL, MIDDLE), by="route/task"),
    "shadow": RouteSettings(strategy="shadow", steps=(SMALL, LARGE), options={"share": 0.5}),
    "advisor": RouteSettings(strategy="advisor", steps=(SMALL,), by=LARGE),
}
SIGNALS = {SMALL: Signal(0.1, 0.7), MIDDLE: Signal(None, None, "resting 15 s"), LARGE: Signal(0.4, 9.123456789)}
QUESTION = Request(
    model="",
    messages=(
        Message("user", (Text("Where is the invoice for my order?"),)),
        Message("assistant", (ToolCall(id="1", name="find", arguments="{}"),)),
        Message("tool", (ToolResult(call_id="1", parts=(Text("none"),), is_error=True),)),
        Message("assistant", (ToolCall(id="2", name="find", arguments="{}"),)),
        Message("tool", (ToolResult(call_id="2", parts=(Text("none"),), is_error=True),)),
    ),
)


def snapshot(**routes: RouteSettings) -> Snapshot:
    config = Config(
        builtin=BuiltinSettings(enabled=False),
        providers={
            "p": ProviderSettings(base_url="http://127.0.0.1:1/v1", auth="none", models=("small", "middle", "large"))
        },
        models={
            name: ModelSettings(price=(PriceSettings(input=Decimal(cost), output=Decimal(cost)),), skills={"*": skill})
            for name, cost, skill in ((SMALL, 1, 0.6), (MIDDLE, 4, 0.8), (LARGE, 20, 0.9))
        },
        routes=routes,
    )
    return build(Published(version=7, config=config, open=True), {}, OneTransport(), None)


@pytest.fixture(scope="module")
def everything() -> Snapshot:
    return snapshot(**ROUTES)


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("signals", [{}, SIGNALS], ids=["fresh", "seen"])
def test_a_decision_from_the_log_is_made_again_byte_for_byte(
    everything: Snapshot, name: str, signals: dict[str, Signal]
):
    decision = decide(everything, signals, QUESTION, f"route/{name}")
    stored = msgspec.json.encode(decision)
    kept = msgspec.json.decode(stored, type=Decision)
    assert msgspec.json.encode(again(everything, kept)) == stored
    assert b"invoice for my order" not in stored


def log(everything: Snapshot, route: str, count: int, good: dict[str, float]) -> list[Trace]:
    """Requests over a route, with the quality that each model really has, drawn, and thrice the predicted cost."""
    chance = random.Random(5)
    traces = []
    for at in range(count):
        question = Request(model=f"route/{route}", messages=(Message("user", (Text(f"Who wrote book {at}?"),)),))
        decision = decide(everything, {}, question)
        served = next(decision.plan.contacts())
        cost = {SMALL: 300, MIDDLE: 1_200, LARGE: 6_000}[served]
        outcome = "ok" if chance.random() < good[served] else "server_error"
        traces.append(
            Trace(id=f"dec_{at}", at=at, principal="x", dialect="openai_chat", outcome=outcome, served=served,
                  decision=decision, cost=cost)
        )  # fmt: skip
    return traces


def judged(traces: list[Trace], **routes: RouteSettings) -> WhatIf:
    scores = {trace.id: float(trace.outcome == "ok") for trace in traces}
    return what_if(replay(traces, snapshot(**routes), scores).rows)


TRIAL = RouteSettings(strategy="split", weights={SMALL: 1, LARGE: 1})


def test_a_log_of_lots_tells_what_either_side_alone_would_have_been():
    traces = log(snapshot(it=TRIAL), "it", 600, {SMALL: 0.3, LARGE: 0.9})
    large = judged(traces, it=RouteSettings(strategy="fixed", pool=(LARGE,)))
    assert large.support > 0.9
    assert large.cost_then is not None
    assert large.quality_then is not None
    assert large.quality_then.supported, large.quality_then.why
    assert large.quality_then.low < 0.9 < large.quality_then.high
    assert large.cost_then.value == pytest.approx(6_000)
    small = judged(traces, it=RouteSettings(strategy="fixed", pool=(SMALL,)))
    assert small.quality_then is not None
    # Its card says 0.6; the log knows better.
    assert small.quality_then.low < 0.3 < small.quality_then.high < 0.5


def test_the_same_policy_gives_what_was_seen():
    traces = log(snapshot(it=TRIAL), "it", 300, {SMALL: 0.3, LARGE: 0.9})
    same = judged(traces, it=TRIAL)
    assert same.same == same.requests == 300
    assert same.quality_now is not None
    assert same.quality_then is not None
    assert same.quality_then.low < same.quality_now.value < same.quality_then.high
    assert same.support == pytest.approx(1, abs=0.1)
    assert same.effective > 250


def test_a_log_without_chance_says_that_it_cannot_tell():
    fixed = RouteSettings(strategy="fixed", pool=(SMALL,))
    traces = log(snapshot(it=fixed), "it", 200, {SMALL: 0.3})
    other = judged(traces, it=RouteSettings(strategy="fixed", pool=(LARGE,)))
    assert (other.same, other.support) == (0, 0)
    assert other.quality_then is not None
    assert not other.quality_then.supported
    assert "for about 0% of the requests only" in other.quality_then.why
    few = judged(traces[:10], it=fixed)
    assert few.quality_then is not None
    assert "30 are the least" in few.quality_then.why


def test_what_cannot_be_replayed_is_left_out_and_counted(everything: Snapshot):
    fixed = RouteSettings(strategy="fixed", pool=(SMALL,))
    traces = log(snapshot(it=fixed), "it", 6, {SMALL: 1.0})
    traces[0] = msgspec.structs.replace(traces[0], of="dec_x")
    traces[1] = msgspec.structs.replace(traces[1], outcome="cancelled")
    traces[2] = msgspec.structs.replace(traces[2], decision=None)
    named = decide(everything, {}, msgspec.structs.replace(QUESTION, model=SMALL))
    traces[3] = msgspec.structs.replace(traces[3], decision=named)
    found = replay(traces, snapshot(it=fixed))
    assert len(found.rows) == 2
    assert sorted(found.left_out.values()) == [1, 1, 1, 1]
    cheapest = replay(traces[4:], snapshot(it=RouteSettings(strategy="cheapest")))
    assert cheapest.left_out == {"the kind of task was not looked at": 2}
    gone = replay(traces[4:], snapshot(other=fixed))
    assert [row.other for row in gone.rows] == [None, None]
    assert what_if(gone.rows).unserved == 2


def test_requests_that_somebody_judged_stand_for_those_that_nobody_did():
    traces = [
        msgspec.structs.replace(trace, outcome="ok")
        for trace in log(snapshot(it=TRIAL), "it", 600, {SMALL: 1.0, LARGE: 1.0})
    ]
    scores = {trace.id: 0.2 if trace.served == SMALL else 0.95 for trace in traces[::3]}
    found = what_if(replay(traces, snapshot(it=RouteSettings(strategy="fixed", pool=(LARGE,))), scores).rows)
    assert found.judged == 200
    assert found.quality_then is not None
    assert found.quality_then.supported, found.quality_then.why
    assert found.quality_then.value == pytest.approx(0.95, abs=0.01)
    assert found.quality_now is not None
    assert found.quality_now.value == pytest.approx(0.575, abs=0.06)


def test_rows_of_which_nothing_is_known_give_no_figure():
    row = Row(chosen=Choice("a"), other=Choice("b"))
    found = what_if([row] * 40)
    assert (found.cost_then, found.quality_then, found.cost_now) == (None, None, None)
    assert what_if([]).requests == 0


def test_who_is_sent_copies_makes_no_difference_to_who_answers():
    shadow = RouteSettings(strategy="shadow", steps=(SMALL, "route/trial"))
    traces = log(snapshot(it=shadow, trial=TRIAL), "it", 20, {SMALL: 0.3})
    alone = judged(traces, it=RouteSettings(strategy="fixed", pool=(SMALL,)))
    assert (alone.same, alone.support) == (20, 1)
