"""A conversation that began at one provider goes on at any other, in the words of its dialect, and comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from meshwright.sim import Say
from meshwright.types.content import Message, Text, ToolCall
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from tests.clients.desk import NATIVE, PROVIDER, Desk

START = "openai_chat"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Providers of the dialects of one ecosystem each, and one of OpenAI's."""
    with Desk(tmp_path_factory.mktemp("histories"), {START: PROVIDER[START], **NATIVE}) as running:
        yield running


def say(*parts: Any, finish: Any = "stop") -> Say:
    choice = Choice(message=Message("assistant", parts), finish=finish)
    return Say(response=Response(id="id_1", model="m", choices=(choice,), usage=Usage(input=5, output=3)))


def in_order(sent: object, *words: str) -> bool:
    """Whether these words stand in what was sent, in this order."""
    text, at = json.dumps(sent, ensure_ascii=False), 0
    for word in words:
        at = text.find(word, at) + 1
        if not at:
            return False
    return True


@pytest.mark.parametrize("other", NATIVE)
def test_a_conversation_goes_on_elsewhere_and_comes_back(desk: Desk, client: OpenAI, other: str) -> None:
    opening = desk.say(say(Text("Your name is Ada.")), "I am Ada.")
    talk = client.conversations.create()
    client.responses.create(model=desk.model(START), input=opening, conversation=talk.id)
    middle = desk.say(say(Text("You are a countess.")), "Who am I?")
    told = client.responses.create(model=desk.model(other), input=middle, conversation=talk.id)
    assert told.output_text == "You are a countess."
    assert in_order(desk.sent(other, middle), opening, "Your name is Ada.", middle)
    back = desk.say(say(Text("Of Lovelace.")), "Where from?")
    with client.responses.stream(model=desk.model(START), input=back, conversation=talk.id) as stream:
        assert stream.get_final_response().output_text == "Of Lovelace."
    assert in_order(desk.sent(START, back), opening, middle, "You are a countess.", back)
    assert len(client.conversations.items.list(talk.id, limit=20).data) == 6


@pytest.mark.parametrize("other", NATIVE)
def test_a_tool_called_by_one_is_answered_to_another(desk: Desk, client: OpenAI, other: str) -> None:
    tools: Any = [{"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}]
    asking = desk.say(say(ToolCall(id="call_1", name="weather", arguments='{"city":"Oslo"}'), finish="tool_calls"))
    one = client.responses.create(model=desk.model(START), input=asking, tools=tools)
    (call,) = [item for item in one.output if item.type == "function_call"]
    told = desk.say(say(Text("Take a coat.")), "snow")
    result: Any = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "4 below"},
        {"role": "user", "content": told},
    ]
    two = client.responses.create(model=desk.model(other), input=result, previous_response_id=one.id, tools=tools)
    assert two.output_text == "Take a coat."
    assert in_order(desk.sent(other, told), "Oslo", "4 below", told)


@pytest.mark.parametrize("other", NATIVE)
def test_a_tool_called_elsewhere_is_answered_here(desk: Desk, client: OpenAI, other: str) -> None:
    tools: Any = [{"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}]
    asking = desk.say(say(ToolCall(id="call_9", name="weather", arguments='{"city":"Bergen"}'), finish="tool_calls"))
    with client.responses.stream(model=desk.model(other), input=asking, tools=tools) as stream:
        one = stream.get_final_response()
    (call,) = [item for item in one.output if item.type == "function_call"]
    assert json.loads(call.arguments) == {"city": "Bergen"}
    told = desk.say(say(Text("Rain.")), "rain")
    result: Any = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "wet"},
        {"role": "user", "content": told},
    ]
    two = client.responses.create(model=desk.model(START), input=result, previous_response_id=one.id, tools=tools)
    assert two.output_text == "Rain."
    assert in_order(desk.sent(START, told), "Bergen", "wet", told)
