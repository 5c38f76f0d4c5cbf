"""The API's own form of schemas (a part of OpenAPI 3.0) as JSON Schema, which newer models take as it is.

Source: https://ai.google.dev/api/caching (Schema). Types are written in capitals, counts may be strings, `nullable` is
a type of its own.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.wire.gemini.spelling import camel
from meshwright.wire.verbatim import raw_of

_NESTED = frozenset({"items", "additionalProperties", "not"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_MAPS = frozenset({"properties", "defs", "$defs"})
_COUNTS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_DOLLAR = {"ref": "$ref", "defs": "$defs"}
_KEYWORDS = _NESTED | _LISTS | _MAPS | _COUNTS | {"propertyOrdering"}


def json_schema(raw: Raw) -> Raw:
    """The JSON Schema that means the same. Raises msgspec.ValidationError when it is no object."""
    found = msgspec.json.decode(raw, type=dict[str, Any])
    return raw_of(_converted(found))


def _converted(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for written, value in schema.items():
        name = camel(written) if camel(written) in _KEYWORDS else written
        if name == "type" and isinstance(value, str):
            found[name] = value.lower()
        elif name in _NESTED:
            found[name] = _converted(value)
        elif name in _LISTS and isinstance(value, list):
            found[name] = [_converted(one) for one in value]
        elif name in _MAPS and isinstance(value, dict):
            found[_DOLLAR.get(name, name)] = {key: _converted(one) for key, one in value.items()}
        elif name in _COUNTS and isinstance(value, str) and value.isdecimal():
            found[name] = int(value)
        elif name != "nullable":
            found[_DOLLAR.get(name, name)] = value
    if schema.get("nullable") is True:
        if isinstance(found.get("type"), str):
            found["type"] = [found["type"], "null"]
            if isinstance(found.get("enum"), list) and None not in found["enum"]:
                found["enum"] = [*found["enum"], None]
        elif isinstance(found.get("anyOf"), list):
            found["anyOf"] = [*found["anyOf"], {"type": "null"}]
    return found
