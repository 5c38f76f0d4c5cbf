"""What each API keeps to of JSON Schema, one row for each."""

from __future__ import annotations

from meshwright.wire.json_schema import Subset

_CORE = frozenset({"type", "description", "enum", "const", "properties", "required", "items", "$ref", "$defs"})
_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})

OPENAI = Subset(
    keywords=_CORE | _NUMBERS | {"definitions", "title", "anyOf", "pattern", "format", "minItems", "maxItems"},
    formats=frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}),
    closed=True,
    all_required=True,
    root_object=True,
    alone=True,
    depth=20,  # of schemas; the API counts ten levels of objects, and between two of them may lie an array or a union
    properties=5_000,
    enum_values=1_000,
)
"""With `strict`. Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas"""

ANTHROPIC = Subset(
    keywords=_CORE | {"definitions", "title", "anyOf", "allOf", "format", "minItems", "default"},
    formats=frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}),
    closed=True,
    least_items=1,
    recursive=False,
)
"""Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations, and what
its own Python library rewrites (lib/_parse/_transform.py). Of `pattern` only some are taken: told in words."""

BEDROCK = ANTHROPIC
"""The same words. Source: https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html"""

COHERE = Subset(
    keywords=_CORE | {"definitions", "title", "anyOf", "format", "additionalProperties"},
    formats=frozenset({"date-time", "uuid", "date", "time"}),
    root_object=True,
)
"""`pattern` is told in words: `^` and `$` are not taken. Newer models take `anyOf`, and nothing else says what it says.
Source: https://docs.cohere.com/docs/structured-outputs#unsupported-schema-features"""

GEMINI = Subset(
    keywords=_CORE
    | {
        "$id", "$anchor", "$schema", "$comment", "title", "format", "prefixItems", "minItems", "maxItems", "minimum",
        "maximum", "anyOf", "oneOf", "additionalProperties", "propertyOrdering", "default", "examples", "nullable",
    },
)  # fmt: skip
"""Of `responseJsonSchema`. Source: https://ai.google.dev/api/generate-content#GenerationConfig"""

LLAMA_CPP = Subset(
    keywords=_CORE
    | _NUMBERS
    | {
        "definitions", "title", "default", "examples", "anyOf", "oneOf", "allOf", "prefixItems", "minItems", "maxItems",
        "minLength", "maxLength", "pattern", "format", "additionalProperties", "$schema", "$id", "$comment",
    },
)  # fmt: skip
"""Ollama makes a grammar of the schema by llama.cpp's converter, which passes over what it does not know.
Source: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md#json-schemas--gbnf"""
