"""Tools and the choice among them, both ways.

Source: https://docs.cohere.com/docs/tool-use-usage-patterns and https://docs.cohere.com/docs/structured-outputs. One
switch, `strict_tools`, holds the arguments of all tools to their schemas.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.request import Request, ToolChoice, ToolSpec
from meshwright.wire.cohere.notes import Notes
from meshwright.wire.cohere.shapes import Tool, ToolFunction
from meshwright.wire.cohere.turns_in import below
from meshwright.wire.cohere.turns_out import FREE_TEXT
from meshwright.wire.cohere.verbatim import NAME, is_object, is_string, own, present

_TOOL: msgspec.json.Decoder[Tool] = msgspec.json.Decoder(Tool)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_INNER = frozenset(ToolFunction.__struct_fields__)
_NO_ARGUMENTS: dict[str, object] = {"type": "object", "properties": {}}
_TAKES_TEXT: dict[str, object] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
}


def tool_in(raw: Raw, strict: bool | None = None) -> ToolSpec:
    """One tool; one that is no function is kept verbatim. Raises ValidationError."""
    extra: list[Opaque] = []
    try:
        tool = _TOOL.decode(raw)
    except msgspec.ValidationError:
        members = {name: value for name, value in _MEMBERS.decode(raw).items() if present(value)}
        kind = members.get("type", Raw())
        if is_string(kind) and bytes(kind) != b'"function"':
            name = _STRING.decode(kind)
            return ToolSpec(name=name, kind="hosted", hosted=Opaque(NAME, name, raw))
        tool = _TOOL.decode(msgspec.json.encode(_known(members, extra)))
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


def _known(members: dict[str, Raw], extra: list[Opaque]) -> dict[str, object]:
    known: dict[str, object] = {}
    for name, value in members.items():
        if name == "function":
            try:
                inner = _MEMBERS.decode(value)
            except msgspec.ValidationError as error:
                raise below(error, "function") from None
            known[name] = {one: said for one, said in inner.items() if one in _INNER}
            extra += [
                Opaque(NAME, f"function.{one}", said)
                for one, said in inner.items()
                if one not in _INNER and present(said)
            ]
        elif name == "type":
            known[name] = value
        else:
            extra.append(Opaque(NAME, name, value))
    return known


def choice_in(word: str) -> ToolChoice:
    """`tool_choice`. Raises ValidationError."""
    match word.upper():
        case "REQUIRED":
            return ToolChoice("required")
        case "NONE":
            return ToolChoice("none")
        case "AUTO":
            return ToolChoice("auto")
    raise msgspec.ValidationError(f"Invalid value {word[:40]!r}, one of REQUIRED, NONE - at `$.tool_choice`")


def tools_out(request: Request, notes: Notes) -> dict[str, object]:
    """The members about tools. A choice of some of them is said by sending only those."""
    choice, specs = request.tool_choice, request.tools
    if choice is not None and choice.names and choice.mode != "none":
        notes.changed("tool_choice", "Which tools may be called is said by sending only those.")
        specs = tuple(spec for spec in specs if spec.name in choice.names)
        if len(specs) < len(request.tools):
            notes.changed("tools", "Which tools may be called is said by sending only those.")
    if request.parallel_tools is False:
        notes.dropped("parallel_tools", "The model itself decides how many tools it calls.")
    found: dict[str, object] = {}
    tools = [tool for spec in specs if (tool := _tool_out(spec, notes)) is not None]
    if tools:
        found["tools"] = tools
        strict = {spec.strict for spec in specs if spec.kind != "hosted"}
        if len(strict) > 1:
            notes.changed("tools.strict", "All tools are strict here or none: none is.")
        elif strict and None not in strict:
            found["strict_tools"] = strict.pop()
    match choice:
        case None | ToolChoice(mode="auto"):
            pass
        case _ if not tools:
            notes.dropped("tool_choice", "There is no tool to choose.")
        case ToolChoice(mode="none", names=names):
            if names:
                notes.dropped("tool_choice.names", "No tool may be called, whatever its name.")
            found["tool_choice"] = "NONE"
        case _:
            if choice.mode == "tool" and len(choice.names) != 1:
                notes.changed("tool_choice", "Exactly one tool can be asked for.")
            found["tool_choice"] = "REQUIRED"
    return found


def _tool_out(spec: ToolSpec, notes: Notes) -> dict[str, object] | Raw | None:
    if spec.kind == "hosted":
        if spec.hosted is not None and own(spec.hosted):
            return spec.hosted.raw
        notes.dropped("tools.hosted", f"The tool {spec.name} runs at another provider.")
        return None
    function: dict[str, object] = {"name": spec.name}
    if spec.description:
        function["description"] = spec.description
    function["parameters"] = _parameters(spec, notes)
    tool: dict[str, object] = {"type": "function", "function": function}
    if spec.cache is not None:
        notes.dropped("tools.cache", "The dialect has no cache marks.")
    for extra in spec.extra:
        if not own(extra):
            notes.foreign(f"tools.{extra.kind}", extra)
        elif extra.kind.startswith("function."):
            function[extra.kind.removeprefix("function.")] = extra.raw
        else:
            tool[extra.kind] = extra.raw
    return tool


def _parameters(spec: ToolSpec, notes: Notes) -> object:
    if spec.grammar is not None:
        notes.dropped("tools.grammar", "The dialect has no grammars for what a tool takes.")
    if spec.kind == "custom":
        notes.changed("tools.custom", FREE_TEXT)
        return _TAKES_TEXT
    return _NO_ARGUMENTS if spec.schema is None else spec.schema
