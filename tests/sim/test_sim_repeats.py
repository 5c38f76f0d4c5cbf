"""The same seed makes the same run; another seed another one. Distributions are what they are called."""

from __future__ import annotations

import math
import statistics
from random import Random

import msgspec
import pytest

from meshwright.sim import Fault, Sim, Spread, Upstream, empirical, fixed, lognormal, uniform
from tests.sim.raw import ask


def body(words: str, *, stream: bool = True) -> bytes:
    return msgspec.json.encode({"model": "m", "stream": stream, "messages": [{"role": "user", "content": words}]})


async def run(seed: int) -> list[bytes]:
    upstream = Upstream(
        name="up", seed=seed, faults=(Fault("status_500", probability=0.3), Fault("truncated", probability=0.3))
    )
    async with Sim([upstream]) as sim:
        asked = [body(f"question {number % 7}", stream=number % 2 == 0) for number in range(30)]
        return [(await ask(sim.url("up") + "/chat/completions", one)).data for one in asked]


async def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    first, again, other = await run(1), await run(1), await run(2)
    assert first == again
    assert first != other
    assert len({data[:12] for data in first}) == 2


async def test_what_is_drawn_for_a_request_does_not_depend_on_who_came_before_it():
    upstream = Upstream(name="up", faults=(Fault("status_500", probability=0.5),))
    orders = [list(range(12)), list(reversed(range(12)))]
    found = []
    for order in orders:
        async with Sim([upstream]) as sim:
            statuses = {n: (await ask(sim.url("up") + "/chat/completions", body(f"q{n}"))).status for n in order}
            found.append(sorted(statuses.items()))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("spread", "middle"), [(fixed(2), 2), (uniform(1, 3), 2), (lognormal(2, 0.5), 2), (empirical([2, 2, 2]), 2)]
)
def test_a_spread_has_its_middle_where_it_says(spread: Spread, middle: float):
    random = Random(1)
    draws = [spread.draw(random) for _ in range(2001)]
    assert statistics.median(draws) == pytest.approx(middle, rel=0.1)
    assert min(draws) >= 0


@pytest.mark.parametrize(
    "fields",
    [{"value": -1.0}, {"value": math.inf}, {"kind": "empirical"}, {"kind": "uniform", "low": 2.0, "high": 1.0}],
)
def test_a_spread_that_makes_no_sense_is_refused(fields: dict):
    with pytest.raises(ValueError, match=r"."):
        Spread(**fields)


async def test_a_pace_spreads_the_tokens_over_time_and_loses_none():
    slow = Upstream(name="up", latency=uniform(0.001, 0.002), first_token=0.001, tokens_per_second=lognormal(2000, 0.2))
    async with Sim([slow, Upstream(name="fast")]) as sim:
        asked = body("one two three")
        paced = await ask(sim.url("up") + "/chat/completions", asked)
        fast = await ask(sim.url("fast") + "/chat/completions", asked)
        assert paced.body.count(b"data: ") == fast.body.count(b"data: ")
        assert (await ask(sim.url("up") + "/chat/completions", body("one", stream=False))).complete
