"""Traces of the size and shape that a gateway writes, for the tests of what keeps them."""

from __future__ import annotations

from meshwright.types.decision import Attempt, Candidate, Decision, Features, Interval, Plan, Trace
from meshwright.types.usage import Usage

USAGE = Usage(input=900, cache_read=100, output=150, reasoning=50)
DECISION = Decision(
    asked="auto",
    route="auto",
    strategy="task",
    plan=Plan(("one/a", "two/b")),
    because="the cheapest model above the floor",
    features=Features(task="code", sure=0.7, tasks={"code": 0.7, "chat": 0.3}, input_tokens=1000, needs=("tools",)),
    candidates=(Candidate(model="one/a", quality=Interval(0.8, 0.7, 0.9), why="prior"), Candidate(model="two/b")),
    rejected={"three/c": "window is 512 tokens"},
)


def trace(id: str, *, at: float = 1_760_000_000.0, principal: str = "master", cost: int | None = 1_234_567) -> Trace:
    """An answer from "one/a", after "two/b" failed without a charge."""
    return Trace(
        id=id,
        at=at,
        principal=principal,
        dialect="openai_chat",
        path="/v1/chat/completions",
        outcome="ok",
        status=200,
        served="one/a",
        decision=DECISION,
        attempts=(
            Attempt(model="two/b", began=0.001, outcome="upstream_timeout", error="no first byte", cost=0),
            Attempt(
                model="one/a", began=0.1, outcome="ok", status=200, first_byte=0.3, ended=1.2, usage=USAGE, cost=cost
            ),
        ),
        stages={"route": 0.0002, "call": 1.2},
        seconds=1.2,
        first_byte=0.3,
        usage=USAGE,
        cost=cost,
    )
