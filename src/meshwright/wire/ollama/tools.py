"""Tools, both ways. The dialect has no choice among them: the model decides, among those that were sent.

Source: https://docs.ollama.com/capabilities/tool-calling.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.request import Request, ToolChoice, ToolSpec
from meshwright.wire.ollama.notes import Notes
from meshwright.wire.ollama.shapes import Tool, ToolFunction
from meshwright.wire.ollama.turns_in import below
from meshwright.wire.ollama.verbatim import NAME, is_object, is_string, own, present

FREE_TEXT = "A tool that takes free text takes it as `input` of an object here."
"""Why a custom tool, its calls and its results are changed."""

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


def tool_in(raw: Raw) -> ToolSpec:
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


def tools_out(request: Request, notes: Notes) -> list[dict[str, object] | Raw]:
    """The tools to send. A choice narrows them where it can; where it must force a call, the dialect cannot."""
    specs = request.tools
    if request.parallel_tools is False:
        notes.dropped("parallel_tools", "The model itself decides how many tools it calls.")
    match request.tool_choice:
        case None | ToolChoice(mode="auto", names=()):
            pass
        case ToolChoice(mode="none"):
            if specs:
                notes.changed("tool_choice", "That no tool may be called is said by sending none.")
                notes.dropped("tools", "That no tool may be called is said by sending none.")
            else:
                notes.dropped("tool_choice", "Without tools none can be called anyway.")
            return []
        case ToolChoice(mode=mode, names=names):
            if mode == "auto":
                notes.changed("tool_choice", "Which tools may be called is said by sending only those.")
            else:
                notes.dropped("tool_choice", "The model itself decides whether it calls a tool.")
            if names:
                specs = tuple(spec for spec in specs if spec.name in names)
                if len(specs) < len(request.tools):
                    notes.changed("tools", "Which tools may be called is said by sending only those.")
    return [tool for spec in specs if (tool := _tool_out(spec, notes)) is not None]


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
    if spec.strict is not None:
        notes.dropped("tools.strict", "Arguments are not held to their schema here.")
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
