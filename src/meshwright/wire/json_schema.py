"""A JSON Schema narrowed to the subset that a provider keeps to, and what was loosened on the way.

A provider refuses a schema with a word outside its subset, so the word is taken out and told in `description`, where
the model reads it. What no subset can say without changing the meaning (an object with members of any name, a reference
to another document) is not narrowed: then the schema goes to the model in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Raw

MAX_DEPTH = 60
MAX_NODES = 20_000
MAX_CHARACTERS = 10_000_000
TOLD = 200
"""Characters of a loosened word's value that the description repeats."""

_NESTED = frozenset({"items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_MAPS = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})
_IDLE = frozenset({"title", "$schema", "$comment", "$id", "examples", "deprecated", "readOnly", "writeOnly"})
"""They ask for nothing: left out without a word where they are not taken."""
_SAYING = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"})
"""Without one of these a schema takes any value."""


class Subset(msgspec.Struct, frozen=True, kw_only=True):
    """What one API takes of JSON Schema.

    `formats` None: any. `closed`: each object must refuse members that it does not name. `all_required`: and must have
    all that it names, so those that may be absent become nullable. `least_items` is the greatest `minItems`. `alone`:
    a `$ref` stands alone. `merged`: an `allOf` that refers to definitions is not taken. `listed` are the kinds of
    values that an enumeration takes, None: any. The rest are the API's limits for the whole schema: how deep, how many
    properties, properties that may be absent, unions, values in enumerations, and characters in all names and values.
    """

    keywords: frozenset[str]
    formats: frozenset[str] | None = None
    closed: bool = False
    all_required: bool = False
    least_items: int | None = None
    recursive: bool = True
    root_object: bool = False
    alone: bool = False
    merged: bool = False
    listed: tuple[type, ...] | None = None
    depth: int = MAX_DEPTH
    properties: int = MAX_NODES
    optional: int = MAX_NODES
    unions: int = MAX_NODES
    enum_values: int = MAX_NODES
    characters: int = MAX_CHARACTERS
    long_enum: tuple[int, int] = (MAX_NODES, MAX_CHARACTERS)
    """An enumeration of more values than the first has at most so many characters as the second."""


class Narrowed(msgspec.Struct, frozen=True):
    """The schema to send: the very same bytes where nothing had to change, None where it cannot be said.

    `why` tells what was loosened or why it cannot be said, "" if nothing is lost. `nulling`: members that may be absent
    have become null instead.
    """

    schema: Raw | None
    why: str = ""
    nulling: bool = False


class _Unsayable(Exception):
    """The schema has no equivalent in the subset."""


def narrow(schema: Raw, subset: Subset) -> Narrowed:
    """The schema in the words of the subset. Pure; bounded in depth and in size whatever the schema is."""
    try:
        given = msgspec.json.decode(schema)
        walk = _Walk(subset)
        if not isinstance(given, dict):
            raise _Unsayable("it is no object")
        found = walk.node(rooted(given), 0)
        walk.check(found)
    except (_Unsayable, RecursionError) as error:
        told = str(error) if isinstance(error, _Unsayable) else "it nests too deeply"
        return Narrowed(None, told)
    same = found == given
    return Narrowed(schema if same else Raw(msgspec.json.encode(found)), walk.why(), walk.nulling)


def in_words(schema: Raw | None) -> str:
    """What to tell a model that cannot be held to a schema."""
    if schema is None:
        return "Answer with JSON only: no other words, no code fence."
    fits = bytes(schema).decode()
    return f"Answer with JSON only, no other words, no code fence. It must be valid by this JSON Schema:\n{fits}"


def rooted(schema: dict[str, Any]) -> dict[str, Any]:
    """A root that is nothing but a reference becomes what it refers to: some APIs want an object there."""
    ref = schema.get("$ref")
    for place in ("$defs", "definitions"):
        kept, start = schema.get(place), f"#/{place}/"
        if isinstance(kept, dict) and isinstance(ref, str) and ref.startswith(start):
            meant = kept.get(ref.removeprefix(start))
            if isinstance(meant, dict):
                return {**{name: value for name, value in schema.items() if name != "$ref"}, **meant}
    return schema


class _Walk:
    """One pass over a schema. It notes what it loosens, and gives up when the schema is too large."""

    def __init__(self, subset: Subset) -> None:
        self._subset = subset
        self._loosened: dict[str, None] = {}
        self._nodes = 0
        self._properties = 0
        self._optional = 0
        self._unions = 0
        self._values = 0
        self._characters = 0
        self._closing = False
        self.nulling = False

    def why(self) -> str:
        """What the narrowing changed, in words."""
        told = []
        if self._loosened:
            told.append(f"told in words instead of kept to: {', '.join(self._loosened)[:300]}")
        if self._closing:
            told.append("objects take no members but those named")
        if self.nulling:
            told.append("members that may be absent are null instead")
        return "; ".join(told)

    def check(self, root: Mapping[str, Any]) -> None:
        """What holds for the schema as a whole."""
        subset = self._subset
        if subset.root_object and root.get("type") != "object":
            raise _Unsayable("its root is not an object")
        for found, most, what in (
            (self._properties, subset.properties, "properties"),
            (self._optional, subset.optional, "properties that may be absent"),
            (self._unions, subset.unions, "unions of types"),
            (self._values, subset.enum_values, "values in enumerations"),
            (self._characters, subset.characters, "characters in names and values"),
        ):
            if found > most:
                raise _Unsayable(f"it has over {most} {what}")
        if not subset.recursive and _recurs(root):
            raise _Unsayable("it contains itself")

    def node(self, schema: Any, depth: int) -> dict[str, Any]:
        """One schema. Raises _Unsayable."""
        subset = self._subset
        self._nodes += 1
        if depth > subset.depth or self._nodes > MAX_NODES:
            raise _Unsayable("it nests too deeply" if depth > subset.depth else "it is too large")
        if not isinstance(schema, dict):
            raise _Unsayable("a place in it takes any value, or none")
        schema = self._composed(schema)
        if subset.closed and not _SAYING & schema.keys() and "properties" not in schema:
            raise _Unsayable("a place in it takes any value")
        self._count(schema)
        found: dict[str, Any] = {}
        told: list[str] = []
        for name, value in schema.items():
            if self._kept(name, value):
                found[name] = self._value(name, value, depth)
            elif name not in _IDLE:
                self._loosened[name] = None
                told.append(f"{name}: {msgspec.json.encode(value).decode()[:TOLD]}")
        if told:
            described = found.get("description")
            words = f"({'; '.join(told)})"
            found["description"] = f"{described} {words}" if isinstance(described, str) and described else words
        if _is_object(schema):
            self._object(schema, found)
        if subset.alone and "$ref" in found and len(found) > 1:
            found["anyOf"] = [{"$ref": found.pop("$ref")}]
        return found

    def _count(self, schema: Mapping[str, Any]) -> None:
        """Add up what the API's limits are about. Raises _Unsayable."""
        self._unions += isinstance(schema.get("anyOf"), list) or isinstance(schema.get("type"), list)
        listed = schema.get("enum")
        values = listed if isinstance(listed, list) else []
        length = sum(len(one) for one in values if isinstance(one, str))
        more, most = self._subset.long_enum
        if len(values) > more and length > most:
            raise _Unsayable(f"an enumeration of over {more} values has over {most} characters")
        self._values += len(values)
        self._characters += length + (len(schema["const"]) if isinstance(schema.get("const"), str) else 0)
        for place in ("properties", "$defs", "definitions"):
            named = schema.get(place)
            self._characters += sum(map(len, named)) if isinstance(named, dict) else 0

    def _kept(self, name: str, value: object) -> bool:
        subset = self._subset
        if name in ("enum", "const") and subset.listed is not None:
            values = value if name == "enum" and isinstance(value, list) else [value]
            if any(type(one) not in subset.listed for one in values):
                return False
        if name == "$ref" and not (isinstance(value, str) and value.startswith("#")):
            raise _Unsayable("it refers to another document")
        if name == "format" and subset.formats is not None and value not in subset.formats:
            return False
        if name == "minItems" and subset.least_items is not None:
            return isinstance(value, int) and value <= subset.least_items
        return name in subset.keywords or (subset.closed and name == "additionalProperties")

    def _value(self, name: str, value: Any, depth: int) -> Any:
        if name in _NESTED and isinstance(value, dict):
            return self.node(value, depth + 1)
        if name in _LISTS and isinstance(value, list):
            return [self.node(one, depth + 1) for one in value]
        if name in _MAPS and isinstance(value, dict):
            self._properties += len(value) if name == "properties" else 0
            return {key: self.node(one, depth + 1) for key, one in value.items()}
        return value

    def _composed(self, schema: dict[str, Any]) -> dict[str, Any]:
        """`oneOf` as `anyOf`, and `allOf` as the one schema that it amounts to, where those are not taken."""
        keywords, several = self._subset.keywords, schema.get("allOf")
        if "const" in schema and "const" not in keywords and "enum" not in schema:
            schema = {("enum" if name == "const" else name): value for name, value in schema.items()}
            schema["enum"] = [schema["enum"]]
        if isinstance(schema.get("oneOf"), list) and "oneOf" not in keywords and "anyOf" not in schema:
            self._loosened["oneOf"] = None
            schema = {("anyOf" if name == "oneOf" else name): value for name, value in schema.items()}
        refers = self._subset.merged and isinstance(several, list) and any(_refs(several))
        if isinstance(several, list) and ("allOf" not in keywords or refers):
            merged = {name: value for name, value in schema.items() if name != "allOf"}
            for one in schema["allOf"]:
                if not isinstance(one, dict) or not _merge(merged, one):
                    raise _Unsayable("allOf joins schemas that cannot be written as one")
            schema = merged
        return schema

    def _object(self, schema: dict[str, Any], found: dict[str, Any]) -> None:
        subset = self._subset
        named, needed = found.get("properties"), schema.get("required")
        needed = needed if isinstance(needed, list) else []
        if isinstance(named, dict):
            self._optional += sum(name not in needed for name in named)
        if subset.closed:
            others = schema.get("additionalProperties")
            if isinstance(others, dict) or "patternProperties" in schema or (named is None and others is not False):
                raise _Unsayable("an object in it has members of any name")
            self._closing |= others is not False
            found["additionalProperties"] = False
        if subset.all_required:
            named = found.setdefault("properties", {})
            for name in named:
                if name not in needed and not _takes_null(named[name]):
                    named[name] = _nullable(named[name])
                    self.nulling = True
            found["required"] = list(named)


def _merge(into: dict[str, Any], one: dict[str, Any]) -> bool:
    """Add a member of `allOf` to its schema; False where both say something different of the same thing."""
    for name, value in one.items():
        if name not in into or into[name] == value:
            into[name] = value
        elif name == "properties" and isinstance(value, dict) and isinstance(into[name], dict):
            if any(key in into[name] and into[name][key] != inner for key, inner in value.items()):
                return False
            into[name] = {**into[name], **value}
        elif name == "required" and isinstance(value, list) and isinstance(into[name], list):
            into[name] = [*into[name], *(key for key in value if key not in into[name])]
        elif name not in ("title", "description"):
            return False
    return True


def _is_object(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema


def _takes_null(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return True
    several = schema.get("anyOf")
    return isinstance(several, list) and any(isinstance(one, dict) and _takes_null(one) for one in several)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if isinstance(kind, str | list) and not {"const", "anyOf", "$ref"} & schema.keys():
        widened = {**schema, "type": [*([kind] if isinstance(kind, str) else kind), "null"]}
        if isinstance(schema.get("enum"), list):
            widened["enum"] = [*schema["enum"], None]
        return widened
    if isinstance(schema.get("anyOf"), list) and kind is None:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]}


def _recurs(root: Mapping[str, Any]) -> bool:
    """Whether a definition leads back to itself. A reference that is not to a definition counts as one to the root."""
    kept: dict[str, Any] = {}
    for place in ("$defs", "definitions"):
        inner = root.get(place)
        if isinstance(inner, dict):
            kept |= {f"#/{place}/{name}": value for name, value in inner.items()}
    rest = {name: value for name, value in root.items() if name not in ("$defs", "definitions")}
    leads = {name: {ref if ref in kept else "#" for ref in _refs(value)} for name, value in {**kept, "#": rest}.items()}
    # What only leads to places that end, ends; what never gets there goes round.
    ending: set[str] = set()
    while grown := {name for name, to in leads.items() if name not in ending and to <= ending}:
        ending |= grown
    return "#" not in ending


def _refs(value: object) -> Iterator[str]:
    open_ = [value]
    while open_:
        one = open_.pop()
        if isinstance(one, dict):
            if isinstance(ref := one.get("$ref"), str):
                yield ref
            open_.extend(one.values())
        elif isinstance(one, list):
            open_.extend(one)
