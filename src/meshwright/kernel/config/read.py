"""From mesh.toml and the environment to a Config, or to a list of everything that is wrong with them."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from meshwright.kernel.config.tables import Config
from meshwright.kernel.config.toml_lines import Path, key_lines, line_of
from meshwright.types.errors import ConfigError, Problem

T = TypeVar("T", bound=msgspec.Struct)
_AT_LINE = re.compile(r" ?\(at line (\d+), column (\d+)\)")
PREFIX = "MESH_"
RESERVED = frozenset({"MESH_CONFIG", "MESH_STATE_DIR", "MESH_MASTER_KEY", "MESH_KEY", "MESH_URL"})


def read_config(text: str, source: str = "mesh.toml", environment: Mapping[str, str] | None = None) -> Config:
    """Read the file's text; MESH_TABLE__FIELD variables override it. Raises ConfigError with every problem found.

    In a variable's name a double underscore is a dot: MESH_SERVER__PORT=8500, MESH_ROUTES__AUTO__STRATEGY=cheapest.
    Lists are written as TOML or with commas.
    """
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        match = _AT_LINE.search(str(error))
        problem = Problem(
            f"this is not TOML: {_AT_LINE.sub('', str(error))}.",
            line=int(match[1]) if match else None,
            source=source,
            fix="Text needs quotes, and a table begins with [name].",
        )
        raise ConfigError([problem]) from None
    reading = _Reading(source, key_lines(text))
    config = reading.struct(data, Config, ())
    if environment and config is not None and not reading.problems:
        override = _overrides(environment)
        if override:
            reading.source, reading.lines = "environment", {}
            config = reading.struct(_merged(data, override, Config), Config, ())
    if reading.problems or config is None:
        raise ConfigError(reading.problems)
    return config


class _Reading:
    """One reading of one file: collects problems instead of stopping at the first."""

    def __init__(self, source: str, lines: dict[Path, int]) -> None:
        self.source = source
        self.lines = lines
        self.problems: list[Problem] = []

    def problem(self, path: Path, message: str, fix: str) -> None:
        self.problems.append(
            Problem(message, field=dotted(path), line=line_of(self.lines, path), fix=fix, source=self.source)
        )

    def struct(self, data: Any, kind: type[T], path: Path) -> T | None:
        """`data` as a struct of that kind; None after a problem."""
        if not isinstance(data, dict):
            self.problem(
                path, f"this is a table, not {_name(data)}.", f"Write [{dotted(path)}] and its fields below it."
            )
            return None
        before = len(self.problems)
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        values: dict[str, Any] = {}
        for name, value in data.items():
            if name in fields:
                values[name] = self.value(value, fields[name].type, (*path, name))
                continue
            near = difflib.get_close_matches(name, fields, 1, 0.6)
            fix = f'Did you mean "{near[0]}"?' if near else f"Known here: {', '.join(sorted(fields))}."
            self.problem((*path, name), "there is no such field.", fix)
        return None if len(self.problems) > before else kind(**values)

    def value(self, data: Any, kind: Any, path: Path) -> Any:
        """`data` as a value of the field's type."""
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self.struct(data, kind, path)
        inner = get_args(kind)[-1] if get_origin(kind) is dict else None
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            if not isinstance(data, dict):
                self.problem(path, f"this is a table of tables, not {_name(data)}.", f"Write [{dotted(path)}.NAME].")
                return None
            return {name: self.struct(value, inner, (*path, name)) for name, value in data.items()}
        element = get_args(kind)[0] if get_origin(kind) is tuple else None
        if isinstance(element, type) and issubclass(element, msgspec.Struct):
            rows = data if isinstance(data, list) else [data]
            return tuple(self.struct(row, element, path) for row in rows)
        return self.plain(data, kind, path)

    def plain(self, data: Any, kind: Any, path: Path) -> Any:
        if isinstance(data, Decimal) and kind is float:
            data = float(data)
        elif get_origin(kind) is dict:
            data = _floats(data)
        elif isinstance(data, int | str) and not isinstance(data, bool) and Decimal in get_args(kind):
            data = str(data)
        try:
            return msgspec.convert(data, kind)
        except msgspec.ValidationError as error:
            self.problem(path, f"{str(error).split(' - at ')[0]}.", _fix(kind, path))
            return None


def dotted(path: Path) -> str:
    """A path as it is written in TOML."""
    return ".".join(word if re.fullmatch(r"[A-Za-z0-9_-]+", word) else f'"{word}"' for word in path)


def _fix(kind: Any, path: Path) -> str:
    name = path[-1] if path else "field"
    options = [option for option in get_args(kind) if option is not type(None)]
    literal = options[0] if len(options) == 1 else kind
    if choices := [choice for choice in get_args(literal) if isinstance(choice, str)]:
        return f"Write one of {', '.join(choices)}."
    examples = {int: "3", float: "2.5", bool: "true", str: '"text"', Decimal: '"0.25"'}
    for option in (kind, *options):
        if option in examples:
            return f"Write for example {name} = {examples[option]}."
        if get_origin(option) is tuple:
            words = [word for one in get_args(option) for word in get_args(one) if isinstance(word, str)]
            if words:
                return f"Write a list of some of {', '.join(words)}."
            return f'Write a list: {name} = ["one", "two"].'
        if get_origin(option) is dict:
            return f"Write a table: {name} = {{ key = value }}."
    return "See docs/reference/settings.md."


def _floats(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _floats(value) for key, value in data.items()}
    return float(data) if isinstance(data, Decimal) else data


def _name(data: Any) -> str:
    return {str: "text", bool: "true or false", int: "a number", Decimal: "a number", list: "a list"}.get(
        type(data), "this"
    )


def _overrides(environment: Mapping[str, str]) -> dict[Path, str]:
    found = {}
    for name, value in environment.items():
        if name.startswith(PREFIX) and "__" in name and name not in RESERVED:
            found[tuple(word.lower() for word in name.removeprefix(PREFIX).split("__"))] = value
    return found


def _merged(data: dict[str, Any], overrides: dict[Path, str], kind: Any) -> dict[str, Any]:
    merged = dict(data)
    for path, text in sorted(overrides.items()):
        here = merged
        for word in path[:-1]:
            inner = here.get(word)
            here[word] = here = dict(inner) if isinstance(inner, dict) else {}
        here[path[-1]] = _from_text(text)
    return merged


def _from_text(text: str) -> Any:
    """A variable's value as TOML if it reads as TOML (numbers, true, lists), else as the text that it is."""
    try:
        return tomllib.loads(f"v = {text}", parse_float=Decimal)["v"]
    except tomllib.TOMLDecodeError:
        return text.split(",") if "," in text else text
