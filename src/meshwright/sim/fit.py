"""A small JSON value that fits a JSON Schema: always the same one, made without looking at anything but the schema."""

from __future__ import annotations

from typing import Any

import msgspec

DEPTH = 12

_FORMATS = {
    "date-time": "2024-01-01T00:00:00Z",
    "date": "2024-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def fitting(schema: bytes | msgspec.Raw | None) -> Any:
    """A value for a schema given as JSON; `{}` when there is none. Patterns are not honoured."""
    root = msgspec.json.decode(schema) if schema else {"type": "object"}
    return _value(root, root, 0)


def _value(schema: Any, root: Any, depth: int) -> Any:
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        return _value(_resolved(str(schema["$ref"]), root), root, depth + 1) if depth < DEPTH else None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "examples"):
        if schema.get(name):
            return schema[name][0]
    for name in ("anyOf", "oneOf"):
        if schema.get(name):
            return _value(_simplest(schema[name], depth), root, depth + 1)
    if schema.get("allOf"):
        merged: dict[str, Any] = {}
        for part in schema["allOf"]:
            part = _resolved(part["$ref"], root) if isinstance(part, dict) and "$ref" in part else part
            merged = _merged(merged, part)
        return _value(
            _merged({name: value for name, value in schema.items() if name != "allOf"}, merged), root, depth + 1
        )
    return _typed(schema, root, depth)


def _typed(schema: dict[str, Any], root: Any, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if depth < DEPTH or "null" not in kind else "null"
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    match kind:
        case "object":
            properties = schema.get("properties", {})
            wanted = schema.get("required", []) if depth >= DEPTH // 2 else [*properties]
            return {name: _value(properties.get(name, {}), root, depth + 1) for name in wanted}
        case "array":
            count = schema.get("minItems", 1 if depth < DEPTH // 2 else 0)
            return [_value(schema.get("items", {}), root, depth + 1) for _ in range(count)]
        case "string":
            text = _FORMATS.get(schema.get("format", ""), "text")
            return (text + "x" * max(0, schema.get("minLength", 0) - len(text)))[: schema.get("maxLength")]
        case "integer" | "number":
            return _number(schema, kind)
        case "boolean":
            return True
        case _:
            return None


def _number(schema: dict[str, Any], kind: str) -> int | float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    step = schema.get("multipleOf", 1)
    number = 1 if low is None else low
    if low is not None and "exclusiveMinimum" in schema:
        number = low + step
    if low is None and high is not None:
        number = min(number, high - (step if "exclusiveMaximum" in schema else 0))
    if step and number % step:
        number += step - number % step
    return int(number) if kind == "integer" else number


def _simplest(options: list[Any], depth: int) -> Any:
    """The first option; deep down the one without references, so that it ends."""
    if depth > DEPTH // 2:
        return next((one for one in options if isinstance(one, dict) and one.get("type") == "null"), options[0])
    return options[0]


def _resolved(pointer: str, root: Any) -> Any:
    found = root
    for word in pointer.removeprefix("#").strip("/").split("/"):
        if word:
            found = found.get(word.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, dict) else {}
    return found


def _merged(first: dict[str, Any], second: Any) -> dict[str, Any]:
    if not isinstance(second, dict):
        return first
    merged = {**first, **second}
    for name in ("properties", "required"):
        if name in first and name in second:
            both = (first[name], second[name])
            merged[name] = {**both[0], **both[1]} if name == "properties" else [*both[0], *both[1]]
    return merged
