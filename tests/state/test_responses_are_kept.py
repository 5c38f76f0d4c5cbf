"""Responses are kept, found again, and gone on from by whichever model is asked next."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import openai
import pytest
from openai import OpenAI

from meshwright.sim import Say
from meshwright.types.content import Message, Reasoning, Text, ToolCall
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from tests.clients.desk import DIALECTS, Desk

SIGNATURE = "EqQBCkYIBxgCKkBz+/abcDEF0123456789==" * 3
SEALED = "gAAAAABo+sealed/thought==" * 4
PAIRS = [(first, second) for first in DIALECTS for second in DIALECTS]


def _say(*parts: Any, finish: Any = "stop") -> Say:
    choice = Choice(message=Message("assistant", parts), finish=finish)
    return Say(response=Response(id="id_1", model="m", choices=(choice,), usage=Usage(input=5, output=3)))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_answer_is_found_by_its_id_as_its_caller_saw_it(desk: Desk, client: OpenAI, dialect: str, streamed: bool):
    prompt = desk.say(_say(Text("Forty-two.")))
    if streamed:
        with client.responses.stream(model=desk.model(dialect), input=prompt, metadata={"a": "b"}) as stream:
            made = client.responses.retrieve(stream.get_final_response().id)
            assert made.output_text == stream.get_final_response().output_text
    else:
        made = client.responses.create(model=desk.model(dialect), input=prompt, metadata={"a": "b"})
    assert made.id.startswith("resp_mesh")
    assert made.output_text == "Forty-two."
    found = client.responses.retrieve(made.id)
    assert found.to_dict() == made.to_dict()
    assert found.to_dict()["store"] is True
    assert found.metadata == {"a": "b"}


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_conversation_begun_with_one_model_goes_on_with_another(desk: Desk, client: OpenAI, first: str, second: str):
    opening = desk.say(_say(Text("Your name is Ada.")), "I am Ada.")
    one = client.responses.create(model=desk.model(first), input=opening, instructions="Only this once.")
    closing = desk.say(_say(Text("You are Countess.")), "Who am I?")
    two = client.responses.create(model=desk.model(second), input=closing, previous_response_id=one.id)
    assert two.previous_response_id == one.id
    sent = json.dumps(desk.sent(second, closing))
    assert sent.index(opening) < sent.index("Your name is Ada.") < sent.index(closing)
    assert one.id not in sent
    assert "Only this once." not in sent, "instructions are not carried over"
    third = desk.say(_say(Text("Still Ada.")))
    with client.responses.stream(model=desk.model(first), input=third, previous_response_id=two.id) as stream:
        assert stream.get_final_response().previous_response_id == two.id
    sent = json.dumps(desk.sent(first, third))
    assert sent.index(opening) < sent.index(closing) < sent.index("You are Countess.") < sent.index(third)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_tool_called_by_one_model_is_answered_to_another(desk: Desk, client: OpenAI, first: str, second: str):
    tools: Any = [{"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}]
    asking = desk.say(_say(ToolCall(id="call_1", name="weather", arguments='{"city":"Oslo"}'), finish="tool_calls"))
    one = client.responses.create(model=desk.model(first), input=asking, tools=tools)
    (call,) = [item for item in one.output if item.type == "function_call"]
    told = desk.say(_say(Text("Take a coat.")), "snow")
    result: Any = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "-4 °C"},
        {"role": "user", "content": told},
    ]
    two = client.responses.create(model=desk.model(second), input=result, previous_response_id=one.id, tools=tools)
    assert two.output_text == "Take a coat."
    sent = json.dumps(desk.sent(second, told), ensure_ascii=False)
    assert "Oslo" in sent
    assert "-4 °C" in sent


@pytest.mark.parametrize("dialect", ["openai_responses", "anthropic_messages"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_sealed_thought_goes_back_to_its_maker_and_to_nobody_else(
    desk: Desk, client: OpenAI, dialect: str, streamed: bool
):
    thought = {
        "openai_responses": Reasoning(summary=("Hm.",), encrypted=SEALED, id="rs_0123456789abcdef"),
        "anthropic_messages": Reasoning(text="Hm.", signature=SIGNATURE),
    }[dialect]
    secret = SEALED if dialect == "openai_responses" else SIGNATURE
    prompt = desk.say(_say(thought, Text("15.")))
    asking: Any = {"model": desk.model(dialect), "input": prompt, "include": ["reasoning.encrypted_content"]}
    if streamed:
        with client.responses.stream(**asking, reasoning={"effort": "low"}) as stream:
            one = stream.get_final_response()
    else:
        one = client.responses.create(**asking, reasoning={"effort": "low"})
    for second in DIALECTS:
        told = desk.say(_say(Text("16.")))
        raw = client.responses.with_raw_response.create(
            model=desk.model(second), input=told, previous_response_id=one.id, reasoning={"effort": "low"}
        )
        assert (secret in json.dumps(desk.sent(second, told))) is (second == dialect)
        assert ("reasoning" in raw.headers.get("x-mesh-adapted", "")) or second in (dialect, "openai_chat")


def test_what_is_not_stored_is_not_found_and_keeps_the_providers_name(desk: Desk, client: OpenAI):
    made = client.responses.create(model=desk.model("openai_responses"), input=desk.say(Say()), store=False)
    assert not made.id.startswith("resp_mesh")


def test_a_response_is_deleted_and_then_cannot_be_gone_on_from(desk: Desk, client: OpenAI):
    model = desk.model("openai_chat")
    one = client.responses.create(model=model, input=desk.say(Say()))
    client.responses.delete(one.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(one.id)
    with pytest.raises(openai.NotFoundError, match="no stored response"):
        client.responses.create(model=model, input="Go on.", previous_response_id=one.id)


def test_input_items_are_listed_in_pages(desk: Desk, client: OpenAI):
    words = [desk.say(Say()), "two", "three"]
    items: Any = [{"role": "user", "content": one} for one in words]
    made = client.responses.create(model=desk.model("openai_chat"), input=items)
    listed = list(client.responses.input_items.list(made.id, limit=2, order="asc"))
    assert [item.content[0].text for item in listed] == words  # type: ignore[union-attr,index]  # of many kinds, this is a message
    assert len({item.id for item in listed}) == 3
    newest = client.responses.input_items.list(made.id, limit=1)
    assert newest.data[0].id == listed[-1].id
    assert newest.has_more
    with pytest.raises(openai.NotFoundError):
        client.responses.input_items.list(made.id, after="msg_none")


def test_one_that_nobody_waits_for_cannot_be_cancelled_afterwards(desk: Desk, client: OpenAI):
    made = client.responses.create(model=desk.model("openai_chat"), input=desk.say(Say()))
    with pytest.raises(openai.BadRequestError, match="background"):
        client.responses.cancel(made.id)


def test_the_providers_bytes_stay_as_they_are_but_for_the_name(desk: Desk, client: OpenAI):
    prompt = desk.say(_say(Text("Plain.")))
    asking: Any = {"model": desk.model("openai_responses"), "input": prompt}
    kept = client.responses.with_raw_response.create(**asking)
    plain = client.responses.with_raw_response.create(**asking, store=False)
    first, second = (msgspec.json.decode(raw.content, type=dict[str, msgspec.Raw]) for raw in (kept, plain))
    changed = {name for name in first if first[name] != second.get(name, msgspec.Raw(b"null"))}
    assert changed <= {"id", "store", "created_at", "background"}
