"""Whether an answer has the form that was asked for, and what mends it without asking again.

The only file that knows the validator. Schemas come from clients, so nothing is fetched, a pattern may not go back and
forth for ever, and both schema and answer are bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import jsonschema_rs
import msgspec

from meshwright.types.content import Refusal, ToolCall
from meshwright.types.request import OutputFormat, Request, ToolSpec
from meshwright.types.response import Choice

MAX_SCHEMA = 1024 * 1024
MAX_TEXT = 8 * 1024 * 1024
_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000, size_limit=1024 * 1024)
_FENCE = re.compile(r"```(?:json|JSON)?[ \t]*\r?\n(.*?)```", re.DOTALL)
_OPENING = re.compile(r"[\[{]")


class Unchecked(Exception):
    """The schema itself cannot be used, so nothing can be said of an answer."""


@lru_cache(maxsize=128)
def _validator(schema: bytes) -> jsonschema_rs.Validator:
    try:
        # Masked, because what is wrong stands on the trace, and answers do not belong there.
        return jsonschema_rs.validator_for(
            msgspec.json.decode(schema), pattern_options=_PATTERNS, offline=True, mask="The value"
        )
    except (ValueError, RecursionError) as error:  # the library's own errors and those of JSON are ValueErrors
        raise Unchecked(str(error).partition("\n")[0][:300]) from None


def as_json(schema: Mapping[str, Any] | str) -> bytes:
    """A schema of the configuration as JSON."""
    return schema.encode() if isinstance(schema, str) else msgspec.json.encode(schema)


def fitting(schema: bytes) -> Callable[[str], str]:
    """A function that says what is wrong with a text by this JSON schema. Raises Unchecked for one that is none."""
    if len(schema) > MAX_SCHEMA:
        raise Unchecked("the schema is too large")
    try:
        msgspec.json.decode(schema)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unchecked(f"the schema is not JSON: {error}") from None
    _validator(schema)
    return partial(wrong, OutputFormat(kind="schema", schema=msgspec.Raw(schema)))


def wrong(output: OutputFormat | None, text: str) -> str:
    """What is wrong with an answer's text, "" when it has the form. Raises Unchecked."""
    if len(text) > MAX_TEXT:
        raise Unchecked("the answer is too long to be checked")
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        return f"It is not JSON: {error}."
    return _unfit(output, value)


def _unfit(output: OutputFormat | None, value: Any) -> str:
    if output is None or output.schema is None:
        return "" if isinstance(value, dict) else "It is not a JSON object."
    schema = bytes(output.schema)
    if len(schema) > MAX_SCHEMA:
        raise Unchecked("the schema is too large to be checked")
    try:
        for error in _validator(schema).iter_errors(value):
            where = "/".join(str(step) for step in error.instance_path)
            return f"{error.message[:500]} (at /{where})"
    except (jsonschema_rs.ValidationError, RecursionError) as error:
        raise Unchecked(str(error).partition("\n")[0][:300]) from None
    return ""


def mended(output: OutputFormat | None, text: str, *, cut: bool) -> tuple[str, str]:
    """(the text that has the form, what was done), or ("", "") when nothing that needs no model helps.

    `cut`: words around the JSON may be taken away. Members that are null though the schema has them absent, as a
    narrowed schema makes a model write them, may be in any case. Raises Unchecked.
    """
    candidates = [(text.strip(), "")]
    if cut:
        candidates += [(found[1].strip(), "The code fence around the JSON was taken away.") for found in _fences(text)]
        candidates += _inner(text)
    for candidate, done in candidates:
        why = wrong(output, candidate)
        if not why:
            return candidate, done
        without = _without_nulls(output, candidate)
        if without:
            nulls = "Members that the schema would rather have absent than null were left out."
            return without, f"{done} {nulls}".strip()
    return "", ""


def _fences(text: str) -> list[re.Match[str]]:
    found = _FENCE.search(text)
    return [found] if found else []


def _inner(text: str) -> list[tuple[str, str]]:
    """The first JSON value in the words, if one begins at the first bracket."""
    opening = _OPENING.search(text)
    if opening is None:
        return []
    try:
        _, end = json.JSONDecoder().raw_decode(text, opening.start())
    except (ValueError, RecursionError):
        return []
    return [(text[opening.start() : end], "The words around the JSON were taken away.")]


def _without_nulls(output: OutputFormat | None, text: str) -> str:
    """The same without members whose null the schema refuses; "" when that alone does not help."""
    if output is None or output.schema is None:
        return ""
    try:
        value = msgspec.json.decode(text)
        for error in _validator(bytes(output.schema)).iter_errors(value):
            *path, last = error.instance_path or [""]
            holder = value
            for step in path:
                holder = holder[step]
            if not isinstance(holder, dict) or holder.get(last, "") is not None:
                return ""
            del holder[last]
    except (msgspec.DecodeError, jsonschema_rs.ValidationError, RecursionError, LookupError, TypeError):
        return ""
    return "" if _unfit(output, value) else msgspec.json.encode(value).decode()


def declined(choice: Choice) -> bool:
    """Whether the model refused to answer."""
    return choice.finish in ("refusal", "content_filter") or any(
        isinstance(one, Refusal) for one in choice.message.parts
    )


def calls(choice: Choice) -> list[ToolCall]:
    """The calls of functions in a choice."""
    return [one for one in choice.message.parts if isinstance(one, ToolCall) and one.kind == "function"]


def wrong_call(request: Request, call: ToolCall) -> str:
    """What is wrong with a tool call, "" when its arguments fit the tool's schema. Raises Unchecked."""
    spec = next((tool for tool in request.tools if tool.name == call.name and tool.kind == "function"), None)
    if spec is None:
        return "There is no tool of this name."
    return wrong(_arguments(spec), call.arguments or "{}")


def _arguments(spec: ToolSpec) -> OutputFormat | None:
    return OutputFormat(kind="schema", schema=spec.schema) if spec.schema is not None else None
