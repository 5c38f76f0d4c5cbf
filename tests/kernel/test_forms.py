"""Answers are held to the schema that was asked for: checked, mended, and once asked for again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from meshwright.kernel.arrival import Arrival, Reply, Whole
from meshwright.kernel.config.tables import RouteSettings
from meshwright.kernel.handle import handle
from meshwright.kernel.valid import Unchecked, mended, wrong
from meshwright.sim import Calling, Rule, Say
from meshwright.types.principal import LOCAL
from meshwright.types.request import OutputFormat
from meshwright.wire import CODECS
from tests.kernel.house import House, house, streamed, text

ROUTE = RouteSettings(strategy="fixed", pool=("small/m",))
REPAIR = RouteSettings(strategy="fixed", pool=("small/m",), repair=True)
POINT = {
    "type": "object",
    "properties": {"x": {"type": "number", "minimum": 1}, "label": {"type": "string"}},
    "required": ["x"],
}
FORM: dict[str, Any] = {"response_format": {"type": "json_schema", "json_schema": {"name": "p", "schema": POINT}}}
AGAIN = [Rule(text="does not have the form", say=Say(text='{"x": 2}')), Rule(say=Say(text='{"x": 0}'))]


def valid(reply: Reply) -> bool | None:
    assert isinstance(reply, Whole), reply
    return reply.receipt.valid


def noted(at: House) -> list[tuple[str, float | None]]:
    return [(note.kind, note.value) for note in at.trace.notes]


def form(schema: object) -> OutputFormat:
    return OutputFormat(kind="schema", schema=Raw(json.dumps(schema).encode()))


@pytest.mark.parametrize(("said", "fits"), [('{"x": 2}', True), ('{"x": 0}', False), ("x is 2", False)])
async def test_an_answer_is_checked_against_the_schema_as_it_was_written(said: str, fits: bool):
    async with house({"small": Say(text=said)}, ROUTE) as at:
        reply = await at.ask(**FORM)
        assert valid(reply) is fits
        assert text(reply) == said
        assert noted(at) == [("schema", float(fits))]


async def test_nothing_is_said_where_no_form_was_asked_for():
    async with house({"small": Say(text="Hello")}, ROUTE) as at:
        assert valid(await at.ask()) is None
        assert at.trace.notes == ()


async def test_repair_asks_the_same_model_once_more_and_both_are_paid():
    async with house({"small": AGAIN}, REPAIR) as at:
        reply = await at.ask(**FORM)
        assert (text(reply), valid(reply)) == ('{"x": 2}', True)
        assert [(one.model, one.role) for one in at.trace.attempts] == [("small/m", ""), ("small/m", "repair")]
        assert at.trace.cost == sum(one.cost or 0 for one in at.trace.attempts)
        assert all(one.cost for one in at.trace.attempts)
        assert noted(at) == [("schema", 0), ("schema", 1)]
        assert "minimum" in at.heard("small")


async def test_a_repair_that_fails_leaves_the_first_answer_and_says_so():
    async with house({"small": Say(text='{"x": 0}')}, REPAIR) as at:
        reply = await at.ask(**FORM)
        assert (text(reply), valid(reply)) == ('{"x": 0}', False)
        assert at.asked() == {"small": 2}
    broken = [Rule(text="does not have the form", fault="status_500"), Rule(say=Say(text='{"x": 0}'))]
    async with house({"small": broken}, REPAIR) as at:
        reply = await at.ask(**FORM)
        assert (text(reply), valid(reply)) == ('{"x": 0}', False)
        assert "not answered" in at.trace.notes[-1].told


@pytest.mark.parametrize(
    "said", ['```json\n{"x": 2}\n```', 'Here it is: {"x": 2} I hope that helps.', '{"x":2,"label":null}']
)
async def test_what_can_be_mended_costs_no_second_call(said: str):
    async with house({"small": Say(text=said)}, REPAIR) as at:
        reply = await at.ask(**FORM)
        assert json.loads(text(reply)) == {"x": 2}
        assert valid(reply) is True
        assert isinstance(reply, Whole)
        assert [one.field for one in reply.receipt.adaptations] == ["choices.text"]
        assert json.loads(json.loads(reply.body)["choices"][0]["message"]["content"]) == {"x": 2}
        assert at.asked() == {"small": 1}


async def test_nulls_that_a_narrowed_schema_asked_for_are_taken_out_again():
    schema = {**POINT, "additionalProperties": False}
    asked = {"text": {"format": {"type": "json_schema", "name": "p", "schema": schema, "strict": True}}}
    async with house({"small": Say(text='{"x":2,"label":null}')}, ROUTE) as at:
        request = CODECS["openai_responses"].decode_request(
            json.dumps({"model": "route/it", "input": "Where?", **asked}).encode()
        )
        arrival = Arrival(request=request, dialect=CODECS["openai_responses"], principal=LOCAL, path="/")
        reply = await handle(at.kernel, arrival)
        assert json.loads(text(reply)) == {"x": 2}
        assert valid(reply) is True
        assert '"null"' in at.heard("small")


async def test_a_stream_is_judged_on_the_trace_and_held_for_a_repair():
    async with house({"small": AGAIN}, ROUTE) as at:
        assert b'"x' in await streamed(await at.ask(stream=True, **FORM))
        assert noted(at) == [("schema", 0)]
    for dialect in ("openai_chat", "anthropic_messages"):
        async with house({"small": AGAIN}, REPAIR, dialect) as at:
            data = await streamed(await at.ask(stream=True, **FORM))
            assert b"[DONE]" in data
            assert [one.role for one in at.trace.attempts] == ["", "repair"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("given", "fits"), [({"day": "Monday"}, 1), ({"day": 3}, 0)])
async def test_arguments_of_tools_are_judged_on_the_trace(stream: bool, given: dict[str, Any], fits: float):
    schema = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
    tools = [{"type": "function", "function": {"name": "look", "parameters": schema}}]
    async with house({"small": Say(calls=(Calling(name="look", arguments=json.dumps(given)),))}, ROUTE) as at:
        await streamed(await at.ask(tools=tools, stream=stream))
        assert noted(at) == [("arguments", fits)]


@pytest.mark.parametrize(
    "schema",
    [{"type": "nope"}, {"$ref": "https://example.org/x"}, {"type": "string", "pattern": "("}, {"$ref": "#/$defs/x"}],
)
def test_a_schema_that_cannot_be_used_says_nothing_of_the_answer(schema: object):
    with pytest.raises(Unchecked):
        wrong(form(schema), '{"x": 1}')


def test_hostile_answers_and_schemas_are_bounded():
    assert "not JSON" in wrong(form({}), "[" * 1_000_000)
    assert mended(form({}), "{" * 100_000, cut=True) == ("", "")
    back_and_forth = form({"type": "string", "pattern": "^(?=a)(a+)+$"})
    assert "match" in wrong(back_and_forth, json.dumps("a" * 50_000 + "b"))
    nest = form({"$ref": "#/$defs/n", "$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}})
    assert wrong(nest, "[" * 500 + "]" * 500) == ""
    many = form({"type": "object", "additionalProperties": {"type": "string"}})
    assert mended(many, json.dumps({f"k{n}": 1 for n in range(50_000)}), cut=True) == ("", "")
