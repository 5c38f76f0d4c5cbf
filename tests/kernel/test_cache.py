"""Answers that are given again: to whom, for how long, and which never are."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from meshwright.kernel.arrival import Arrival, Failure, Streaming, Whole
from meshwright.kernel.config.tables import CacheSettings, GuardSettings, RouteSettings
from meshwright.kernel.handle import handle
from meshwright.kernel.kept.answers import Entry, Kept
from meshwright.sim import Fault, Rule, Say
from meshwright.sim.upstream import Calling
from meshwright.types.errors import UpstreamError
from meshwright.types.principal import LOCAL, Principal
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold
from tests.kernel.house import House, house

TOOL = {"type": "function", "function": {"name": "send", "parameters": {"type": "object"}}}
BOB = Principal(id="bob", team="blue")
EVE = Principal(id="eve", team="blue")


def route(**settings: Any) -> RouteSettings:
    return RouteSettings(strategy="fixed", pool=("small/m",), cache=CacheSettings(on=True, **settings))


async def ask(at: House, text: str = "hi", dialect: str = "openai_chat", **more: Any) -> Whole | Streaming:
    """One question, as whoever and with whatever header `who` and `cache` say. Raises what went wrong."""
    codec = CODECS[dialect]
    who, cache = more.pop("who", LOCAL), more.pop("cache", "")
    body = {"model": "route/it", "messages": [{"role": "user", "content": text}], **more}
    if dialect == "anthropic_messages":
        body["max_tokens"] = 500
    request = codec.decode_request(json.dumps(body).encode())
    arrival = Arrival(request=request, dialect=codec, principal=who, path="/", cache=cache)
    reply = await handle(at.kernel, arrival)
    if isinstance(reply, Failure):
        raise reply.error
    return reply


async def read(reply: Whole | Streaming, dialect: str = "openai_chat") -> str:
    """The words of an answer, as its client reads them."""
    if isinstance(reply, Streaming):
        told = b""
        while piece := await reply.flow.next():
            told += piece
    else:
        told = reply.body
        if told[:1] == b"{":
            return CODECS[dialect].decode_response(told, Target("m", "m")).text
    decoder = CODECS[dialect].stream_decoder(Target("m", "m"))
    deltas = decoder.feed(told)
    assert decoder.ended
    return fold(deltas).text


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
async def test_the_same_question_is_answered_again_in_any_form_and_costs_nothing(
    first: bool, second: bool, dialect: str
):
    async with house({"small": Say(text="yes indeed")}, route(), dialect=dialect) as at:
        one = await ask(at, dialect=dialect, stream=first)
        assert one.receipt.cache == "miss"
        assert await read(one, dialect) == "yes indeed"
        cost = at.trace.cost
        assert cost
        two = await ask(at, dialect=dialect, stream=second)
        assert (two.receipt.cache, two.receipt.model) == ("hit", "small/m")
        assert await read(two, dialect) == "yes indeed"
        assert at.asked() == {"small": 1}
        trace = at.trace
        assert (trace.cache, trace.cost, trace.saved_nano, trace.served, trace.attempts) == (
            "hit", 0, cost, "small/m", ()
        )  # fmt: skip
        assert len(at.journal.ended) == 2


async def test_whatever_an_answer_depends_on_makes_another_question():
    async with house({"small": Say(text="yes")}, route()) as at:
        await ask(at)
        for more in (
            {"max_tokens": 5}, {"seed": 1}, {"tools": [TOOL]}, {"top_p": 0.5}, {"stop": ["x"]},
            {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "hi"}]},
        ):  # fmt: skip
            reply = await ask(at, **more)
            assert reply.receipt.cache == "miss"
        again = await ask(at, user="somebody", metadata={"a": "b"})
        assert again.receipt.cache == "hit"


async def test_a_cache_is_its_owners_unless_the_route_shares_it():
    for share, meets in (("key", "miss"), ("team", "hit"), ("all", "hit")):
        async with house({"small": Say(text="yes")}, route(share=share)) as at:
            await ask(at, who=BOB)
            assert (await ask(at, who=EVE)).receipt.cache == meets
            stranger = await ask(at, who=Principal(id="mallory"))
            assert stranger.receipt.cache == ("hit" if share == "all" else "miss")


@pytest.mark.parametrize(
    "say",
    [
        Say(text="half", finish="length"),
        Say(refusal="no"),
        Say(calls=(Calling(name="send", arguments="{}"),)),
        [Rule(fault=Fault(name="status_500"), calls=(1,)), Rule(say=Say(text="ok"))],
    ],
    ids=["cut", "refusal", "tool call", "error"],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_no_whole_answer_is_never_kept(say: Any, stream: bool):
    async with house({"small": say}, route()) as at:
        for _ in range(2):
            with suppress(UpstreamError):
                reply = await ask(at, tools=[TOOL], stream=stream)
                while isinstance(reply, Streaming) and await reply.flow.next():
                    pass
        assert at.asked() == {"small": 2}


async def test_tool_calls_and_chance_are_kept_where_the_route_says_so():
    async with house({"small": Say(calls=(Calling(name="send", arguments='{"a": 1}'),))}, route(tools=True)) as at:
        await ask(at, tools=[TOOL])
        assert (await ask(at, tools=[TOOL], stream=True)).receipt.cache == "hit"
    async with house({"small": Say(text="a")}, route()) as at:
        for _ in range(2):
            assert (await ask(at, temperature=0.7)).receipt.cache == ""
        await ask(at, temperature=0)
        assert (await ask(at, temperature=0)).receipt.cache == "hit"
    async with house({"small": Say(text="a")}, route(sampled=True)) as at:
        await ask(at, temperature=0.7)
        assert (await ask(at, temperature=0.7)).receipt.cache == "hit"


async def test_a_caller_can_leave_the_cache_alone_or_have_it_renewed():
    rules = [Rule(say=Say(text="old"), calls=(1,)), Rule(say=Say(text="new"))]
    async with house({"small": rules}, route()) as at:
        assert await read(await ask(at)) == "old"
        assert await read(await ask(at, cache="no-store")) == "new"
        assert await read(await ask(at)) == "old"
        assert await read(await ask(at, cache="refresh")) == "new"
        assert await read(await ask(at)) == "new"


async def test_with_pii_masked_the_cache_never_holds_persons_and_each_gets_his_own():
    settings = msgspec.structs.replace(route(share="all"), guards=GuardSettings(on=("pii",)))
    async with house({"small": Say(text="Hello <EMAIL_1>")}, settings) as at:
        assert await read(await ask(at, "I am bob@example.com", who=BOB)) == "Hello bob@example.com"
        second = await ask(at, "I am eve@example.com", who=EVE, stream=True)
        assert second.receipt.cache == "hit"
        assert await read(second) == "Hello eve@example.com"
        assert at.asked() == {"small": 1}


async def test_where_a_route_has_no_cache_nothing_is_kept():
    async with house({"small": Say(text="yes")}, RouteSettings(strategy="fixed", pool=("small/m",))) as at:
        for _ in range(2):
            assert (await ask(at)).receipt.cache == ""
        assert len(at.kernel.kept) == 0


def test_the_oldest_answers_make_room_and_none_outlives_its_time():
    kept = Kept(10_000)

    def entry(size: int, until: float = 100.0) -> Entry:
        return Entry(b"x" * size, "m", 1, 0.0, until)

    for number in range(20):
        kept.put(bytes([number]), entry(900))
        kept.get(b"\0", 1.0)
    assert kept.bytes <= 10_000
    assert kept.get(b"\0", 1.0) is not None
    assert kept.get(b"\1", 1.0) is None
    assert kept.get(b"\0", 101.0) is None
    kept.put(b"large", entry(5_000))
    assert kept.get(b"large", 1.0) is None
    for number in range(256):
        kept.drop(bytes([number]))
    assert (kept.bytes, len(kept)) == (0, 0)


async def test_a_question_in_other_words_gets_the_answer_only_where_the_route_says_so_and_all_that_counts_is_equal():
    asked = "How do I reset the password of my account?"
    other = "How do I reset my account's password?"
    for alike, told in ((0.0, "miss"), (0.6, "alike")):
        async with house({"small": Say(text="so")}, route(alike=alike)) as at:
            await ask(at, asked)
            assert (await ask(at, other)).receipt.cache == told
            assert at.trace.cost == (0 if told == "alike" else at.trace.attempts[0].cost)
            for near in (
                "How do I not reset the password of my account?",
                "Where do I reset the password of my account?",
                "How do I reset the password of my 2 accounts?",
                "How do I reset the password of my Google account?",
                "How do I paint a fence?",
            ):
                assert (await ask(at, near)).receipt.cache == "miss"
            system = [{"role": "system", "content": "Be rude."}, {"role": "user", "content": asked}]
            assert (await ask(at, messages=system)).receipt.cache == "miss"
            assert (await ask(at, other, who=EVE)).receipt.cache == "miss"
