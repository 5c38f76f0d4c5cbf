"""Bodies of what is kept are valid by the types of Open Responses, and by those of OpenAI's client.

The client itself takes nearly anything; here its types are asked to be strict about what they require.
"""

from __future__ import annotations

from typing import Any

import httpx
import openresponses_types as open_types
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionDeleted, ChatCompletionStoreMessage
from openai.types.conversations import Conversation, ConversationDeletedResource, ConversationItem, ConversationItemList
from openai.types.responses import Response, ResponseItemList
from pydantic import TypeAdapter

from meshwright.sim import Calling, Say
from tests.clients.desk import DIALECTS, Desk

TOOLS = [{"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}]
IMAGE = {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "auto"}
FILE = {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}
INPUTS: dict[str, Any] = {
    "words": lambda prompt: prompt,
    "turns": lambda prompt: [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "What is it?"}, IMAGE]},
        {"role": "assistant", "content": "A square."},
        {"role": "user", "content": prompt},
    ],
    "a file": lambda prompt: [{"role": "user", "content": [FILE, {"type": "input_text", "text": prompt}]}],
    "a call": lambda prompt: [
        {"role": "user", "content": "The weather?"},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "fine"},
        {"role": "user", "content": prompt},
    ],
}
SAYS = {
    "words": Say(text="Four."),
    "calls": Say(calls=(Calling("weather", "{}"),)),
    "thoughts": Say(reasoning="Let me see.", text="Four."),
}


def get(desk: Desk, path: str) -> Any:
    return TypeAdapter(dict[str, Any]).validate_json(desk.gateway.call(path)[2])


def strict(kind: Any, body: Any) -> None:
    TypeAdapter(kind).validate_python(body)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("said", SAYS)
def test_a_response_that_is_read_again(desk: Desk, dialect: str, said: str):
    body = {"model": desk.model(dialect), "input": desk.say(SAYS[said]), "tools": TOOLS, "metadata": {"a": "b"}}
    made = TypeAdapter(dict[str, Any]).validate_json(desk.gateway.call("/v1/responses", body)[2])
    found = get(desk, f"/v1/responses/{made['id']}")
    open_types.ResponseResource.model_validate(found)
    strict(Response, found)


@pytest.mark.parametrize("given", INPUTS)
def test_the_input_of_a_response(desk: Desk, given: str):
    body = {"model": desk.model("openai_responses"), "input": INPUTS[given](desk.say(SAYS["words"])), "tools": TOOLS}
    made = TypeAdapter(dict[str, Any]).validate_json(desk.gateway.call("/v1/responses", body)[2])
    found = get(desk, f"/v1/responses/{made['id']}/input_items")
    strict(ResponseItemList, found)
    assert found["data"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("said", SAYS)
def test_a_conversation_and_its_items(desk: Desk, dialect: str, said: str):
    items = INPUTS["turns"]("Before that.")
    talk = TypeAdapter(dict[str, Any]).validate_json(desk.gateway.call("/v1/conversations", {"items": items})[2])
    strict(Conversation, talk)
    body = {"model": desk.model(dialect), "input": desk.say(SAYS[said]), "tools": TOOLS, "conversation": talk["id"]}
    assert desk.gateway.call("/v1/responses", body)[0] == 200
    listed = get(desk, f"/v1/conversations/{talk['id']}/items")
    strict(ConversationItemList, listed)
    for item in listed["data"]:
        strict(ConversationItem, get(desk, f"/v1/conversations/{talk['id']}/items/{item['id']}"))
    strict(Conversation, get(desk, f"/v1/conversations/{talk['id']}"))


def test_what_is_said_of_something_deleted(desk: Desk):
    talk = TypeAdapter(dict[str, Any]).validate_json(desk.gateway.call("/v1/conversations", {})[2])
    strict(ConversationDeletedResource, delete(desk, f"/v1/conversations/{talk['id']}"))
    chat = stored_chat(desk, "openai_chat")
    strict(ChatCompletionDeleted, delete(desk, f"/v1/chat/completions/{chat['id']}"))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stored_chat_and_its_messages(desk: Desk, dialect: str):
    chat = stored_chat(desk, dialect)
    strict(ChatCompletion, get(desk, f"/v1/chat/completions/{chat['id']}"))
    for one in get(desk, "/v1/chat/completions")["data"]:
        strict(ChatCompletion, one)
    messages = get(desk, f"/v1/chat/completions/{chat['id']}/messages")["data"]
    assert messages
    for one in messages:
        # The client's type is that of an answer's message; the API's own example lists the user's with their role.
        strict(ChatCompletionStoreMessage, {**one, "role": "assistant"})


def stored_chat(desk: Desk, dialect: str) -> Any:
    messages = [{"role": "system", "content": "Brief."}, {"role": "user", "content": desk.say(SAYS["words"])}]
    body = {"model": desk.model(dialect), "messages": messages, "store": True}
    return TypeAdapter(dict[str, Any]).validate_json(desk.gateway.call("/v1/chat/completions", body)[2])


def delete(desk: Desk, path: str) -> Any:
    return httpx.delete(desk.gateway.url + path).json()
