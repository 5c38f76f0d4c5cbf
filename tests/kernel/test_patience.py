"""How long is waited for an answer: by what is asked for, and of whom."""

from __future__ import annotations

from typing import Any

import pytest

from meshwright.kernel.arrival import Streaming
from meshwright.net.transport import Deadlines
from meshwright.sim import Rule, Say, Sim, Upstream
from tests.kernel.asking import ask, said, serving

TWO = """
[providers.a]
base_url = "http://127.0.0.1:1/v1"
auth = "none"
models = ["m", "thinker"]
[models."a/thinker"]
abilities = { reasoning = true }
"""


async def deadlines(settings: str = "") -> dict[str, tuple[Deadlines, Deadlines]]:
    """Those of a stream and of a whole answer, by model."""
    async with serving(TWO.replace('auth = "none"', f'auth = "none"\n{settings}'), {}) as (kernel, _):
        found = kernel.snapshot.deployments
        return {name: (one.within(stream=True), one.within(stream=False)) for name, one in found.items()}


async def test_a_whole_answer_may_take_as_long_as_official_clients_wait_for_it():
    for _, whole in (await deadlines()).values():
        assert whole == Deadlines(connect=10, first_byte=600, between_bytes=300, total=900)


async def test_a_stream_of_a_model_that_may_think_first_may_be_silent_for_longer():
    found = await deadlines()
    assert found["a/m"][0] == Deadlines(connect=10, first_byte=120, between_bytes=60, total=900)
    assert found["a/thinker"][0] == Deadlines(connect=10, first_byte=300, between_bytes=300, total=900)


async def test_deadlines_that_were_set_hold_for_all_of_a_providers_answers():
    for stream, whole in (await deadlines("first_byte_seconds = 7\nbetween_bytes_seconds = 5")).values():
        assert stream == whole == Deadlines(connect=10, first_byte=7, between_bytes=5, total=900)


@pytest.mark.parametrize(
    ("thinks", "asked", "served"),
    [
        ("true", {}, "a/m"),
        ("true", {"reasoning_effort": "high"}, "a/m"),
        ("true", {"reasoning_effort": "none"}, "b/m"),
        ("false", {}, "b/m"),
    ],
)
async def test_who_may_think_unseen_is_not_given_up_for_saying_nothing(
    thinks: str, asked: dict[str, Any], served: str
) -> None:
    slow = Upstream(name="a", script=(Rule(say=Say(text="thought about")),), first_token=1.0)
    async with Sim([slow, Upstream(name="b", script=(Rule(say=Say(text="at once")),))]) as sim:
        toml = "".join(
            f'[providers.{name}]\nbase_url = "{sim.url(name)}"\nauth = "none"\nmodels = ["m"]\n' for name in "ab"
        )
        toml += f'[models."a/m"]\nabilities = {{ reasoning = {thinks} }}\n'
        toml += '[routes.it]\nstrategy = "fixed"\npool = ["a/m", "b/m"]\nfirst_token_seconds = 0.2\n'
        async with serving(toml, {}) as (kernel, _):
            reply = await ask(kernel, "route/it", stream=True, **asked)
            assert isinstance(reply, Streaming)
            assert reply.receipt.model == served
            assert "[DONE]" in await said(reply)
