"""Schemas that are kept to: in the words that each provider takes, for tools as for answers."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from meshwright.types.content import Message, Text
from meshwright.types.request import OutputFormat, Request, ToolSpec
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from tests.wire.matrix import understood

TARGET = Target("claude-sonnet-4-5", "a/m", max_output=9000)
HELLO = (Message("user", (Text("Hello"),)),)
KEEPING = ("openai_chat", "openai_responses", "anthropic_messages", "bedrock_converse", "cohere")


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def sent(provider: str, schema: dict[str, Any]) -> tuple[dict[str, Any], bool, list[tuple[str, str]]]:
    """(the schema, whether it is kept to, what was noted) of a strict tool as this provider gets it."""
    tool = ToolSpec(name="book", schema=raw(schema), strict=True)
    request = Request(model="m", max_tokens=2000, messages=HELLO, tools=(tool,))
    encoded = CODECS[provider].encode_request(request, TARGET)
    (read,) = understood(CODECS[provider], encoded.body, request).tools
    assert read.schema is not None
    return json.loads(bytes(read.schema)), bool(read.strict), [(one.field, one.action) for one in encoded.adaptations]


@pytest.mark.parametrize("provider", KEEPING)
def test_a_tool_that_qualifies_is_sent_as_it_is(provider: str):
    schema = closed(city={"type": "string"}, kind={"enum": ["day", "night"]})
    assert sent(provider, schema) == (schema, True, [])


@pytest.mark.parametrize("provider", KEEPING)
def test_a_word_that_is_not_taken_is_told_to_the_model_instead(provider: str):
    schema = closed(city={"type": "string", "minLength": 2})
    told, strict, noted = sent(provider, schema)
    assert strict
    assert "minLength" not in told["properties"]["city"]
    assert "minLength" in told["properties"]["city"]["description"]
    assert noted == [("tools", "changed")]


@pytest.mark.parametrize("provider", ["openai_chat", "openai_responses"])
def test_an_argument_that_may_be_absent_does_not_become_null(provider: str):
    schema = {**closed(city={"type": "string"}, days={"type": "integer"}), "required": ["city"]}
    told, strict, noted = sent(provider, schema)
    assert (told, strict) == (schema, False)
    assert noted == [("tools", "changed")]


@pytest.mark.parametrize("provider", KEEPING[:4])
def test_a_tool_that_takes_members_of_any_name_is_not_strict_any_more(provider: str):
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    told, strict, noted = sent(provider, schema)
    assert (told.get("additionalProperties"), strict) == ({"type": "string"}, False)
    assert noted == [("tools", "changed")]


@pytest.mark.parametrize("client", ["anthropic_messages", "bedrock_converse", "gemini", "ollama", "cohere"])
@pytest.mark.parametrize("provider", ["openai_chat", "openai_responses"])
@pytest.mark.parametrize("qualifies", [True, False])
def test_a_schema_that_its_client_need_not_call_strict_is_kept_to(client: str, provider: str, qualifies: bool):
    schema = closed(city={"type": "string"}, days={"type": "integer"})
    if not qualifies:
        schema["required"] = ["city"]
    asked = Request(model="m", max_tokens=2000, messages=HELLO, output=OutputFormat(kind="schema", schema=raw(schema)))
    request = understood(CODECS[client], CODECS[client].encode_request(asked, TARGET).body, asked)
    encoded = CODECS[provider].encode_request(request, TARGET)
    read = CODECS[provider].decode_request(encoded.body).output
    assert read is not None
    assert read.name == "answer"
    assert json.loads(bytes(read.schema or b"")) == schema
    assert bool(read.strict) == qualifies
    assert ("output" in [one.field for one in encoded.adaptations]) != qualifies


def test_what_openais_clients_leave_open_stays_open():
    schema = raw(closed(city={"type": "string"}))
    asked = Request(model="m", messages=HELLO, output=OutputFormat(kind="schema", name="n", schema=schema))
    request = CODECS["openai_chat"].decode_request(CODECS["openai_chat"].encode_request(asked, TARGET).body)
    told = json.loads(CODECS["openai_responses"].encode_request(request, TARGET).body)
    assert "strict" not in told["text"]["format"]
