"""Items that a request only names (`item_reference`) are put in the place of their names, whichever model goes on."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from meshwright.sim import Calling, Say
from tests.clients.desk import DIALECTS, Desk

TOOLS: Any = [{"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}]


def named(id: str) -> Any:
    return {"type": "item_reference", "id": id}


@pytest.mark.parametrize("second", DIALECTS)
def test_a_call_that_is_only_named_goes_to_the_next_model_whole(desk: Desk, client: OpenAI, second: str):
    asking = desk.say(Say(calls=(Calling("weather", '{"city":"Oslo"}'),)))
    one = client.responses.create(model=desk.model("openai_chat"), input=asking, tools=TOOLS)
    (call,) = [item for item in one.output if item.type == "function_call"]
    closing = desk.say(Say(text="Cold."))
    history: Any = [
        {"role": "user", "content": asking},
        named(call.id or ""),
        {"type": "function_call_output", "call_id": call.call_id, "output": "minus five"},
        {"role": "user", "content": closing},
    ]
    two = client.responses.create(model=desk.model(second), input=history, tools=TOOLS)
    assert two.output_text == "Cold."
    sent = json.dumps(desk.sent(second, closing))
    assert sent.index("Oslo") < sent.index("minus five")
    assert "item_reference" not in sent


def test_what_the_user_said_is_named_by_the_id_of_the_list(desk: Desk, client: OpenAI):
    opening = desk.say(Say(text="Noted."), "My name is Ada.")
    one = client.responses.create(model=desk.model("openai_chat"), input=opening)
    (item,) = client.responses.input_items.list(one.id).data
    closing = desk.say(Say(text="Ada."))
    asked: Any = [named(item.id or ""), {"role": "user", "content": closing}]
    client.responses.create(model=desk.model("anthropic_messages"), input=asked)
    assert "My name is Ada." in json.dumps(desk.sent("anthropic_messages", closing))


def test_what_stands_in_the_history_already_is_not_said_twice(desk: Desk, client: OpenAI):
    opening = desk.say(Say(text="Forty-two, surely."))
    one = client.responses.create(model=desk.model("openai_chat"), input=opening)
    closing = desk.say(Say(text="Yes."))
    asked: Any = [named(one.output[0].id or ""), {"role": "user", "content": closing}]
    two = client.responses.create(model=desk.model("openai_chat"), input=asked, previous_response_id=one.id)
    assert json.dumps(desk.sent("openai_chat", closing)).count("Forty-two, surely.") == 1
    kept = client.responses.input_items.list(two.id).data
    assert [item.type for item in kept] == ["message"]


def test_an_item_that_is_not_kept_is_not_found_as_openai_says_it(desk: Desk, client: OpenAI):
    asked: Any = [named("msg_nobody"), {"role": "user", "content": desk.say(Say(text="Hm."))}]
    with pytest.raises(openai.NotFoundError) as told:
        client.responses.create(model=desk.model("openai_chat"), input=asked)
    body: Any = told.value.body
    assert "Item with id 'msg_nobody' not found." in body["message"]
    assert (body["type"], body["param"]) == ("invalid_request_error", "input")
