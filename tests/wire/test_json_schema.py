"""JSON Schemas in the words of each provider's subset."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from meshwright.types.content import Message, Text
from meshwright.types.request import OutputFormat, Request
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from meshwright.wire.json_schema import Subset, narrow
from meshwright.wire.schema_subsets import ANTHROPIC, BEDROCK, COHERE, GEMINI, LLAMA_CPP, OPENAI
from tests.wire.matrix import ONE_PROMPT

Json = dict[str, Any]
SUBSETS = {
    "openai": OPENAI, "anthropic": ANTHROPIC, "bedrock": BEDROCK, "cohere": COHERE, "gemini": GEMINI,
    "ollama": LLAMA_CPP,
}  # fmt: skip
CITY: Json = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2, "description": "Its name"},
        "size": {"type": "integer", "minimum": 1},
        "mayor": {"$ref": "#/$defs/Person"},
        "kind": {"enum": ["town", "village"], "type": "string"},
    },
    "required": ["name"],
    "$defs": {"Person": {"type": "object", "properties": {"born": {"type": "string", "format": "date"}}}},
}


def raw(schema: object) -> Raw:
    return Raw(json.dumps(schema).encode())


def narrowed(schema: object, subset: Subset = OPENAI) -> tuple[Json, str]:
    found = narrow(raw(schema), subset)
    assert found.schema is not None, found.why
    return json.loads(bytes(found.schema)), found.why


def refused(schema: object, subset: Subset = OPENAI) -> str:
    found = narrow(raw(schema), subset)
    assert found.schema is None
    return found.why


def test_strict_schemas_name_all_members_and_those_that_may_be_absent_take_null():
    found, why = narrowed(CITY)
    assert found["required"] == ["name", "size", "mayor", "kind"]
    assert found["additionalProperties"] is False
    assert found["properties"]["size"] == {"type": ["integer", "null"], "minimum": 1}
    assert found["properties"]["mayor"] == {"anyOf": [{"$ref": "#/$defs/Person"}, {"type": "null"}]}
    assert found["properties"]["kind"] == {"enum": ["town", "village", None], "type": ["string", "null"]}
    assert found["$defs"]["Person"]["additionalProperties"] is False
    assert "null instead" in why


def test_a_word_outside_the_subset_is_told_in_the_description():
    found, why = narrowed(CITY, ANTHROPIC)
    assert found["properties"]["name"] == {"type": "string", "description": "Its name (minLength: 2)"}
    assert found["properties"]["size"] == {"type": "integer", "description": "(minimum: 1)"}
    assert "minLength, minimum" in why


@pytest.mark.parametrize("subset", SUBSETS.values(), ids=SUBSETS)
def test_narrowing_twice_changes_nothing_more(subset: Subset):
    once = narrow(raw(CITY), subset)
    assert once.schema is not None
    again = narrow(once.schema, subset)
    assert again.schema is not None
    assert bytes(again.schema) == bytes(once.schema)


@pytest.mark.parametrize("subset", [ANTHROPIC, OPENAI])
def test_what_fits_goes_byte_for_byte(subset: Subset):
    written = Raw(
        b'{ "type":"object", "properties":{"x":{"type":"number"}},"required":["x"],"additionalProperties":false}'
    )
    assert narrow(written, subset) == narrow(written, subset)
    assert narrow(written, subset).schema is written
    assert narrow(written, subset).why == ""


def test_a_union_of_exactly_one_becomes_a_union():
    found, why = narrowed({"type": "object", "properties": {"x": {"oneOf": [{"type": "null"}, {"type": "string"}]}}})
    assert found["properties"]["x"] == {"anyOf": [{"type": "null"}, {"type": "string"}]}
    assert "oneOf" in why


def test_schemas_joined_by_allof_become_one():
    parts = [{"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"properties": {"b": {"type": "null"}}}]
    found, _ = narrowed({"type": "object", "allOf": parts})
    assert list(found["properties"]) == found["required"] == ["a", "b"]
    assert "allOf" in refused({"type": "object", "allOf": [{"minProperties": 1}, {"minProperties": 2}]})


@pytest.mark.parametrize("subset", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"type": "object", "additionalProperties": {"type": "number"}}, "any name"),
        ({"type": "object"}, "any name"),
        ({"type": "object", "properties": {"x": {}}}, "any value"),
        ({"type": "object", "properties": {"x": {"$ref": "https://example.org/x"}}}, "another document"),
        ({"type": "object", "properties": {"x": True}}, "any value"),
        ([], "no object"),
    ],
)
def test_what_would_change_its_meaning_is_not_narrowed(subset: Subset, schema: object, word: str):
    assert word in refused(schema, subset)


def test_a_schema_that_contains_itself_is_kept_or_refused_as_the_provider_does():
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}, "additionalProperties": False}
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": node}}
    assert narrowed(schema)[0]["type"] == "object"
    assert "contains itself" in refused(schema, ANTHROPIC)
    linked = {**node, "required": ["next"]}
    chain = {f"N{n}": {**linked, "properties": {"next": {"$ref": f"#/$defs/N{n + 1}"}}} for n in range(50)}
    ends = {**chain, "N50": {"type": "string"}}
    assert narrow(raw({"$ref": "#/$defs/N0", "$defs": ends}), ANTHROPIC).schema is not None


@pytest.mark.parametrize("subset", SUBSETS.values(), ids=SUBSETS)
def test_hostile_schemas_are_bounded(subset: Subset):
    deep: object = {"type": "string"}
    for _ in range(300):
        deep = {"type": "array", "items": deep}
    assert "deep" in refused(deep, subset)
    deepest = Raw(b'{"items":' * 100_000 + b"{}" + b"}" * 100_000)
    assert narrow(deepest, subset).schema is None
    wide = {"type": "object", "properties": {f"p{n}": {"type": "null"} for n in range(30_000)}}
    assert narrow(raw(wide), subset).schema is None
    cycles = {f"A{n}": {"anyOf": [{"$ref": f"#/$defs/A{(n * 7 + k) % 200}"} for k in range(20)]} for n in range(200)}
    narrow(raw({"type": "object", "properties": {"x": {"$ref": "#/$defs/A0"}}, "$defs": cycles}), subset)
    many = {"type": "object", "properties": {"x": {"enum": list(range(10_000))}}}
    assert (narrow(raw(many), subset).schema is None) == (subset is OPENAI)


leaves = st.sampled_from(
    [
        {"type": "string", "pattern": "^a"}, {"type": "integer", "maximum": 4}, {"type": "boolean"}, {"enum": ["a", 1]},
        {"type": "string", "format": "date"}, {"type": "null"}, {"const": 3},
    ]
)  # fmt: skip
schemas = st.recursive(
    leaves,
    lambda inner: (
        st.builds(lambda one: {"type": "array", "items": one, "minItems": 2}, inner)
        | st.builds(lambda several: {"anyOf": several}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(
            lambda named, needed: {"type": "object", "properties": named, "required": sorted(named)[:needed]},
            st.dictionaries(st.sampled_from("abcd"), inner, min_size=1),
            st.integers(0, 3),
        )
    ),
    max_leaves=8,
)
values = st.recursive(
    st.sampled_from(["a", "ab", 1, 3, 9, True, None, "2024-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=6,
)


@given(schemas, values)
def test_what_the_caller_allows_in_full_is_allowed_by_what_is_sent(schema: Json, value: object):
    """Loosening may allow more; closing and requiring may only ask for members that the caller named."""
    for subset in (COHERE, GEMINI, LLAMA_CPP):
        found = narrow(raw(schema), subset)
        if found.schema is not None and jsonschema_rs.is_valid(schema, value):
            assert jsonschema_rs.is_valid(json.loads(bytes(found.schema)), value)


def _asked(dialect: str, output: OutputFormat, quirks: frozenset[str] = frozenset()) -> tuple[Json, dict[str, str]]:
    request = Request(model="m", messages=(Message("user", (Text("Where?"),)),), max_tokens=9, output=output)
    sent = CODECS[dialect].encode_request(request, Target("claude-x", "p/m", 99, quirks))
    return json.loads(sent.body), {one.field: one.reason for one in sent.adaptations}


@pytest.mark.parametrize("dialect", [name for name in CODECS if name != ONE_PROMPT])
def test_every_dialect_says_what_it_loosened(dialect: str):
    schema = {**CITY, "not": {"required": ["country"]}}
    _, told = _asked(dialect, OutputFormat(kind="schema", schema=raw(schema), strict=True))
    assert "instead of kept to: " in " ".join(told.values()) + told.get("output", "")
    assert " not" in " ".join(told.values())


@pytest.mark.parametrize("dialect", ["anthropic_messages", "bedrock_converse"])
def test_a_schema_that_cannot_be_said_goes_in_words(dialect: str):
    anything = {"type": "object", "additionalProperties": {"type": "number"}}
    body, told = _asked(dialect, OutputFormat(kind="schema", schema=raw(anything)))
    assert "additionalProperties" in json.dumps(body["system"])
    assert "any name" in told["output"]


def test_a_provider_without_schemas_is_told_in_words():
    output = OutputFormat(kind="schema", name="city", schema=raw(CITY), strict=True)
    body, told = _asked("openai_chat", output, frozenset({"no_json_schema"}))
    assert body["response_format"] == {"type": "json_object"}
    assert "minLength" in body["messages"][-1]["content"]
    assert "in words" in told["output"]


def test_a_constant_is_an_enumeration_of_one_where_that_is_all_that_is_taken():
    schema = {"type": "object", "properties": {"kind": {"const": "cat"}, "tame": {"const": True}}, "required": ["kind"]}
    found, why = narrowed(schema, GEMINI)
    assert found["properties"]["kind"] == {"enum": ["cat"]}
    assert found["properties"]["tame"] == {"description": "(enum: [true])"}
    assert why == "told in words instead of kept to: enum"


def test_a_reference_stands_alone_where_nothing_may_stand_beside_it():
    person = {"type": "object", "properties": {"name": {"type": "string"}}}
    schema = {"type": "object", "properties": {"by": {"$ref": "#/$defs/P", "title": "By"}}, "$defs": {"P": person}}
    assert narrowed(schema, GEMINI)[0]["properties"]["by"] == {"title": "By", "anyOf": [{"$ref": "#/$defs/P"}]}


def test_all_of_with_a_reference_becomes_one_schema_or_goes_in_words():
    person = {"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": False}
    schema = {"type": "object", "properties": {"by": {"allOf": [{"$ref": "#/$defs/P"}]}}, "required": ["by"]}
    found, _ = narrowed({**schema, "$defs": {"P": person}}, ANTHROPIC)
    assert found["properties"]["by"] == {"$ref": "#/$defs/P"}
    both = {"allOf": [{"$ref": "#/$defs/P"}, {"$ref": "#/$defs/Q"}]}
    several = {"type": "object", "properties": {"by": both}, "$defs": {"P": person, "Q": person}}
    assert "allOf" in refused(several, ANTHROPIC)


NAMES = [f"p{number}" for number in range(25)]
BEYOND: list[tuple[Json, Subset, str]] = [
    ({"properties": {key: {"type": "string"} for key in NAMES}}, ANTHROPIC, "may be absent"),
    ({"properties": {key: {"type": ["string", "null"]} for key in NAMES}, "required": NAMES}, ANTHROPIC, "unions"),
    ({"properties": {"x" * 60_000 + name: {"type": "string"} for name in NAMES[:3]}}, OPENAI, "characters"),
    ({"properties": {"one": {"enum": ["x" * 70 + str(number) for number in range(251)]}}}, OPENAI, "250 values"),
]


@pytest.mark.parametrize(("schema", "subset", "why"), BEYOND, ids=lambda one: one if isinstance(one, str) else "")
def test_a_schema_beyond_the_limits_of_the_api_goes_in_words(schema: Json, subset: Subset, why: str):
    assert why in refused({"type": "object", **schema}, subset)
