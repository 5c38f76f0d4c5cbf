"""Tools as functions of a name, a description and parameters: what dialects do alike, and the form of OpenAI's chat.

Source: https://docs.cohere.com/docs/tool-use-usage-patterns and https://docs.ollama.com/capabilities/tool-calling.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Literal

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.request import Request, ToolSpec
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import NOTHING, below, is_object, is_string, members, present

FREE_TEXT = "A tool that takes free text takes it as `input` of an object here."
"""Why a custom tool, its calls and its results are changed."""
NO_ARGUMENTS: dict[str, object] = {"type": "object", "properties": {}}
ONLY_THOSE = "Which tools may be called is said by sending only those."


class _Function(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str
    description: str | None = None
    parameters: Raw = NOTHING


class _Tool(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    function: _Function
    type: Literal["function"] | None = None


_TOOL: msgspec.json.Decoder[_Tool] = msgspec.json.Decoder(_Tool)
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_INNER = frozenset(_Function.__struct_fields__)
TAKES_TEXT: dict[str, object] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
}


def function_in(raw: Raw, dialect: str, strict: bool | None = None) -> ToolSpec:
    """One tool; one that is no function is kept verbatim. Raises ValidationError."""
    extra: list[Opaque] = []
    try:
        tool = _TOOL.decode(raw)
    except msgspec.ValidationError:
        said = members(raw)
        kind = said.get("type", Raw())
        if is_string(kind) and bytes(kind) != b'"function"':
            name = _STRING.decode(kind)
            return ToolSpec(name=name, kind="hosted", hosted=Opaque(dialect, name, raw))
        tool = _TOOL.decode(msgspec.json.encode(_known(said, dialect, extra)))
    function = tool.function
    if present(function.parameters) and not is_object(function.parameters):
        raise msgspec.ValidationError("Expected `object` - at `$.function.parameters`")
    return ToolSpec(
        name=function.name,
        description=function.description or "",
        schema=function.parameters if present(function.parameters) else None,
        strict=strict,
        extra=tuple(extra),
    )


def _known(given: dict[str, Raw], dialect: str, extra: list[Opaque]) -> dict[str, object]:
    known: dict[str, object] = {}
    for name, value in given.items():
        if name == "function":
            try:
                inner = members(value)
            except msgspec.ValidationError as error:
                raise below(error, "function") from None
            known[name] = {one: kept for one, kept in inner.items() if one in _INNER}
            extra += [Opaque(dialect, f"function.{one}", left) for one, left in inner.items() if one not in _INNER]
        elif name == "type":
            known[name] = value
        else:
            extra.append(Opaque(dialect, name, value))
    return known


def among(request: Request, modes: Container[str], notes: Notes) -> tuple[ToolSpec, ...]:
    """The tools; where a choice of one of these modes names some of them, those only."""
    choice, specs = request.tool_choice, request.tools
    if choice is None or not choice.names or choice.mode not in modes:
        return specs
    notes.changed("tool_choice", ONLY_THOSE)
    named = tuple(spec for spec in specs if spec.name in choice.names)
    if len(named) < len(specs):
        notes.changed("tools", ONLY_THOSE)
    return named


def nothing_to_choose(request: Request, notes: Notes) -> Request:
    """The request without a choice among tools, for an API that refuses one where no tool is sent."""
    if request.tool_choice is not None:
        notes.dropped("tool_choice", "There is no tool to choose.")
    if request.parallel_tools is not None:
        notes.dropped("parallel_tools", "There is no tool to call.")
    return msgspec.structs.replace(request, tool_choice=None, parallel_tools=None)


def hosted_out(spec: ToolSpec, dialect: str, notes: Notes) -> Raw | None:
    """A tool that runs at a provider, verbatim; None when it is another dialect's."""
    if spec.hosted is not None and spec.hosted.dialect == dialect:
        return spec.hosted.raw
    notes.dropped("tools.hosted", f"The tool {spec.name} runs at another provider.")
    return None


def function_out(spec: ToolSpec, dialect: str, notes: Notes) -> dict[str, object] | Raw | None:
    """One tool; None when it runs at another provider. Whether it is strict is the caller's to say."""
    if spec.kind == "hosted":
        return hosted_out(spec, dialect, notes)
    function: dict[str, object] = {"name": spec.name}
    if spec.description:
        function["description"] = spec.description
    function["parameters"] = parameters_out(spec, notes)
    tool: dict[str, object] = {"type": "function", "function": function}
    if spec.cache is not None:
        notes.dropped("tools.cache", "The dialect has no cache marks.")
    for extra in spec.extra:
        if extra.dialect != dialect:
            notes.foreign(f"tools.{extra.kind}", extra)
        elif extra.kind.startswith("function."):
            function[extra.kind.removeprefix("function.")] = extra.raw
        else:
            tool[extra.kind] = extra.raw
    return tool


def parameters_out(spec: ToolSpec, notes: Notes) -> Raw | dict[str, object]:
    """What a tool takes: its own schema, that of a text for one that takes free text, or an empty object's."""
    if spec.grammar is not None:
        notes.dropped("tools.grammar", "The dialect has no grammars for what a tool takes.")
    if spec.kind == "custom":
        notes.changed("tools.custom", FREE_TEXT)
        return TAKES_TEXT
    return NO_ARGUMENTS if spec.schema is None else spec.schema
