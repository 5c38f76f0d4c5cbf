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
    characters=120_000,
    long_enum=(250, 15_000),
)
"""With `strict`. Not taken: `allOf`, `not`, `dependentRequired`, `dependentSchemas`, `if`, `then`, `else`; of `default`
the API says that it is not permitted. Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas,
compared on 2026-11-30 with https://jsonschemaprofiles.unitvectorylabs.com/schemas/openai, which follows that page."""

ANTHROPIC = Subset(
    keywords=_CORE | {"definitions", "title", "anyOf", "allOf", "format", "minItems", "default"},
    formats=frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}),
    closed=True,
    least_items=1,
    recursive=False,
    merged=True,
    listed=(str, int, float, bool, type(None)),
    optional=24,
    unions=16,
)
"""Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations, and what
its own Python library rewrites (lib/_parse/_transform.py); compared on 2026-11-30. Of `pattern` only some are taken:
told in words. Its limits on optional parameters and unions (#schema-complexity-limits) are for all strict schemas of a
request together; here each is held to them alone."""

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
    keywords=(_CORE - {"const"})
    | {
        "$id", "$anchor", "title", "format", "prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf",
        "oneOf", "additionalProperties", "propertyOrdering",
    },
    alone=True,
    listed=(str, int, float),
)  # fmt: skip
"""Of `responseJsonSchema`; what is not in its list is passed over in silence there, so it is told in words here. A
schema that contains itself may do so only in a member that may be absent, which is not looked at.
Source: https://ai.google.dev/api/generate-content#GenerationConfig, compared on 2026-11-30 with the same words in the
discovery document's clients (pub.dev, googleapis, GoogleCloudAiplatformV1GenerationConfig.responseJsonSchema)."""

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
