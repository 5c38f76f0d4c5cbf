"""Tools and the choice among them, both ways.

Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.request import Request, ToolChoice, ToolSpec
from meshwright.wire.anthropic_messages.blocks_in import ttl
from meshwright.wire.anthropic_messages.blocks_out import marked
from meshwright.wire.anthropic_messages.shapes import NAME, CacheMark, Choice, Tool
from meshwright.wire.functions import among, hosted_out
from meshwright.wire.notes import Notes
from meshwright.wire.tool_schemas import object_schema
from meshwright.wire.verbatim import below, is_object, present

_TOOL: msgspec.json.Decoder[Tool] = msgspec.json.Decoder(Tool)
_CHOICE: msgspec.json.Decoder[Choice] = msgspec.json.Decoder(Choice)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_MARK: msgspec.json.Decoder[CacheMark] = msgspec.json.Decoder(CacheMark)
_MODES = {"auto": "auto", "none": "none", "any": "required", "tool": "tool"}


def tool_in(raw: Raw) -> ToolSpec:
    """One tool. Everything with a type of its own is the provider's and kept verbatim. Raises ValidationError."""
    try:
        tool = _TOOL.decode(raw)
    except msgspec.ValidationError:
        return _patiently(raw)
    return _spec(tool, ())


def _spec(tool: Tool, extra: tuple[Opaque, ...]) -> ToolSpec:
    if not is_object(tool.input_schema):
        raise msgspec.ValidationError("Expected `object` - at `$.input_schema`")
    return ToolSpec(
        name=tool.name,
        description=tool.description or "",
        schema=tool.input_schema,
        strict=tool.strict,
        cache=ttl(tool.cache_control),
        extra=extra,
    )


def _patiently(raw: Raw) -> ToolSpec:
    members = _MEMBERS.decode(raw)
    kind = members.get("type")
    if kind is not None and present(kind):
        try:
            name = _STRING.decode(kind)
        except msgspec.ValidationError as error:
            raise below(error, "type") from None
        if name != "custom":
            return ToolSpec(name=name, kind="hosted", hosted=Opaque(NAME, name, raw))
    known = {name: value for name, value in members.items() if name in Tool.__struct_fields__ and present(value)}
    extra = [
        Opaque(NAME, name, value)
        for name, value in members.items()
        if name not in Tool.__struct_fields__ and present(value)
    ]
    mark = known.get("cache_control")
    if mark is not None:
        try:
            _MARK.decode(mark)
        except msgspec.ValidationError:
            _MEMBERS.decode(mark)  # not even an object: the caller's mistake
            extra.append(Opaque(NAME, "cache_control", known.pop("cache_control")))
    return _spec(_TOOL.decode(msgspec.json.encode(known)), tuple(extra))


def choice_in(raw: Raw, extra: list[Opaque]) -> tuple[ToolChoice | None, bool | None]:
    """(the choice, whether tools may be called in parallel). Raises ValidationError."""
    try:
        choice = _CHOICE.decode(raw)
    except msgspec.ValidationError:
        members = _MEMBERS.decode(raw)
        known = {name: value for name, value in members.items() if name in Choice.__struct_fields__}
        choice = _CHOICE.decode(msgspec.json.encode(known))
        extra += [Opaque(NAME, f"tool_choice.{name}", members[name]) for name in members.keys() - known.keys()]
    parallel = None if choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use
    match choice.type:
        case "auto":
            return ToolChoice("auto"), parallel
        case "none":
            return ToolChoice("none"), parallel
        case "any":
            return ToolChoice("required"), parallel
        case "tool":
            if not choice.name:
                raise msgspec.ValidationError("Object missing required field `name`")
            return ToolChoice("tool", (choice.name,)), parallel
    raise msgspec.ValidationError(f"Invalid value {choice.type!r}, one of {', '.join(_MODES)} - at `$.type`")


def tools_out(request: Request, notes: Notes) -> list[dict[str, object] | Raw]:
    """The tools that can be sent; of those, only the allowed ones when the choice names some."""
    specs = among(request, ("auto", "required"), notes)
    return [tool for spec in specs if (tool := _tool_out(spec, notes)) is not None]


def _tool_out(spec: ToolSpec, notes: Notes) -> dict[str, object] | Raw | None:
    if spec.kind == "hosted":
        return hosted_out(spec, NAME, notes)
    tool: dict[str, object] = {"name": spec.name}
    if spec.description:
        tool["description"] = spec.description
    tool["input_schema"] = object_schema(spec, notes)
    if spec.strict is not None:
        tool["strict"] = spec.strict
    for extra in spec.extra:
        if extra.dialect == NAME:
            tool[extra.kind] = extra.raw
        else:
            notes.foreign(f"tools.{extra.kind}", extra)
    return marked(tool, spec.cache)


def choice_out(request: Request, tools: Sequence[object], notes: Notes) -> dict[str, object] | None:
    """`tool_choice`; the API refuses one without tools."""
    choice, parallel = request.tool_choice, request.parallel_tools
    if not tools:
        if choice is not None and choice.mode != "none":
            notes.dropped("tool_choice", "There is no tool to choose.")
        elif choice is not None:
            notes.dropped("tool_choice", "Without tools none can be called anyway.")
        if parallel is not None:
            notes.dropped("parallel_tools", "There is no tool to call.")
        return None
    if choice is None and parallel is None:
        return None
    wire: dict[str, object] = {"type": "auto"}
    match choice:
        case ToolChoice(mode="none", names=names):
            if names:
                notes.dropped("tool_choice.names", "No tool may be called, whatever its name.")
            if parallel is not None:
                notes.dropped("parallel_tools", "No tool may be called.")
            return {"type": "none"}
        case ToolChoice(mode="required"):
            wire = {"type": "any"}
        case ToolChoice(mode="tool", names=names):
            wire = {"type": "tool", "name": names[0]} if names else {"type": "any"}
            if len(names) != 1:
                notes.changed("tool_choice", "Exactly one tool can be asked for.")
    if parallel is not None:
        wire["disable_parallel_tool_use"] = not parallel
    return wire
