"""What a tool takes as the schema of one object, for APIs that want no other at the root.

Anthropic asks for `type` and refuses anyOf, oneOf and allOf beside it at the top level; Bedrock wants `type` to be
"object" (https://docs.aws.amazon.com/bedrock/latest/userguide/tool-use-inference-call.html).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.request import ToolSpec
from meshwright.wire.functions import NO_ARGUMENTS, parameters_out
from meshwright.wire.json_schema import rooted
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import compact, is_object

_JOINS = ("allOf", "anyOf", "oneOf")
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_TOLD = 1000
"""Characters of the alternatives that the description repeats."""


def object_schema(spec: ToolSpec, notes: Notes) -> Raw | dict[str, Any]:
    """The schema of what a tool takes; the very same bytes where it is that of one object already."""
    schema = parameters_out(spec, notes)
    if not isinstance(schema, Raw):
        return schema
    if not is_object(schema):
        notes.changed("tools.schema", "A tool takes an object here: its schema must say so.")
        return NO_ARGUMENTS
    members = _MEMBERS.decode(schema)
    joined = not members.keys().isdisjoint((*_JOINS, "$ref"))
    if not joined and compact(members.get("type", Raw(b"null"))) == b'"object"':
        return schema
    notes.changed("tools.schema", "A tool takes an object here: its schema must say so.")
    if not joined:
        return {**members, "type": "object"}
    try:
        return _joined(rooted(msgspec.json.decode(schema)))
    except RecursionError:
        return NO_ARGUMENTS


def _joined(schema: dict[str, Any]) -> dict[str, Any]:
    """One object with the members of all alternatives, which the description tells apart."""
    joins = {name: schema[name] for name in _JOINS if isinstance(schema.get(name), list)}
    found = {name: value for name, value in schema.items() if name not in (*_JOINS, "$ref", "discriminator")}
    forms: dict[str, dict[bytes, Any]] = {}
    _note(forms, found)
    needed = dict.fromkeys(_needed(found))
    for name, several in joins.items():
        branches = [_meant(one, schema) for one in several]
        for branch in branches:
            _note(forms, branch)
        times = Counter(key for branch in branches for key in set(_needed(branch)))
        least = 1 if name == "allOf" else len(branches)
        needed |= dict.fromkeys(sorted(key for key, count in times.items() if count >= least))
    one_of = {key: list(kinds.values()) for key, kinds in forms.items()}
    properties = {key: kinds[0] if len(kinds) == 1 else {"anyOf": kinds} for key, kinds in one_of.items()}
    found |= {"type": "object", "properties": properties}
    if needed:
        found["required"] = list(needed)
    if told := {name: several for name, several in joins.items() if name != "allOf"}:
        words = f"(It must fit {msgspec.json.encode(told).decode()[:_TOLD]})"
        said = found.get("description")
        found["description"] = f"{said} {words}" if isinstance(said, str) and said else words
    return found


def _note(forms: dict[str, dict[bytes, Any]], schema: dict[str, Any]) -> None:
    """Add the schema's properties to those found, each of their forms once."""
    named = schema.get("properties")
    for key, inner in named.items() if isinstance(named, dict) else ():
        forms.setdefault(key, {}).setdefault(msgspec.json.encode(inner), inner)


def _needed(schema: dict[str, Any]) -> list[str]:
    needed = schema.get("required")
    return [key for key in needed if isinstance(key, str)] if isinstance(needed, list) else []


def _meant(branch: Any, root: dict[str, Any]) -> dict[str, Any]:
    """An alternative, or the definition that it refers to."""
    if not isinstance(branch, dict):
        return {}
    places: dict[str, Any] = {name: root[name] for name in ("$defs", "definitions") if name in root}
    return rooted({**branch, **places}) if "$ref" in branch else branch
