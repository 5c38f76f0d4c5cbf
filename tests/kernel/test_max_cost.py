"""`max_cost` is a promise: whatever happens, a request costs no more, and what cannot be kept is refused before."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.kernel.arrival import Failure, Reply, Whole
from meshwright.kernel.config.tables import RouteSettings
from meshwright.kernel.set_aside import affordable, dearest
from meshwright.server.adapting import bounded
from meshwright.sim import Rule, Say
from meshwright.types.errors import InvalidRequest, NoCandidate
from meshwright.types.model import Model, Price
from meshwright.types.money import nano
from meshwright.types.request import Request
from meshwright.wire import CODECS
from tests.kernel.house import BAD, GOOD, MODELS, QUESTION, House, house

CHAT = CODECS["openai_chat"]
FIXED = RouteSettings(strategy="fixed", pool=("judge/m", "small/m"))
PANEL = RouteSettings(strategy="panel", steps=("small/m", "middle/m", "large/m"), by="judge/m")
CASCADE = RouteSettings(strategy="cascade", steps=("small/m", "large/m"))
LONG = Rule(write=lambda request: Say(text="word " * max(1, (request.max_tokens or 5_000) - 5)))
"""As long an answer as it may give: an honest provider, and one that likes to talk."""
CAPS = ("0.0000001", "0.0004", "0.0008", "0.0016", "0.004", "0.02", "1")


def request(dollars: str, **more: object) -> Request:
    body = {"model": "route/it", "messages": [{"role": "user", "content": QUESTION}], **more}
    return bounded(CHAT.decode_request(json.dumps(body).encode()), dollars)


async def ask(at: House, dollars: str, **more: object) -> Reply:
    return await at.handle(request(dollars, **more), CHAT)


def limits(at: House) -> list[int]:
    """The limit on tokens in each call."""
    bodies = [json.loads(seen.body) for name in MODELS for seen in at.sim.seen(name)]
    return [body.get("max_completion_tokens") or body["max_tokens"] for body in bodies]


async def test_an_answer_that_could_cost_more_is_asked_for_with_a_lower_limit_and_says_so():
    async with house({}, RouteSettings(strategy="fixed", pool=("small/m",))) as at:
        reply = await ask(at, "0.001")
        assert isinstance(reply, Whole)
        (limit,) = limits(at)
        assert 300 < limit < 1000
        (adaptation,) = at.trace.attempts[0].adaptations
        assert (adaptation.field, adaptation.action) == ("max_tokens", "changed")
        assert adaptation in reply.receipt.adaptations
        await ask(at, "0.001", max_tokens=7)
        assert limits(at)[1] == 7


async def test_a_model_that_could_only_begin_to_answer_is_passed_over_for_a_cheaper_one():
    async with house({}, FIXED) as at:
        assert isinstance(await ask(at, "0.0008"), Whole)
        assert at.asked() == {"small": 1}


async def test_a_promise_that_nobody_can_keep_is_refused_before_anybody_is_asked():
    async with house({}, FIXED) as at:
        reply = await ask(at, "0.0000001")
        assert isinstance(reply, Failure)
        assert isinstance(reply.error, NoCandidate)
        assert "max_cost is 0.0000001 USD" in reply.error.message
        assert "Raise max_cost" in str(reply.error)
        assert at.asked() == {}


@pytest.mark.parametrize("dollars", CAPS)
@pytest.mark.parametrize(
    ("route", "says"),
    [
        (FIXED, {"judge": [LONG], "small": [LONG]}),
        (PANEL, {"small": Say(text=GOOD), "middle": Say(text=BAD), "large": Say(text=GOOD)}),
        (CASCADE, {"small": Say(text=BAD), "large": Say(text=GOOD)}),
    ],
    ids=["chain", "panel", "cascade"],
)
async def test_all_calls_of_a_request_together_stay_below(route: RouteSettings, says: dict, dollars: str):
    async with house(says, route) as at:
        await ask(at, dollars)
        assert (at.trace.cost or 0) <= nano(dollars)
        if route is not PANEL:
            return  # one after the other: what the first has really cost is known when the second is asked
        read = len(QUESTION) // 8
        prices = {name: place + 1 for place, name in enumerate(MODELS)}
        # What an honest provider can charge: as much as it was allowed to write, at its price.
        worst = 0
        for name in MODELS:
            for seen in at.sim.seen(name):
                body = json.loads(seen.body)
                limit = body.get("max_completion_tokens") or body["max_tokens"]
                worst += (read + limit) * prices[name] * 1000
        assert worst <= nano(dollars)


@given(
    st.integers(0, 10**6), st.integers(0, 10**12), st.integers(1, 10**12), st.integers(0, 10**9), st.integers(0, 10**10)
)
def test_what_is_affordable_is_affordable(read: int, input: int, output: int, fee: int, left: int):
    model = Model(
        name="a/b",
        provider="a",
        upstream="b",
        prices=(Price(input=input, output=output, request=fee), Price(input=input * 2, output=output * 3, above=1000)),
    )
    free, price = dearest(model, read, 0), dearest(model, read, 1_000_000)
    assert free is not None
    assert price is not None
    tokens = affordable(left - free, price - free)
    worst = dearest(model, read, tokens)
    assert worst is not None
    assert tokens == 0 or worst <= left


def test_the_members_name_is_for_this_gateway_alone():
    body = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_cost": 0.05, "other": 1}'
    found = bounded(CHAT.decode_request(body), None)
    assert found.max_cost == 50_000_000
    assert [one.kind for one in found.extra] == ["other"]
    assert found.source is None
    assert bounded(CHAT.decode_request(body), "0.07").max_cost == 70_000_000


@pytest.mark.parametrize("said", ["0", "-1", "cheap", "nan", "1e99", "Infinity"])
def test_what_is_no_amount_is_refused(said: str):
    with pytest.raises(InvalidRequest, match=r"max_cost is an amount of dollars.*Write 0\.05"):
        request(said)
