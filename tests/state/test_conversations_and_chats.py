"""Conversations and stored chats, by OpenAI's own client; a key sees its own and nothing of another's."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from meshwright.sim import Say
from meshwright.types.content import Message, Text
from meshwright.types.response import Choice, Response
from tests.clients.desk import DIALECTS, Desk


def _say(text: str) -> Say:
    return Say(response=Response(id="id", model="m", choices=(Choice(message=Message("assistant", (Text(text),))),)))


def test_a_conversation_gathers_what_several_models_were_asked_and_said(desk: Desk, client: OpenAI):
    first: Any = [{"type": "message", "role": "user", "content": "The word is plum."}]
    talk = client.conversations.create(items=first, metadata={"about": "fruit"})
    assert talk.id.startswith("conv_mesh")
    prompts = []
    for dialect in DIALECTS:
        prompts.append(desk.say(_say(f"Heard by {dialect}.")))
        made = client.responses.create(model=desk.model(dialect), input=prompts[-1], conversation=talk.id)
        assert made.conversation is not None
        assert made.conversation.id == talk.id
    sent = json.dumps(desk.sent(DIALECTS[-1], prompts[-1]))
    told = ["The word is plum.", prompts[0], f"Heard by {DIALECTS[0]}.", prompts[1], f"Heard by {DIALECTS[1]}."]
    places = [sent.index(words) for words in told]
    assert places == sorted(places)
    items = list(client.conversations.items.list(talk.id, order="asc", limit=2))
    assert len(items) == 7
    assert [item.role for item in items] == ["user", *["user", "assistant"] * 3]  # type: ignore[union-attr]  # of many kinds, this is a message
    one = client.conversations.items.retrieve(items[2].id or "", conversation_id=talk.id)
    assert one.to_dict() == items[2].to_dict()


def test_a_conversation_is_described_extended_and_deleted(client: OpenAI):
    talk = client.conversations.create(metadata={"a": "1"})
    assert client.conversations.update(talk.id, metadata={"b": "2"}).metadata == {"b": "2"}
    assert client.conversations.retrieve(talk.id).metadata == {"b": "2"}
    items: Any = [{"role": "user", "content": f"n {n}"} for n in range(3)]
    added = client.conversations.items.create(talk.id, items=items)
    assert len(added.data) == 3
    client.conversations.items.delete(added.data[1].id or "", conversation_id=talk.id)
    left = [item.content[0].text for item in client.conversations.items.list(talk.id)]  # type: ignore[union-attr,index]  # of many kinds, this is a message
    assert left == ["n 2", "n 0"]
    assert client.conversations.delete(talk.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(talk.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="chat/m", input="hi", conversation=talk.id)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/conversations", {"metadata": {"a": 1}}, "metadata"),
        ("/v1/conversations", {"metadata": {str(n): "x" for n in range(17)}}, "metadata"),
        ("/v1/conversations", {"items": "text"}, "items"),
        ("/v1/conversations", {"items": [7]}, "items"),
        ("/v1/conversations", {"items": [{"content": "who?"}]}, "items"),
        ("/v1/conversations", {"items": [{"role": "user", "content": "x"}] * 21}, "items"),
        ("/v1/conversations", b'{"items": [{"role": "user", "content": 1e999}]}', "items"),
        ("/v1/responses", {"model": "chat/m", "input": "x", "background": True, "store": False}, None),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(desk: Desk, path: str, body: Any, field: str | None):
    status, _, answer = desk.gateway.call(path, body)
    if field is None:
        return
    assert status == 400
    assert json.loads(answer)["error"]["param"] == field


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_stored_chat_is_listed_described_and_deleted(desk: Desk, client: OpenAI, dialect: str, streamed: bool):
    word = f"{dialect}-{streamed}"
    prompt = desk.say(_say(f"Chat {word}."))
    messages: Any = [{"role": "user", "content": prompt}]
    asking: Any = {"model": desk.model(dialect), "messages": messages, "store": True, "metadata": {"w": word}}
    if streamed:
        ids = {chunk.id for chunk in client.chat.completions.create(**asking, stream=True)}
        assert len(ids) == 1
        id = ids.pop()
    else:
        id = client.chat.completions.create(**asking).id
    assert id.startswith("chatcmpl-mesh")
    found = client.chat.completions.retrieve(id)
    assert found.choices[0].message.content == f"Chat {word}."
    listed = list(client.chat.completions.list(metadata={"w": word}))
    assert [one.id for one in listed] == [id]
    told = client.chat.completions.messages.list(id)
    assert [one.content for one in told] == [prompt]
    assert client.chat.completions.update(id, metadata={"w": "other"}).to_dict()["metadata"] == {"w": "other"}
    assert list(client.chat.completions.list(metadata={"w": word})) == []
    assert client.chat.completions.delete(id).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(id)


def test_chats_come_in_pages_in_order_of_time(desk: Desk, client: OpenAI):
    ask = client.chat.completions.create
    ids = [
        ask(model="chat/m", messages=[{"role": "user", "content": "hi"}], store=True, metadata={"p": "q"}).id
        for _ in range(3)
    ]
    found = [one.id for one in client.chat.completions.list(limit=2, metadata={"p": "q"})]
    assert found == ids
    assert [one.id for one in client.chat.completions.list(limit=2, order="desc", metadata={"p": "q"})] == ids[::-1]
    assert client.chat.completions.list(metadata={"p": "' OR 1=1 --"}).data == []
