"""What a tool takes is one object for providers that want no other, whatever its schema's root says."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import msgspec
import pytest

from meshwright.types.content import Message, Opaque, Text
from meshwright.types.request import Request, ToolChoice, ToolSpec
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from tests.wire.strategies_anthropic import raw

MODELS = {"anthropic_messages": "claude-haiku-4-5", "bedrock_converse": "anthropic.claude-haiku-4-5-20251001-v1:0"}


def taken(dialect: str, schema: Any) -> tuple[Any, bool]:
    """(the schema that the provider gets, whether a change was told)."""
    tool = ToolSpec(name="t", schema=raw(schema))
    asked = Request(model="m", max_tokens=9, messages=(Message("user", (Text("Hi"),)),), tools=(tool,))
    encoded = CODECS[dialect].encode_request(asked, Target(MODELS[dialect], "p/m"))
    body = msgspec.json.decode(encoded.body)
    told = any(note.field == "tools.schema" for note in encoded.adaptations)
    if dialect == "bedrock_converse":
        return body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"], told
    return body["tools"][0]["input_schema"], told


@pytest.fixture(params=list(MODELS))
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_object_is_sent_as_it_is(dialect: str) -> None:
    schema = {"type": "object", "properties": {"x": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}
    assert taken(dialect, schema) == (schema, False)


@pytest.mark.parametrize("root", [{}, {"properties": {"x": {}}}, {"type": ["object", "null"]}, {"type": None}])
def test_a_root_that_does_not_say_so_is_an_object(dialect: str, root: dict[str, Any]) -> None:
    assert taken(dialect, root) == ({**root, "type": "object"}, True)


def test_a_root_that_refers_to_a_definition_becomes_it(dialect: str) -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}, "required": ["next"]}
    schema, told = taken(dialect, {"$ref": "#/$defs/Node", "$defs": {"Node": node}})
    assert schema == {**node, "$defs": {"Node": node}}
    assert told


def test_alternatives_become_one_object_that_takes_what_each_of_them_takes(dialect: str) -> None:
    cat = {"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}}
    dog = {"type": "object", "properties": {"kind": {"const": "dog"}, "tricks": {"type": "array"}}}
    schema, told = taken(
        dialect,
        {
            "description": "A pet.",
            "oneOf": [{"$ref": "#/$defs/Cat"}, {**dog, "required": ["tricks", "kind"]}],
            "discriminator": {"propertyName": "kind"},
            "$defs": {"Cat": {**cat, "required": ["kind", "lives"]}},
        },
    )
    assert told
    assert not {"oneOf", "anyOf", "allOf", "$ref", "discriminator"} & schema.keys()
    assert (schema["type"], schema["required"]) == ("object", ["kind"])
    assert schema["properties"]["kind"] == {"anyOf": [{"const": "cat"}, {"const": "dog"}]}
    assert schema["description"].startswith("A pet. (It must fit ")
    for pet in ({"kind": "cat", "lives": 9}, {"kind": "dog", "tricks": []}):
        jsonschema_rs.validate(schema, pet)


def test_parts_that_must_all_hold_are_joined(dialect: str) -> None:
    some = {"properties": {"a": {"type": "string"}}, "required": ["a"]}
    more = {"properties": {"b": {"type": "string"}}, "required": ["b"]}
    schema, _ = taken(dialect, {"allOf": [some, more]})
    properties = {"a": {"type": "string"}, "b": {"type": "string"}}
    assert schema == {"type": "object", "properties": properties, "required": ["a", "b"]}


@pytest.mark.parametrize(
    "odd",
    [
        {"anyOf": [1, None, {"properties": [], "required": "x"}, {"required": [1, "y"]}]},
        {"anyOf": "x", "$ref": 7},
        {"$ref": "#/$defs/none", "$defs": 3},
        {"oneOf": [{"$ref": "#/$defs/x"}], "$defs": {"x": {"$ref": "#/$defs/x"}}},
    ],
)
def test_a_schema_that_makes_no_sense_is_still_that_of_an_object(dialect: str, odd: dict[str, Any]) -> None:
    schema, told = taken(dialect, odd)
    assert (schema["type"], told) == ("object", True)


@pytest.mark.parametrize("mode", ["auto", "none", "required"])
def test_without_a_tool_there_is_nothing_to_choose(mode: Any) -> None:
    search = ToolSpec(name="web_search", kind="hosted", hosted=Opaque("anthropic_messages", "web_search", raw({})))
    asked = Request(
        model="m",
        messages=(Message("user", (Text("Hi"),)),),
        tools=(search,),
        tool_choice=ToolChoice(mode),
        parallel_tools=False,
    )
    encoded = CODECS["openai_chat"].encode_request(asked, Target("m", "p/m"))
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & msgspec.json.decode(encoded.body).keys()
    assert [note.field for note in encoded.adaptations] == ["tools", "tool_choice", "parallel_tools"]
    there = msgspec.json.decode(CODECS["openai_responses"].encode_request(asked, Target("m", "p/m")).body)
    assert ("tool_choice" in there) == (mode != "required")
