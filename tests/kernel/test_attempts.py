"""Several tries at one request: replicas that share the load, places waited for, hedges, and streams gone on with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from meshwright.kernel.arrival import Failure, Streaming, Whole
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.plans.rescue import AGAIN
from meshwright.sim import Calling, Fault, Rule, Say, Sim, Upstream
from meshwright.types.decision import Trace
from meshwright.types.errors import Overloaded, UpstreamError
from meshwright.types.request import Request
from meshwright.wire import CODECS
from meshwright.wire.fold import fold
from tests.kernel.asking import Kept, ask, said, serving

WORDS = " ".join(f"word{number}" for number in range(20))
SPOKEN = ("openai_chat", "anthropic_messages", "openai_responses")


@asynccontextmanager
async def house(
    upstreams: Sequence[Upstream], route: str, provider: str = "", failure: str = ""
) -> AsyncIterator[tuple[Kernel, Sim]]:
    """A kernel before these, each a provider with the model "m", and "route/it" over them in order."""
    async with Sim(upstreams) as sim:
        toml = f"[failure]\n{failure}\n"
        for one in upstreams:
            toml += f'[providers.{one.name}]\nbase_url = "{sim.url(one.name)}"\ndialect = "{one.dialect}"\n'
            toml += f'auth = "none"\nmodels = ["m"]\n{provider.replace("URL", sim.url(upstreams[-1].name))}\n'
        pool = ", ".join(f'"{one.name}/m"' for one in upstreams)
        toml += f'[routes.it]\nstrategy = "fixed"\npool = [{pool}]\n{route}\n'
        async with serving(toml, {}) as (kernel, _):
            yield kernel, sim
            await kernel.aside.close(10)


def last(kernel: Kernel) -> Trace:
    """The trace of the last request."""
    assert isinstance(kernel.journal, Kept)
    return kernel.journal.traces[-1]


def going_on(request: Request) -> Say:
    """The words, or the rest of them."""
    end = request.messages[-1]
    begun = end.text if end.role == "assistant" else ""
    rest = WORDS.removeprefix(begun)
    return Say(text=rest)


async def test_replicas_share_the_load_and_one_that_fails_is_left_alone():
    upstreams = [Upstream(name="one", script=(Rule(say=Say(text="hi")),)), Upstream(name="two", faults=("status_500",))]
    provider = '[[providers.one.also]]\nbase_url = "URL"\n'
    async with Sim(upstreams) as sim:
        toml = f'[failure]\nopen_seconds = 60\n[providers.one]\nbase_url = "{sim.url("one")}"\nauth = "none"\n'
        toml += 'models = ["m"]\n' + provider.replace("URL", sim.url("two"))
        async with serving(toml, {}) as (kernel, _):
            for _ in range(4):
                replies = await asyncio.gather(*(ask(kernel, "one/m") for _ in range(10)))
                assert all(isinstance(reply, Whole) for reply in replies), "each was tried again at the other"
            assert 5 <= len(sim.seen("two")) <= 20, "until it rests, it is asked"
            assert "resting" in kernel.signals.standing("one/m#2").shut(kernel.signals.now())
            assert [name for name, signal in kernel.signals.read().items() if signal.resting] == []


async def test_equal_models_share_the_load_where_the_route_says_so():
    upstreams = [Upstream(name="a", latency=0.1), Upstream(name="b", latency=0.1)]
    async with house(upstreams, "balance = true") as (kernel, sim):
        replies = await asyncio.gather(*(ask(kernel, "route/it") for _ in range(40)))
        assert all(isinstance(reply, Whole) for reply in replies)
        assert min(len(sim.seen("a")), len(sim.seen("b"))) >= 10


async def test_who_finds_no_place_waits_for_one_or_is_told_so():
    slow = Upstream(name="a", latency=0.2)
    async with house([slow], "", "concurrency = 1", "queue_seconds = 10") as (kernel, sim):
        replies = await asyncio.gather(*(ask(kernel, "a/m") for _ in range(3)))
        assert all(isinstance(reply, Whole) for reply in replies)
        times = [seen.at for seen in sim.seen("a")]
        assert times[1] - times[0] >= 0.2
        assert times[2] - times[1] >= 0.2
        assert any(note.kind == "waited" for note in last(kernel).notes)
    async with house([slow], "", "concurrency = 1", "queue_seconds = 0.05") as (kernel, _):
        replies = await asyncio.gather(*(ask(kernel, "a/m") for _ in range(3)))
        refused = [reply.error for reply in replies if isinstance(reply, Failure)]
        assert len(refused) == 2
        assert all(isinstance(error, Overloaded) for error in refused)
        assert kernel.signals.standing("a/m").concurrency.running == 0


async def test_a_second_model_is_asked_beside_one_that_is_late_and_the_loser_is_cancelled():
    upstreams = [
        Upstream(name="a", faults=("stall_before_head",)),
        Upstream(name="b", script=(Rule(say=Say(text="b")),)),
    ]
    async with house(upstreams, "hedge = true") as (kernel, sim):
        for seconds in (*[0.01] * 18, *[0.1] * 3):
            kernel.signals.standing("a/m").tail(False).add(seconds)
        reply = await ask(kernel, "route/it")
        assert isinstance(reply, Whole)
        assert reply.receipt.model == "b/m"
        assert (await sim.seen("a")[0].over()).cancelled
        attempts = {attempt.model: attempt for attempt in last(kernel).attempts}
        assert (attempts["a/m"].outcome, attempts["b/m"].outcome) == ("cancelled", "ok")
        assert attempts["b/m"].role == "hedge"
        assert attempts["a/m"].unpriced, "what the loser costs is not known, and not nothing"
        assert kernel.signals.turns.budget.extra == 0


async def test_an_answer_whose_client_left_is_cancelled_or_read_to_its_end_as_its_provider_is():
    slow = Upstream(name="a", tokens_per_second=100, script=(Rule(say=Say(text=WORDS)),))
    for policy, outcome in (("cancel", True), ("finish", False)):
        async with house([slow], "", f'on_leave = "{policy}"') as (kernel, sim):
            reply = await ask(kernel, "a/m", stream=True)
            assert isinstance(reply, Streaming)
            await reply.flow.next()
            reply.flow.abort()
            assert (await sim.seen("a")[0].over()).cancelled is outcome
            await kernel.aside.close(10)
            trace = last(kernel)
            assert trace.outcome == "cancelled"
            assert (trace.usage is not None) is (policy == "finish")


@pytest.mark.parametrize("client", SPOKEN)
@pytest.mark.parametrize("first", SPOKEN)
@pytest.mark.parametrize("second", SPOKEN)
@pytest.mark.parametrize("prefill", [True, False])
async def test_a_stream_is_gone_on_with_across_dialects(client: str, first: str, second: str, prefill: bool):
    upstreams = [
        Upstream(name="a", dialect=first, faults=(Fault("cut_mid", after=9),), script=(Rule(say=Say(text=WORDS)),)),
        Upstream(name="b", dialect=second, script=(Rule(write=going_on),)),
    ]
    quirks = 'quirks = ["prefill"]' if prefill else ""
    async with house(upstreams, 'on_break = "continue"\nretries = 0', quirks) as (kernel, _):
        more = {"input": "hi"} if client == "openai_responses" else {}
        told = (await said(await ask(kernel, "route/it", client, stream=True, **more))).encode()
        codec = CODECS[client]
        decoder = codec.stream_decoder(kernel.snapshot.deployments["a/m"].target)
        answer = fold(decoder.feed(told))
        assert decoder.ended
        assert answer.text == WORDS
        assert [choice.finish for choice in answer.choices] == ["stop"]
        assert b": x-mesh-continued: b/m after" in told
        trace = last(kernel)
        assert [attempt.outcome for attempt in trace.attempts] == ["upstream_stream_cut", "ok"]
        assert (trace.outcome, trace.served) == ("ok", "b/m")


async def test_a_restart_says_so_where_everybody_sees_it():
    upstreams = [
        Upstream(name="a", faults=(Fault("cut_mid", after=9),), script=(Rule(say=Say(text=WORDS)),)),
        Upstream(name="b", script=(Rule(say=Say(text="something else")),)),
    ]
    async with house(upstreams, 'on_break = "restart"') as (kernel, _):
        told = await said(await ask(kernel, "route/it", stream=True))
        answer = fold(
            CODECS["openai_chat"].stream_decoder(kernel.snapshot.deployments["a/m"].target).feed(told.encode())
        )
        before, _, after = answer.text.partition(AGAIN)
        assert WORDS.startswith(before)
        assert before
        assert after == "something else"


async def test_an_answer_that_goes_another_way_is_an_error_and_no_clean_end():
    upstreams = [
        Upstream(name="a", faults=(Fault("cut_mid", after=9),), script=(Rule(say=Say(text=WORDS)),)),
        Upstream(name="b", script=(Rule(say=Say(text=WORDS.replace("word7", "WORD7"))),)),
    ]
    async with house(upstreams, 'on_break = "continue"\nretries = 0') as (kernel, _):
        told = await said(await ask(kernel, "route/it", stream=True))
        assert '"error"' in told
        assert "[DONE]" not in told
        assert last(kernel).outcome != "ok"


async def test_a_half_streamed_tool_call_is_never_gone_on_with():
    call = Say(calls=(Calling("look", '{"where": "in the cellar and in the attic"}'),))
    upstreams = [
        Upstream(name="a", faults=("cut_mid",), script=(Rule(say=call),)),
        Upstream(name="b", script=(Rule(say=call),)),
    ]
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    for policy in ("continue", "restart"):
        async with house(upstreams, f'on_break = "{policy}"') as (kernel, sim):
            told = await said(await ask(kernel, "route/it", stream=True, tools=tools))
            assert '"error"' in told
            assert sim.seen("b") == []
            assert [note.told for note in last(kernel).notes if note.kind == "not_resumed"] == [
                "it had begun to call a tool"
            ]


async def test_a_request_is_over_when_its_own_time_is():
    upstreams = [Upstream(name="a", faults=("stall_before_head",)), Upstream(name="b", faults=("stall_before_head",))]
    async with house(upstreams, "request_seconds = 0.3") as (kernel, _):
        reply = await ask(kernel, "route/it")
        assert isinstance(reply, Failure)
        assert isinstance(reply.error, UpstreamError)
        assert reply.error.status == 504
