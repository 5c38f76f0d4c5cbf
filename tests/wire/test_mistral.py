"""Mistral's models and API get what they take, from clients and conversations that know nothing of them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from meshwright.types.request import Request
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from meshwright.wire.openai_chat import DIALECT

QUIRKS = frozenset(("max_tokens", "no_developer_role", "no_stream_options", "no_reasoning_input"))
API = Target("mistral-large-latest", "mistral/mistral-large-latest", quirks=QUIRKS)
ALONE = Target("devstral-small", "vllm/devstral-small")
OTHER = Target("gpt-4o", "p/gpt-4o")
USER: Any = {"role": "user", "content": "Hi"}


def asked(*ids: str, **more: Any) -> Request:
    calls = [{"id": id, "type": "function", "function": {"name": "t", "arguments": "{}"}} for id in ids]
    turns = [{"role": "assistant", "content": None, "tool_calls": calls}] if calls else []
    turns += [{"role": "tool", "tool_call_id": id, "content": "x"} for id in ids]
    return DIALECT.decode_request(json.dumps({"model": "m", "messages": [USER, *turns], **more}).encode())


def ids(request: Request, target: Target) -> tuple[list[str], list[str]]:
    """(ids of calls, ids of results)."""
    turns = msgspec.json.decode(DIALECT.encode_request(request, target).body)["messages"]
    return [one["id"] for one in turns[1]["tool_calls"]], [one["tool_call_id"] for one in turns[2:]]


def test_ids_of_another_models_calls_become_ones_that_these_models_take() -> None:
    for target in (API, ALONE):
        calls, results = ids(asked("call_0fypS1hVX", "toolu_01A", "a1B2c3D4e"), target)
        assert calls == results
        assert len(set(calls)) == 3
        assert calls[2] == "a1B2c3D4e"
        assert all(len(one) == 9 and one.isalnum() for one in calls)
        assert (calls, results) == ids(asked("call_0fypS1hVX", "toolu_01A", "a1B2c3D4e"), target)
    assert ids(asked("call_0fypS1hVX"), OTHER) == (["call_0fypS1hVX"], ["call_0fypS1hVX"])


def test_a_request_that_is_right_already_goes_out_as_it_is() -> None:
    request = asked("a1B2c3D4e", temperature=0.5)
    assert request.source is not None
    there = DIALECT.encode_request(request, ALONE)
    assert bytes(request.source.fields["messages"]) in there.body
    assert there.adaptations == ()


def test_the_api_is_not_sent_what_it_does_not_know() -> None:
    request = asked(user="u", metadata={"a": "b"}, store=True, seed=7, logprobs=True, top_logprobs=2, temperature=0.5)
    encoded = DIALECT.encode_request(request, API)
    body = msgspec.json.decode(encoded.body)
    assert body == {"model": API.model, "messages": [USER], "temperature": 0.5, "random_seed": 7}
    dropped = {note.field for note in encoded.adaptations if note.action == "dropped"}
    assert dropped == {"user", "metadata", "store", "logprobs", "top_logprobs"}
    assert msgspec.json.decode(DIALECT.encode_request(request, ALONE).body)["user"] == "u"


def test_claude_codes_user_does_not_stop_it() -> None:
    codec = CODECS["anthropic_messages"]
    words = {"model": "m", "max_tokens": 9, "messages": [USER], "metadata": {"user_id": "user_1"}}
    encoded = DIALECT.encode_request(codec.decode_request(json.dumps(words).encode()), API)
    assert msgspec.json.decode(encoded.body) == {"model": API.model, "messages": [USER], "max_tokens": 9}
    assert [(note.field, note.action) for note in encoded.adaptations] == [("user", "dropped")]
