"""Signs in the form of an answer: JSON that is JSON, what its schema asks for, and calls of tools that are there."""

from __future__ import annotations

from typing import Any

import msgspec

from meshwright.types.content import ToolCall
from meshwright.types.request import Request
from meshwright.types.response import Choice

DEEPEST = 40
MOST = 1_000_000
"""Characters of a JSON text that are looked at; a longer one is not judged."""
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def form(request: Request, choice: Choice) -> dict[str, float]:
    """Signs by name; none when no form was asked for and no tool is called."""
    signs: dict[str, float] = {}
    calls = [part for part in choice.message.parts if isinstance(part, ToolCall)]
    if calls:
        signs["bad_call"] = float(any(_bad(call, request) for call in calls))
    elif request.output is not None and request.output.kind != "text":
        value = _decoded(choice.message.text)
        signs["not_json"] = float(value is _NOTHING)
        if request.output.schema and value is not _NOTHING:
            signs["breaks_schema"] = float(not fits(value, _decoded(bytes(request.output.schema).decode())))
    return signs


def fits(value: Any, schema: Any, depth: int = 0) -> bool:
    """Whether a value keeps to the plain part of a JSON Schema: type, enum, const, required, properties, items.

    What is not looked at (references, patterns, combinations) is taken to be kept: a sign, not a validator.
    """
    if not isinstance(schema, dict) or depth > DEEPEST:
        return True
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
    if kinds and not any(_is(value, kind) for kind in kinds):
        return False
    if isinstance(enum := schema.get("enum"), list) and value not in enum:
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if isinstance(value, dict):
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        if isinstance(required, list) and any(name not in value for name in required if isinstance(name, str)):
            return False
        if schema.get("additionalProperties") is False and set(value) - set(properties):
            return False
        return all(fits(inner, properties.get(name), depth + 1) for name, inner in value.items())
    if isinstance(value, list):
        return all(fits(inner, schema.get("items"), depth + 1) for inner in value)
    return True


def _is(value: Any, kind: Any) -> bool:
    if isinstance(value, bool):
        return bool(kind == "boolean")
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(kind, (object,)))


def _bad(call: ToolCall, request: Request) -> bool:
    """Whether the call is of no tool that was offered, or its arguments are not what that tool takes."""
    tool = next((tool for tool in request.tools if tool.name == call.name), None)
    if tool is None:
        return bool(request.tools)
    if call.kind != "function":
        return False
    value = _decoded(call.arguments or "{}")
    if not isinstance(value, dict):
        return True
    return bool(tool.schema) and not fits(value, _decoded(bytes(tool.schema).decode()) if tool.schema else None)


_NOTHING = object()


def _decoded(text: str) -> Any:
    """The value of a JSON text, which may stand in a code fence; `_NOTHING` when it is none."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text[3:-3].removeprefix("json").strip()
    if len(text) > MOST:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _NOTHING
