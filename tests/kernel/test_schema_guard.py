"""The guard `schema`: an answer, or what a call gives a tool, has the form that is set, or does not get through."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meshwright.kernel.arrival import Failure, Reply, Streaming, Whole
from meshwright.kernel.config.check import check
from meshwright.kernel.config.read import read_config
from meshwright.kernel.config.tables import GuardSettings, RouteSettings, RuleSettings
from meshwright.sim import Rule, Say
from meshwright.sim.upstream import Calling
from meshwright.types.content import ToolCall
from meshwright.types.errors import Blocked, ConfigError
from tests.kernel.house import house
from tests.kernel.test_guards import whole

SCHEMA = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
GOOD, BAD = '{"sum": 4}', '{"sum": "four"}'
SEND = {"type": "function", "function": {"name": "send_mail", "parameters": {"type": "object"}}}


def route(**rule: Any) -> RouteSettings:
    settings = RuleSettings(**{"schema": SCHEMA, **rule})
    guards = GuardSettings(on=("schema",), rules={"schema": settings})
    return RouteSettings(strategy="fixed", pool=("small/m",), guards=guards)


async def heard(reply: Reply) -> str:
    assert isinstance(reply, Streaming)
    told = b""
    while piece := await reply.flow.next():
        told += piece
    return told.decode()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages", "openai_responses"])
async def test_an_answer_that_has_the_form_passes(dialect: str, stream: bool):
    more = {"input": "sum?", "messages": None} if dialect == "openai_responses" else {}
    async with house({"small": Say(text=GOOD)}, route()) as at:
        reply = await at.ask("sum?", dialect, stream=stream, **more)
        assert (await whole(reply, dialect)).text == GOOD
        assert at.trace.guards == ()


async def test_an_answer_without_the_form_is_refused_and_paid_for():
    async with house({"small": Say(text=BAD)}, route()) as at:
        reply = await at.ask("sum?")
        assert isinstance(reply, Failure)
        assert isinstance(reply.error, Blocked)
        assert "at /sum" in reply.error.message
        assert "four" not in reply.error.message  # what is wrong is told, and not what was said
        assert at.trace.cost
        (verdict,) = at.trace.guards
        assert (verdict.action, verdict.place, dict(verdict.found)) == ("block", "answer", {"mismatch": 1})


async def test_a_stream_without_the_form_has_no_clean_finish():
    async with house({"small": Say(tokens=('{"sum"', ': "fo', 'ur"}'))}, route()) as at:
        told = await heard(await at.ask("sum?", stream=True))
        assert '"error"' in told
        assert "[DONE]" not in told
        assert '"finish_reason":"stop"' not in told
        assert at.trace.outcome == "blocked"
        assert len(at.journal.ended) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_flag_only_notes(stream: bool):
    async with house({"small": Say(text=BAD)}, route(action="flag")) as at:
        assert (await whole(await at.ask("sum?", stream=stream))).text == BAD
        assert [one.action for one in at.trace.guards] == ["flag"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_repair_asks_for_the_form_mends_and_asks_again(stream: bool):
    says = [Rule(calls=(1,), say=Say(text=BAD)), Rule(say=Say(text=GOOD))]
    async with house({"small": says}, route(action="repair")) as at:
        reply = await at.ask("sum?", stream=stream)
        assert isinstance(reply, Whole)  # a stream that may need a repair is held until it is complete
        assert reply.response.text == GOOD
        assert reply.body.startswith(b"data: " if stream else b"{")
        first, second = (json.loads(seen.body) for seen in at.sim.seen("small"))
        assert first["response_format"]["json_schema"]["schema"] == SCHEMA
        assert "does not have the form" in second["messages"][-1]["content"]
        assert at.trace.guards == ()
    async with house({"small": Say(text=f"Here you are:\n```json\n{GOOD}\n```")}, route(action="repair")) as at:
        reply = await at.ask("sum?", stream=stream)
        assert isinstance(reply, Whole)
        assert reply.response.text == GOOD
        assert at.asked() == {"small": 1}


async def test_what_cannot_be_repaired_is_refused():
    async with house({"small": Say(text=BAD)}, route(action="repair")) as at:
        reply = await at.ask("sum?")
        assert isinstance(reply, Failure)
        assert at.asked() == {"small": 2}
        assert [one.action for one in at.trace.guards] == ["block"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("arguments", "fits"), [(GOOD, True), (BAD, False)])
async def test_the_arguments_of_a_tool_are_held_to_it_too(arguments: str, fits: bool, stream: bool):
    say = Say(calls=(Calling(name="send_mail", arguments=arguments),))
    async with house({"small": say}, route(tool="send_*")) as at:
        reply = await at.ask("sum?", stream=stream, tools=[SEND])
        if fits:
            (call,) = (await whole(reply)).choices[0].message.parts
            assert isinstance(call, ToolCall)
            assert call.arguments == arguments
        elif stream:
            assert "send_mail" in await heard(reply)
            assert at.trace.outcome == "blocked"
        else:
            assert isinstance(reply, Failure)
            assert "the arguments of send_mail" in reply.error.message


async def test_calls_in_the_conversation_so_far_are_looked_at_where_that_is_wished():
    call = {"id": "c1", "type": "function", "function": {"name": "send_mail", "arguments": BAD}}
    messages = [
        {"role": "user", "content": "send"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sent"},
    ]
    async with house({"small": Say(text="ok")}, route(tool="send_mail", places=("assistant",))) as at:
        reply = await at.ask("", messages=messages, tools=[SEND])
        assert isinstance(reply, Failure)
        assert at.asked() == {}
    async with house({"small": Say(text="ok")}, route(tool="other", places=("assistant", "answer"))) as at:
        assert (await whole(await at.ask("", messages=messages, tools=[SEND]))).text == "ok"


@pytest.mark.parametrize(("fail", "passes"), [("open", True), ("closed", False)])
async def test_an_answer_that_cannot_be_judged_passes_or_not_as_it_is_said(fail: str, passes: bool):
    long = json.dumps({"sum": 4, "much": "x" * 9_000_000})
    async with house({"small": Say(text=long)}, route(fail=fail)) as at:
        reply = await at.ask("sum?")
        assert isinstance(reply, Failure) is not passes
        assert [one.action for one in at.trace.guards] == ["allow" if passes else "block"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("", "no schema"),
        ('schema = "{"', "cannot be used"),
        ('schema = { type = "objekt" }', "cannot be used"),
        ('schema = { type = "object" }\naction = "mask"', "cannot be masked"),
        ('schema = { type = "object" }\ntool = "a"\naction = "repair"', "not repaired"),
        ('schema = { type = "object" }\nplaces = ["user"]', 'not for "user"'),
        ('guard = "pii"\nschema = { type = "object" }', "no use for it"),
        ('guard = "pii"\naction = "repair"', "no use for it"),
    ],
)
def test_settings_that_make_no_sense_are_told(lines: str, told: str):
    toml = f"[guards.rules.schema]\n{lines}\n"
    with pytest.raises(ConfigError, match=told):
        check(read_config(toml), toml, "mesh.toml", {})


def test_a_schema_may_be_written_as_text():
    toml = '[guards]\non = ["form"]\n[guards.rules.form]\nguard = "schema"\nschema = \'{"type": "object"}\'\n'
    check(read_config(toml), toml, "mesh.toml", {})
