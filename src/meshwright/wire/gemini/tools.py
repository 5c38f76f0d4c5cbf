"""Tools and the choice among them, both ways.

Source: https://ai.google.dev/api/caching (Tool, FunctionDeclaration, ToolConfig) and
https://ai.google.dev/gemini-api/docs/function-calling (modes; VALIDATED with names is the model's choice among them).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.request import Request, ToolChoice, ToolSpec
from meshwright.wire.functions import FREE_TEXT, TAKES_TEXT, hosted_out
from meshwright.wire.gemini.schema import json_schema
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.gemini.spelling import listed, members, respelled
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import below, is_object, raw_of

_DECLARED = frozenset(
    {"name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior"}
)
_KINDS = frozenset(
    {
        "functionDeclarations", "googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "computerUse",
        "fileSearch", "googleMaps", "retrieval", "enterpriseWebSearch", "mcpServers", "parallelAiSearch", "exaAiSearch",
    }
)  # fmt: skip
_CALLING = frozenset({"mode", "allowedFunctionNames", "streamFunctionCallArguments"})
_CONFIG = frozenset({"functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"})
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_NAMES: msgspec.json.Decoder[list[str]] = msgspec.json.Decoder(list[str])
_SCHEMA: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
CALLING = "toolConfig.functionCallingConfig"


def tools_in(raw: Raw) -> tuple[ToolSpec, ...]:
    """`tools`: each function by itself, each of Google's own tools verbatim. Raises msgspec.ValidationError."""
    specs: list[ToolSpec] = []
    for index, tool in enumerate(listed(raw)):
        try:
            found = members(tool, _KINDS)
            for kind, value in found.items():
                if kind != "functionDeclarations":
                    specs.append(ToolSpec(name=kind, kind="hosted", hosted=Opaque(NAME, kind, raw_of({kind: value}))))
                    continue
                for number, declared in enumerate(listed(value)):
                    try:
                        specs.append(_function_in(declared))
                    except msgspec.ValidationError as error:
                        raise below(error, f"functionDeclarations[{number}]") from None
        except msgspec.ValidationError as error:
            raise below(error, f"tools[{index}]") from None
    return tuple(specs)


def _function_in(raw: Raw) -> ToolSpec:
    found = members(raw, _DECLARED)
    if "name" not in found:
        raise msgspec.ValidationError("Object missing required field `name`")
    name, description = (
        _at(member, _STRING, found[member]) if member in found else "" for member in ("name", "description")
    )
    schema: Raw | None = None
    used = {"name", "description"}
    for member in ("parametersJsonSchema", "parameters"):
        if member in found and schema is None:
            used.add(member)
            _at(member, _SCHEMA, found[member])
            schema = found[member] if member == "parametersJsonSchema" else json_schema(found[member])
    extra = tuple(Opaque(NAME, member, value) for member, value in found.items() if member not in used)
    return ToolSpec(name=name, description=description, schema=schema, extra=extra)


def _at(path: str, decoder: msgspec.json.Decoder[Any], raw: Raw) -> Any:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise below(error, path) from None


def choice_in(raw: Raw, extra: list[Opaque]) -> ToolChoice | None:
    """`toolConfig`; what has no place in a choice goes to `extra`. Raises msgspec.ValidationError."""
    config = members(raw, _CONFIG)
    extra += [Opaque(NAME, f"toolConfig.{name}", value) for name, value in config.items() if name not in _CONFIG]
    extra += [
        Opaque(NAME, f"toolConfig.{name}", config[name])
        for name in sorted(_CONFIG & config.keys())
        if name != "functionCallingConfig"
    ]
    if "functionCallingConfig" not in config:
        return None
    try:
        calling = respelled(_SCHEMA.decode(config["functionCallingConfig"]), _CALLING)
        mode = _at("mode", _STRING, calling["mode"]).upper() if "mode" in calling else ""
        names = tuple(_at("allowedFunctionNames", _NAMES, calling.get("allowedFunctionNames", Raw(b"[]"))))
    except msgspec.ValidationError as error:
        raise below(error, "functionCallingConfig") from None
    choice = _meant(mode, names)
    kept = {name: value for name, value in calling.items() if name not in ("mode", "allowedFunctionNames")}
    if choice is None or (mode == "VALIDATED" and not names):
        kept |= {"mode": calling["mode"]} if "mode" in calling else {}
    if names and (choice is None or not choice.names):
        kept["allowedFunctionNames"] = calling["allowedFunctionNames"]
    extra += [Opaque(NAME, f"{CALLING}.{name}", value) for name, value in kept.items()]
    return choice


def _meant(mode: str, names: tuple[str, ...]) -> ToolChoice | None:
    match mode:
        case "AUTO":
            return ToolChoice("auto")
        case "VALIDATED":
            return ToolChoice("auto", names)
        case "NONE":
            return ToolChoice("none")
        case "ANY":
            return ToolChoice("tool", names) if len(names) == 1 else ToolChoice("required", names)
    return None


def tools_out(request: Request, notes: Notes) -> list[dict[str, Any] | Raw]:
    """`tools`: functions in a row in one of them, each of the provider's own tools by itself."""
    found: list[dict[str, Any] | Raw] = []
    functions: list[dict[str, Any]] = []
    for spec in request.tools:
        if spec.cache is not None:
            notes.dropped("tools.cache", "What is cached is not marked here.")
        if spec.kind != "hosted":
            if not functions:
                found.append({"functionDeclarations": functions})
            functions.append(_function_out(spec, notes))
        elif (raw := hosted_out(spec, NAME, notes)) is not None:
            found.append(raw)
            functions = []
    return found


def _function_out(spec: ToolSpec, notes: Notes) -> dict[str, Any]:
    tool: dict[str, Any] = {"name": spec.name}
    if spec.description:
        tool["description"] = spec.description
    if spec.grammar is not None:
        notes.dropped("tools.grammar", "The dialect has no grammars for what a tool takes.")
    if spec.strict:
        notes.dropped("tools.strict", "Whether schemas are kept to is not said for a tool here.")
    if spec.kind == "custom":
        notes.changed("tools.custom", FREE_TEXT)
        tool["parametersJsonSchema"] = TAKES_TEXT
    elif spec.schema is not None and is_object(spec.schema):
        tool["parametersJsonSchema"] = spec.schema
    elif spec.schema is not None:
        notes.dropped("tools.schema", "A schema is an object here.")
    for extra in spec.extra:
        if extra.dialect == NAME:
            tool[extra.kind] = extra.raw
        else:
            notes.foreign(f"tools.{extra.kind}", extra)
    return tool


def choice_out(request: Request, tools: list[dict[str, Any] | Raw], notes: Notes) -> dict[str, Any] | None:
    """`functionCallingConfig`; the API refuses one without functions."""
    choice = request.tool_choice
    if request.parallel_tools is False:
        notes.dropped("parallel_tools", "How many tools are called at once is the model's choice here.")
    if choice is None:
        return None
    if not any(isinstance(tool, dict) for tool in tools):
        notes.dropped("tool_choice", "There is no function to choose.")
        return None
    match choice:
        case ToolChoice(mode="none", names=names):
            if names:
                notes.dropped("tool_choice.names", "No tool may be called, whatever its name.")
            return {"mode": "NONE"}
        case ToolChoice(mode="auto", names=()):
            return {"mode": "AUTO"}
        case ToolChoice(mode="auto", names=names):
            return {"mode": "VALIDATED", "allowedFunctionNames": list(names)}
        case ToolChoice(names=()):
            if choice.mode == "tool":
                notes.changed("tool_choice", "The tool to call has no name: any may be called.")
            return {"mode": "ANY"}
        case ToolChoice(names=names):
            if (choice.mode == "tool") != (len(names) == 1):
                notes.moved("tool_choice", "One of these tools must be called.")
            return {"mode": "ANY", "allowedFunctionNames": list(names)}
