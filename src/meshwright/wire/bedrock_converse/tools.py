"""Tools and the choice among them, both ways.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html, ..._Tool.html and
..._ToolChoice.html. A choice is one of auto, any, tool; no tool at all cannot be said. The API wants tools wherever the
conversation holds calls or results.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.request import Request, ToolChoice, ToolSpec
from meshwright.wire.bedrock_converse.blocks_out import Wire, cache_point
from meshwright.wire.bedrock_converse.shapes import NAME, Tool, ToolSpecification
from meshwright.wire.functions import NO_ARGUMENTS, among, hosted_out
from meshwright.wire.notes import Notes
from meshwright.wire.tool_schemas import object_schema
from meshwright.wire.verbatim import below, is_object, members

_TOOL: msgspec.json.Decoder[Tool] = msgspec.json.Decoder(Tool)
_SPECIFICATION: msgspec.json.Decoder[ToolSpecification] = msgspec.json.Decoder(ToolSpecification)
_LIST: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


def tools_in(raw: Raw) -> tuple[ToolSpec, ...]:
    """`toolConfig.tools`. Raises ValidationError."""
    specs: list[ToolSpec] = []
    for index, one in enumerate(_LIST.decode(raw)):
        try:
            _tool_in(one, specs)
        except msgspec.ValidationError as error:
            raise below(error, f"[{index}]") from None
    return tuple(specs)


def _tool_in(raw: Raw, specs: list[ToolSpec]) -> None:
    try:
        tool = _TOOL.decode(raw)
    except msgspec.ValidationError:
        tool = Tool()
    mark = tool.cache_point
    if tool.tool_spec is not None and mark is None:
        specs.append(_spec(tool.tool_spec, ()))
    elif mark is not None and tool.tool_spec is None and specs and specs[-1].cache is None and not specs[-1].hosted:
        specs[-1] = msgspec.structs.replace(specs[-1], cache=mark.ttl or "5m")
    else:
        specs.append(_patiently(raw))


def _spec(tool: ToolSpecification, extra: tuple[Opaque, ...]) -> ToolSpec:
    if not is_object(tool.input_schema.json):
        raise msgspec.ValidationError("Expected `object` - at `$.toolSpec.inputSchema.json`")
    return ToolSpec(
        name=tool.name,
        description=tool.description or "",
        schema=tool.input_schema.json,
        strict=tool.strict,
        extra=extra,
    )


def _patiently(raw: Raw) -> ToolSpec:
    """A tool with members that we do not know, or one of the provider's own, which is kept verbatim."""
    given = members(raw)
    given.pop("__type", None)
    if len(given) != 1:
        raise msgspec.ValidationError("A tool has exactly one member, such as `toolSpec`")
    kind, value = next(iter(given.items()))
    if kind != "toolSpec":
        return ToolSpec(name=kind, kind="hosted", hosted=Opaque(NAME, kind, raw))
    try:
        inner = members(value)
        known = {name: one for name, one in inner.items() if name in ToolSpecification.__struct_encode_fields__}
        schema = members(known["inputSchema"]) if "inputSchema" in known else {}
        if schema and schema.keys() != {"json"}:
            return ToolSpec(name=kind, kind="hosted", hosted=Opaque(NAME, kind, raw))
        extra = [Opaque(NAME, name, one) for name, one in inner.items() if name not in known]
        return _spec(_SPECIFICATION.decode(msgspec.json.encode(known)), tuple(extra))
    except msgspec.ValidationError as error:
        raise error if "toolSpec" in str(error) else below(error, kind) from None


def choice_in(raw: Raw, extra: list[Opaque]) -> ToolChoice | None:
    """`toolConfig.toolChoice`; one that we do not know goes to `extra`. Raises ValidationError."""
    given = members(raw)
    for name in ("auto", "any", "tool"):
        if given.keys() == {name}:
            inner = members(given[name])
            if name == "auto" and not inner:
                return ToolChoice("auto")
            if name == "any" and not inner:
                return ToolChoice("required")
            if name == "tool" and inner.keys() == {"name"}:
                return ToolChoice("tool", (_STRING.decode(inner["name"]),))
    extra.append(Opaque(NAME, "toolConfig.toolChoice", raw))
    return None


def tools_out(request: Request, called: Iterable[str], results: bool, notes: Notes) -> list[Wire]:
    """The tools that can be sent; of those, only the allowed ones when the choice names some.

    `called` are the tools of the conversation's calls; `results`: it holds a result.
    """
    choice = request.tool_choice
    called = tuple(called)
    specs = among(request, ("auto", "required"), notes)
    if choice is not None and choice.mode == "none" and specs and not called and not results:
        notes.changed("tool_choice", "That no tool may be called is said by sending none.")
        notes.dropped("tools", "No tool may be called, and the dialect cannot say so beside the tools.")
        return []
    wire: list[Wire] = []
    for spec in specs:
        tool = _tool_out(spec, notes)
        if tool is not None:
            wire.append(tool)
            if spec.cache is not None:
                wire.append(cache_point(spec.cache))
        elif spec.cache is not None:
            notes.dropped("tools.cache", "What is left out cannot carry a cache mark.")
    if not wire and (called or results):
        notes.changed("tools", "The API wants tools where the conversation holds calls: they are named, not described.")
        wire += [{"toolSpec": {"name": name, "inputSchema": {"json": NO_ARGUMENTS}}} for name in called or ("tool",)]
    return wire


def _tool_out(spec: ToolSpec, notes: Notes) -> Wire | None:
    if spec.kind == "hosted":
        return hosted_out(spec, NAME, notes)
    tool: dict[str, object] = {"name": spec.name}
    if spec.description:
        tool["description"] = spec.description
    tool["inputSchema"] = {"json": object_schema(spec, notes)}
    if spec.strict is not None:
        tool["strict"] = spec.strict
    for extra in spec.extra:
        if extra.dialect == NAME:
            tool[extra.kind] = extra.raw
        else:
            notes.foreign(f"tools.{extra.kind}", extra)
    return {"toolSpec": tool}


def choice_out(request: Request, tools: list[Wire], notes: Notes) -> dict[str, object] | None:
    """`toolChoice`; None is left to the model."""
    choice = request.tool_choice
    if request.parallel_tools is False:
        notes.dropped("parallel_tools", "The dialect cannot say that tools are called one by one.")
    if choice is None:
        return None
    if not tools:
        if not request.tools or choice.mode != "none":
            notes.dropped("tool_choice", "There is no tool to choose.")
        return None
    match choice:
        case ToolChoice(mode="none"):
            notes.dropped("tool_choice", "The dialect cannot say that no tool may be called.")
            return None
        case ToolChoice(mode="tool", names=names):
            if len(names) != 1:
                notes.changed("tool_choice", "Exactly one tool can be asked for.")
            return {"tool": {"name": names[0]}} if names else {"any": {}}
        case ToolChoice(mode="required"):
            return {"any": {}}
    return {"auto": {}}
