"""The body of a client's request into a Request; its model and whether it streams are in the path (see `address`).

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html. A user's turn becomes as many
messages as it has runs of tool results and of everything else; `system` becomes the first message.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque, Part, Role, ToolResult
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import OutputFormat, ReasoningControl, Request
from meshwright.wire.bedrock_converse.blocks_in import Aside, Reading
from meshwright.wire.bedrock_converse.shapes import INFERRED, KNOWN, NAME, Body, Inference, Positive, Tier, Turn
from meshwright.wire.bedrock_converse.thinking import effort_in, thinking_in
from meshwright.wire.bedrock_converse.tools import choice_in, tools_in
from meshwright.wire.reading import client_json, client_source, explain
from meshwright.wire.verbatim import below, is_object, members, present

T = TypeVar("T")
_BODY: msgspec.json.Decoder[Body] = msgspec.json.Decoder(Body)
_TURN: msgspec.json.Decoder[Turn] = msgspec.json.Decoder(Turn)
_LIST: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_INFERENCE: msgspec.json.Decoder[Inference] = msgspec.json.Decoder(Inference)
_TIER: msgspec.json.Decoder[Tier] = msgspec.json.Decoder(Tier)
_COUNT: msgspec.json.Decoder[Positive] = msgspec.json.Decoder(Positive)
_TEXTS: msgspec.json.Decoder[dict[str, str]] = msgspec.json.Decoder(dict[str, str])
_ROLES = ("user", "assistant", "system")


def decode_request(body: bytes) -> Request:
    """The request of POST /model/{model}/converse, without model and stream, which only the path tells.

    Raises InvalidRequest that names the field, TooLarge if it nests too deeply.
    """
    source = client_source(NAME, body)
    wire = client_json(_BODY, body)
    extra: list[Opaque] = []
    if not KNOWN.issuperset(source.fields):
        extra += [Opaque(NAME, name, raw) for name, raw in source.fields.items() if name not in KNOWN and present(raw)]
    if not wire.messages and not any(one.kind == "promptVariables" for one in extra):
        raise InvalidRequest("There is no message.", field="messages", fix="Send at least one message of the user.")
    try:
        messages = _messages(wire)
        options = _options(wire, extra)
    except msgspec.ValidationError as error:
        what, field = explain(error)
        raise InvalidRequest(f"{what}.", field=field or None) from None
    except RecursionError:
        # Some thousand levels that the scanner passed over and a reader of the value does not.
        raise InvalidRequest("The body nests too deeply.", fix="Flatten the value that nests so deeply.") from None
    return Request(model="", messages=messages, extra=tuple(extra), source=source, **options)


def _messages(wire: Body) -> tuple[Message, ...]:
    messages: list[Message] = []
    if wire.system:
        read = Reading()
        _read(read, wire.system, "system")
        messages += _split("system", read.parts, [])
    for index, raw in enumerate(wire.messages or ()):
        try:
            turn = _TURN.decode(raw)
            reading = Reading()
            reading.strictly(turn.content)
        except msgspec.ValidationError:
            # Something unusual or something wrong: the patient path tells which.
            try:
                messages += _patiently(raw)
            except msgspec.ValidationError as error:
                raise below(error, f"messages[{index}]") from None
        else:
            messages += _split(turn.role, reading.parts, [])
    return tuple(messages)


def _read(reading: Reading, blocks: list[Raw], path: str) -> None:
    for index, block in enumerate(blocks):
        try:
            reading.add(block)
        except msgspec.ValidationError as error:
            raise below(error, f"{path}[{index}]") from None


def _patiently(raw: Raw) -> list[Message]:
    given = members(raw)
    for name in ("role", "content"):
        if name not in given:
            raise msgspec.ValidationError(f"Object missing required field `{name}`")
    role = _at("role", _STRING, given["role"])
    reading = Reading()
    _read(reading, _at("content", _LIST, given["content"]), "content")
    extra = [Opaque(NAME, name, value) for name, value in given.items() if name not in ("role", "content")]
    match role:
        case "user" | "assistant" | "system":
            return _split(role, reading.parts, extra)
    raise msgspec.ValidationError(f"Invalid value {role[:40]!r}, one of {', '.join(_ROLES)} - at `$.role`")


def _split(role: Role, read: list[tuple[Part, list[Aside]]], extra: list[Opaque]) -> list[Message]:
    """One message, or, of a user's turn with tool results, one for each run."""
    if role != "user" or not any(isinstance(part, ToolResult) for part, _ in read):
        return [_message(role, read, extra)]
    messages = []
    for is_result, run in groupby(read, lambda one: isinstance(one[0], ToolResult)):
        messages.append(_message("tool" if is_result else role, list(run), extra))
        extra = []
    return messages


def _message(role: Role, read: list[tuple[Part, list[Aside]]], extra: list[Opaque]) -> Message:
    if not extra and not any(asides for _, asides in read):
        return Message(role, tuple(part for part, _ in read))
    return Message(role, tuple(part for part, _ in read), extra=(*extra, *put_aside(read)))


def put_aside(read: list[tuple[Part, list[Aside]]]) -> list[Opaque]:
    """The members that parts have no place for, as a message's `extra`."""
    return [
        Opaque(NAME, f"content[{index}].{path}", raw) for index, (_, asides) in enumerate(read) for path, raw in asides
    ]


def _options(wire: Body, extra: list[Opaque]) -> dict[str, Any]:
    """Members that say how to answer, as arguments of Request. Raises ValidationError."""
    found: dict[str, Any] = {}
    if present(wire.inference_config):
        config = _at("inferenceConfig", _INFERENCE, wire.inference_config)
        found["max_tokens"] = config.max_tokens
        found["temperature"] = config.temperature
        found["top_p"] = config.top_p
        found["stop"] = tuple(config.stop_sequences or ())
        _keep(wire.inference_config, INFERRED, "inferenceConfig", extra)
    if present(wire.tool_config):
        tool_config = _members("toolConfig", wire.tool_config)
        if "tools" in tool_config:
            try:
                found["tools"] = tools_in(tool_config["tools"])
            except msgspec.ValidationError as error:
                raise below(error, "toolConfig.tools") from None
        if "toolChoice" in tool_config:
            try:
                found["tool_choice"] = choice_in(tool_config["toolChoice"], extra)
            except msgspec.ValidationError as error:
                raise below(error, "toolConfig.toolChoice") from None
        _keep(wire.tool_config, frozenset({"tools", "toolChoice"}), "toolConfig", extra)
    control = None
    if present(wire.output_config):
        control = _output(wire.output_config, found, extra)
    if present(wire.additional_model_request_fields):
        control = _of_the_model(wire.additional_model_request_fields, control, found, extra)
    found["reasoning"] = control
    if present(wire.request_metadata):
        _at("requestMetadata", _TEXTS, wire.request_metadata)
        found["metadata"] = wire.request_metadata
    if present(wire.service_tier):
        try:
            found["service_tier"] = _TIER.decode(wire.service_tier).type
        except msgspec.ValidationError:
            _members("serviceTier", wire.service_tier)
            extra.append(Opaque(NAME, "serviceTier", wire.service_tier))
    return found


def _output(raw: Raw, found: dict[str, Any], extra: list[Opaque]) -> ReasoningControl | None:
    """`outputConfig`: the form of the answer, and the effort."""
    config = _members("outputConfig", raw)
    control = None
    if "effort" in config:
        effort = effort_in(_at("outputConfig.effort", _STRING, config["effort"]))
        if effort is None:
            extra.append(Opaque(NAME, "outputConfig.effort", config["effort"]))
        else:
            control = ReasoningControl(effort=effort)
    if "textFormat" in config:
        found["output"] = _format(config["textFormat"])
        if found["output"] is None:
            extra.append(Opaque(NAME, "outputConfig.textFormat", config["textFormat"]))
    _keep(raw, frozenset({"effort", "textFormat"}), "outputConfig", extra)
    return control


class _Schema(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    name: str | None = None
    description: str | None = None


class _Structure(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    json_schema: _Schema


class _Format(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    structure: _Structure


_FORMAT: msgspec.json.Decoder[_Format] = msgspec.json.Decoder(_Format)
_ANY: msgspec.json.Decoder[Raw] = msgspec.json.Decoder(Raw)


def _format(raw: Raw) -> OutputFormat | None:
    """The form of the answer, None for one that we do not know. The schema is JSON inside a string."""
    _members("outputConfig.textFormat", raw)
    try:
        form = _FORMAT.decode(raw)
    except msgspec.ValidationError:
        return None
    wanted = form.structure.json_schema
    try:
        schema = Raw(bytes(_ANY.decode(wanted.schema)))
    except (msgspec.DecodeError, RecursionError):
        raise msgspec.ValidationError(
            "Expected JSON in a string - at `$.outputConfig.textFormat.structure.jsonSchema.schema`"
        ) from None
    if form.type != "json_schema" or not is_object(schema):
        return None
    return OutputFormat(kind="schema", schema=schema, name=wanted.name or "", description=wanted.description or "")


def _of_the_model(
    raw: Raw, control: ReasoningControl | None, found: dict[str, Any], extra: list[Opaque]
) -> ReasoningControl | None:
    """`additionalModelRequestFields`: what is known of some models' own members."""
    if not is_object(raw):
        extra.append(Opaque(NAME, "additionalModelRequestFields", raw))
        return control
    for name, value in members(raw).items():
        if name == "thinking":
            asked = thinking_in(value, control.effort if control is not None else None)
            if asked is not None:
                control = asked
                continue
        elif name == "top_k":
            try:
                found["top_k"] = _COUNT.decode(value)
                continue
            except msgspec.ValidationError:
                pass  # some model's own kind of it: kept below
        extra.append(Opaque(NAME, f"additionalModelRequestFields.{name}", value))
    return control


def _keep(raw: Raw, known: frozenset[str], path: str, extra: list[Opaque]) -> None:
    extra += [Opaque(NAME, f"{path}.{name}", value) for name, value in members(raw).items() if name not in known]


def _members(path: str, raw: Raw) -> dict[str, Raw]:
    try:
        return members(raw)
    except msgspec.ValidationError as error:
        raise below(error, path) from None


def _at(path: str, decoder: msgspec.json.Decoder[T], raw: Raw) -> T:
    """The value, whose error is told with the path of what it reads."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise below(error, path) from None
