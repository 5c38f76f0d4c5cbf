"""Waiting for a place: whoever gets one uses it or gives it back, and who leaves disturbs nobody."""

from __future__ import annotations

import asyncio

import pytest

from meshwright.kernel.arrival import Failure
from meshwright.kernel.doors import Doors, Turns
from meshwright.resilience.standing import Settings, Standing
from meshwright.types.errors import Overloaded, UpstreamTimeout
from meshwright.types.principal import LOCAL, Principal
from tests.kernel.asking import ask, serving

TOML = '[providers.a]\nbase_url = "http://127.0.0.1:1/v1"\nauth = "none"\nmodels = ["m"]\nconcurrency = 1\n'


async def waiting(doors: Doors, key: str, many: int) -> None:
    for _ in range(1000):
        if doors.waiting(key) >= many:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"nobody waits for {key}")


async def test_a_place_that_comes_when_the_requests_own_time_is_over_is_given_back():
    async with serving(f"[failure]\nrequest_seconds = 20\nqueue_seconds = 30\n{TOML}", {}) as (kernel, _):
        kernel.signals.adopt(kernel.snapshot.health)
        clock = [100.0]
        kernel.signals.now = lambda: clock[0]
        place = kernel.signals.begin(kernel.snapshot.deployments["a/m"])
        asking = asyncio.ensure_future(ask(kernel, "a/m"))
        await waiting(kernel.signals.doors, "a/m", 1)
        clock[0] += 19.99
        place.let_go()
        reply = await asking
        assert isinstance(reply, Failure)
        assert isinstance(reply.error, UpstreamTimeout)
        assert kernel.signals.standing("a/m").concurrency.running == 0


async def test_who_is_turned_away_and_leaves_at_the_same_moment_disturbs_nobody():
    doors, standing = Doors(1), Standing(Settings())
    standing.concurrency.fix(0)

    async def enter(priority: int) -> bool:
        principal = Principal(id="p", priority=priority)
        return await doors.enter("k", standing, principal, 1.0, 0.0, 30.0)

    low = asyncio.ensure_future(enter(0))
    await waiting(doors, "k", 1)
    high = asyncio.ensure_future(enter(1))
    low.cancel()
    with pytest.raises(asyncio.CancelledError):
        await low
    await waiting(doors, "k", 1)
    standing.concurrency.fix(1)
    doors.next("k", standing, 1.0)
    assert await high


async def test_who_is_turned_away_is_told_so():
    doors, standing = Doors(1), Standing(Settings())
    first = asyncio.ensure_future(doors.enter("k", standing, LOCAL, 1.0, 0.0, 30.0))
    await waiting(doors, "k", 1)
    with pytest.raises(Overloaded):
        await doors.enter("k", standing, LOCAL, 1.0, 0.0, 30.0)
    doors.next("k", standing, 1.0)
    assert await first


async def test_a_turn_ends_after_a_moment_though_the_attempt_goes_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("meshwright.kernel.doors.TURN_SECONDS", 0.02)
    turns = Turns(0.2, 1)
    held = [await turns.take(30.0) for _ in range(4)]
    for turn in held:
        assert turn is not None
        assert turns.budget.extra <= 1
        turn.over()
        turn.over()
    assert turns.budget.extra == 0
    assert turns.take_at_once() is not None
    assert turns.take_at_once() is None
