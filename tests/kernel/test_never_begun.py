"""A call that was never begun: no attempt of unknown cost is on the trace, and nothing stays set aside or promised."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence

import pytest

from meshwright.kernel.arrival import Arrival, Failure
from meshwright.kernel.handle import handle
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.max_cost import afford
from meshwright.kernel.record import OpenAttempt, Recording
from meshwright.kernel.work import Work
from meshwright.ledger.purse import Purse
from meshwright.sim import Sim, Upstream
from meshwright.store.rows import Lent
from meshwright.store.windows import Window
from meshwright.types.decision import Trace
from meshwright.types.errors import LimitReached, PriceUnknown
from meshwright.types.principal import Allowance, Principal
from meshwright.wire import CODECS
from tests.kernel.asking import Kept, said, serving

CHAT = CODECS["openai_chat"]
TOML = '[providers.a]\nbase_url = "http://127.0.0.1:1/v1"\nauth = "none"\nmodels = ["m"]\n'
PRICED = TOML + '[models."a/m"]\nmax_output = 60\nprice = [{ input = 1, output = 1 }]\n'
SPENDER = Principal(id="key:1", allowances=(Allowance("key:1", "money", "month", 10**9),))


class Bank:
    """Lends all there is, or nothing, or lets everybody wait."""

    def __init__(self, granted: int = 10**9) -> None:
        self.granted = granted
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()

    async def lend(self, wanted: Window, least: int, most: int) -> Lent:
        self.asked.set()
        await self.open.wait()
        return Lent(self.granted, 10**9, 10**9 - self.granted, self.granted)

    async def give_back(self, unused: Mapping[str, int]) -> None:
        """It is welcome."""

    async def wants(self, ids: Sequence[str]) -> Mapping[str, int]:
        return {}


def arrival(**more: object) -> Arrival:
    asked = {"model": "a/m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, **more}
    body = json.dumps(asked).encode()
    return Arrival(request=CHAT.decode_request(body), dialect=CHAT, principal=SPENDER, path="/")


def only(kernel: Kernel) -> Trace:
    assert isinstance(kernel.journal, Kept)
    (trace,) = kernel.journal.traces
    return trace


def nothing_is_left(kernel: Kernel, trace: Trace) -> None:
    assert kernel.purse is not None
    assert trace.attempts == ()
    assert trace.cost is None
    assert not any(trace.charges.values())
    assert [part.reserved for part in kernel.purse.parts(SPENDER.allowances)] == [0]
    assert kernel.signals.standing("a/m").concurrency.running == 0


async def test_who_leaves_while_money_is_being_set_aside_has_asked_nobody():
    async with serving(PRICED, {}) as (kernel, _):
        bank = Bank()
        kernel.purse = Purse(bank)
        bank.open.clear()
        task = asyncio.ensure_future(handle(kernel, arrival()))
        await bank.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        bank.open.set()
        trace = only(kernel)
        assert trace.outcome == "cancelled"
        nothing_is_left(kernel, trace)


async def test_a_model_of_unknown_price_was_not_asked_and_costs_nothing_unknown():
    async with serving(TOML, {}) as (kernel, _):
        kernel.purse = Purse(Bank())
        reply = await handle(kernel, arrival())
        assert isinstance(reply, Failure)
        assert isinstance(reply.error, PriceUnknown)
        nothing_is_left(kernel, only(kernel))


async def test_what_was_promised_for_a_call_without_money_is_promised_no_more():
    async with serving(PRICED, {}) as (kernel, _):
        kernel.purse = Purse(Bank(granted=0))
        recording = Recording(SPENDER.id, CHAT.name, "/")
        recording.cap = 10**9
        recording.tab = await kernel.purse.enter(SPENDER.allowances)
        work = Work(kernel=kernel, snapshot=kernel.snapshot, arrival=arrival(), recording=recording)
        model = kernel.snapshot.deployments["a/m"].model
        with pytest.raises(LimitReached):
            await afford(work, model, OpenAttempt(recording, model))
        assert recording.promised == 0


async def test_a_stream_that_broke_is_not_gone_on_with_by_who_costs_nobody_knows_what():
    upstreams = [Upstream(name="a", faults=("cut_mid",)), Upstream(name="b")]
    async with Sim(upstreams) as sim:
        toml = "".join(
            f'[providers.{name}]\nbase_url = "{sim.url(name)}"\nauth = "none"\nmodels = ["m"]\n' for name in "ab"
        )
        toml += '[models."a/m"]\nmax_output = 60\nprice = [{ input = 1, output = 1 }]\n[failure]\nretries = 0\n'
        toml += '[routes.it]\nstrategy = "fixed"\npool = ["a/m", "b/m"]\non_break = "continue"\n'
        async with serving(toml, {}) as (kernel, _):
            kernel.purse = Purse(Bank())
            reply = await handle(kernel, arrival(model="route/it", stream=True))
            assert '"error"' in await said(reply)
            assert sim.seen("b") == []
            assert {one.model for one in only(kernel).attempts} == {"a/m"}
            assert "What b/m costs is not known" in str(only(kernel).notes)
