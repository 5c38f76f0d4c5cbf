"""A model of which nobody says how long its answers may be is told a maximum that the caller's limits cover."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from meshwright.kernel.arrival import Arrival, Failure, Reply, Streaming, Whole
from meshwright.kernel.handle import handle
from meshwright.kernel.kernel import Kernel
from meshwright.ledger.purse import Purse
from meshwright.sim import Rule, Say, Sim, Upstream
from meshwright.store.rows import Lent
from meshwright.store.windows import Window
from meshwright.types.calibration import Bound, Calibration
from meshwright.types.decision import Trace
from meshwright.types.errors import BudgetSpent, LengthUnknown, MeshError
from meshwright.types.principal import Allowance, Measure, Principal
from meshwright.types.request import Request
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from tests.kernel.asking import Kept, said, serving

CHAT = CODECS["openai_chat"]
DEAF = Rule(say=Say(tokens=tuple(f"word{number} " for number in range(400))))
"""It says four hundred tokens, whatever it was told."""
LONG = Rule(write=lambda request: Say(text="word " * ((request.max_tokens or 5_000) - 1)))
"""As long an answer as it may give."""


class Account:
    """One account of a database, in memory, that lends little at a time and never more than there is."""

    def __init__(self, amount: int) -> None:
        self.amount, self.held = amount, 0

    async def lend(self, wanted: Window, least: int, most: int) -> Lent:
        left = self.amount - self.held
        granted = min(left, max(least, most)) if least <= left else 0
        self.held += granted
        return Lent(granted, self.amount, 0, self.held)

    async def give_back(self, unused: Mapping[str, int]) -> None:
        self.held -= sum(unused.values())

    async def wants(self, ids: Sequence[str]) -> Mapping[str, int]:
        return {}


class Desk:
    """A kernel before one model of unknown longest answer, with a caller whose limit is `amount`."""

    def __init__(self, kernel: Kernel, sim: Sim, amount: int, measure: Measure) -> None:
        self.kernel, self.sim = kernel, sim
        allowance = Allowance("key:1", measure, "month", amount)
        self.principal = Principal(id="key:1", allowances=(allowance,))
        kernel.purse = Purse(Account(amount), patience=0.05)

    async def ask(self, *, strict: bool = False, **more: Any) -> Reply:
        body = {"model": "a/m", "messages": [{"role": "user", "content": "hi"}], **more}
        request = CHAT.decode_request(json.dumps(body).encode())
        arrival = Arrival(request=request, dialect=CHAT, principal=self.principal, path="/", strict=strict)
        return await handle(self.kernel, arrival)

    @property
    def told(self) -> int | None:
        """The maximum that the provider was told in the latest call."""
        body = json.loads(self.sim.seen("a")[-1].body)
        found: int | None = body.get("max_tokens", body.get("max_completion_tokens"))
        return found

    @property
    def trace(self) -> Trace:
        assert isinstance(self.kernel.journal, Kept)
        return self.kernel.journal.traces[-1]

    @property
    def charged(self) -> int:
        assert isinstance(self.kernel.journal, Kept)
        return sum(sum(trace.charges.values()) for trace in self.kernel.journal.traces)


@asynccontextmanager
async def desk(
    *script: Rule, amount: int = 10**9, measure: Measure = "money", budgets: str = "", model: str = ""
) -> AsyncIterator[Desk]:
    """A token written costs a thousandth of a dollar; reading is free."""
    async with Sim([Upstream(name="a", script=script, tokens_per_second=4_000)]) as sim:
        toml = f'[providers.a]\nbase_url = "{sim.url("a")}"\nauth = "none"\nmodels = ["m"]\n[failure]\nretries = 0\n'
        toml += f'[models."a/m"]\n{model}\nprice = [{{ input = 0, output = 1000 }}]\n[budgets]\n{budgets}\n'
        async with serving(toml, {}) as (kernel, _):
            yield Desk(kernel, sim, amount, measure)


def refused(reply: Reply) -> MeshError:
    assert isinstance(reply, Failure)
    return reply.error


async def test_the_maximum_is_what_is_left_of_the_budget_and_is_said():
    async with desk(LONG) as at:
        reply = await at.ask()
        assert isinstance(reply, Whole)
        assert at.told is not None
        assert 900 < at.told < 1000
        (adaptation,) = reply.receipt.adaptations
        assert (adaptation.field, adaptation.action) == ("max_tokens", "changed")
        assert "left of the caller's limits covers" in adaptation.reason
        assert at.charged == at.trace.cost == at.told * 1_000_000


async def test_where_there_is_plenty_the_maximum_is_that_of_the_settings():
    async with desk(amount=10**12, budgets="output_tokens = 500") as at:
        assert isinstance(await at.ask(), Whole)
        assert at.told == 500
        assert "nobody says how long" in at.trace.attempts[0].adaptations[0].reason
        await at.ask(max_tokens=7)
        assert at.told == 7


async def test_a_limit_of_tokens_is_as_good():
    async with desk(LONG, amount=2_000, measure="tokens") as at:
        assert isinstance(await at.ask(), Whole)
        assert at.told is not None
        assert 1_500 < at.told < 2_000
        assert at.charged <= 2_000


async def test_what_could_only_begin_an_answer_is_refused():
    async with desk(LONG, amount=10_000_000) as at:
        error = refused(await at.ask())
        assert isinstance(error, BudgetSpent)
        assert at.sim.seen("a") == []


async def test_request_after_request_never_takes_a_budget_over_its_end_and_leaves_little_of_it():
    async with desk(LONG, amount=5 * 10**9, budgets="output_tokens = 700") as at:
        while not isinstance(reply := await at.ask(), Failure):
            pass
        assert isinstance(reply.error, BudgetSpent)
        assert 4.5 * 10**9 < at.charged <= 5 * 10**9


@pytest.mark.parametrize(
    ("strict", "budgets"), [(True, ""), (False, 'unknown_longest = "refuse"')], ids=["strict", "policy"]
)
async def test_who_wants_nothing_changed_is_refused_and_told_what_to_send(strict: bool, budgets: str):
    async with desk(budgets=budgets) as at:
        error = refused(await at.ask(strict=strict))
        assert isinstance(error, LengthUnknown)
        assert (error.status, error.code) == (400, "max_tokens_required")
        assert "Send max_tokens" in str(error)
        assert at.sim.seen("a") == []
        assert isinstance(await at.ask(strict=strict, max_tokens=20), Whole)


async def test_a_longest_answer_that_is_known_is_lowered_where_it_is_not_covered_any_more():
    async with desk(LONG, model="max_output = 4000") as at:
        assert isinstance(await at.ask(), Whole)
        assert at.told is not None
        assert 900 < at.told < 1000
        assert at.charged <= 10**9
    async with desk(model="max_output = 800") as at:
        assert isinstance(await at.ask(), Whole)
        assert at.told is None  # nothing is changed where nothing has to be


async def test_a_stream_that_goes_on_past_its_maximum_is_cut_with_an_error_that_says_why():
    async with desk(DEAF, budgets="output_tokens = 100") as at:
        reply = await at.ask(stream=True)
        assert isinstance(reply, Streaming)
        heard = await said(reply)
        assert '"error"' in heard
        assert "past the 100 tokens" in heard
        assert "[DONE]" not in heard
        assert '"finish_reason":"stop"' not in heard
        assert at.trace.outcome == "insufficient_quota"
        assert at.charged == 100 * 1_000_000


def learned(at: Desk) -> None:
    """Answers of this model hardly ever have more than 60 tokens."""
    known = Calibration(nominal=0.9, tokens={"a/m *": Bound(0.5, 1.0, 60)})
    at.kernel.snapshot = msgspec.structs.replace(at.kernel.snapshot, calibration=known)


@pytest.mark.parametrize("model", ["max_output = 5000", ""], ids=["known", "unknown"])
async def test_a_stream_that_was_likely_shorter_asks_for_more_money_as_it_passes(model: str):
    async with desk(DEAF, model=model, amount=10**9, budgets='reserve = "likely"') as at:
        learned(at)
        reply = await at.ask(stream=True)
        heard = await said(reply)
        assert "word399" in heard
        assert "[DONE]" in heard
        assert at.charged == at.trace.cost == 401 * 1_000_000


async def test_and_is_cut_when_there_is_no_more():
    async with desk(DEAF, model="max_output = 5000", amount=300_000_000, budgets='reserve = "likely"') as at:
        learned(at)
        heard = await said(await at.ask(stream=True))
        assert "is cut here" in heard
        assert "[DONE]" not in heard
        assert at.charged <= 300_000_000


@pytest.mark.parametrize("name", sorted(CODECS))
def test_every_dialect_carries_a_maximum(name: str):
    codec: Any = CODECS[name]
    encode: Callable[..., Any] | None = getattr(codec, "encode_request", None)
    request = CHAT.decode_request(b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}')
    if encode is None:
        return
    asked: Request = msgspec.structs.replace(request, max_tokens=7_654, source=None)
    encoded = encode(asked, Target("m", "a/m"))
    assert b"7654" in encoded.body
    assert not [one for one in encoded.adaptations if one.field == "max_tokens"]
