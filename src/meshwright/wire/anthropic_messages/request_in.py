"""The body of a client's request into a Request.

Source: https://platform.claude.com/docs/en/api/messages/create. A user's turn becomes as many messages as it has runs
of tool results and of everything else; `system` becomes the first message.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque, Part, Role, Text, ToolResult, Ttl
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import OutputFormat, Request
from meshwright.wire.anthropic_messages.blocks_in import Aside, asides_of, part_in, read_part, ttl
from meshwright.wire.anthropic_messages.shapes import (
    KNOWN,
    NAME,
    Block,
    Body,
    CacheMark,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    Turn,
)
from meshwright.wire.anthropic_messages.thinking import thinking_in
from meshwright.wire.anthropic_messages.tools import choice_in, tool_in
from meshwright.wire.reading import client_json, client_source, explain
from meshwright.wire.verbatim import below, is_object, present

_BODY: msgspec.json.Decoder[Body] = msgspec.json.Decoder(Body)
_TURN: msgspec.json.Decoder[Turn] = msgspec.json.Decoder(Turn)
_SYSTEM: msgspec.json.Decoder[str | list[TextBlock]] = msgspec.json.Decoder(str | list[TextBlock])
_CONTENT: msgspec.json.Decoder[str | list[Raw] | None] = msgspec.json.Decoder(str | list[Raw] | None)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_MARK: msgspec.json.Decoder[CacheMark] = msgspec.json.Decoder(CacheMark)


def decode_request(body: bytes) -> Request:
    """The request of POST /v1/messages. Raises InvalidRequest that names the field, TooLarge if it nests too deeply."""
    request = read_request(body)
    if request.max_tokens is None:
        raise InvalidRequest(
            "Object missing required field `max_tokens`.",
            field="max_tokens",
            fix="Say how many tokens the answer may have, such as 4096.",
        )
    return request


def read_request(body: bytes) -> Request:
    """The same where `max_tokens` may be missing: what POST /v1/messages/count_tokens takes."""
    source = client_source(NAME, body)
    wire = client_json(_BODY, body)
    if not wire.messages:
        raise InvalidRequest("There is no message.", field="messages", fix="Send at least one message of the user.")
    extra: list[Opaque] = []
    if not KNOWN.issuperset(source.fields):
        extra += [Opaque(NAME, name, raw) for name, raw in source.fields.items() if name not in KNOWN and present(raw)]
    try:
        messages = _messages(wire)
        options = _options(wire, extra)
    except msgspec.ValidationError as error:
        what, field = explain(error)
        raise InvalidRequest(f"{what}.", field=field or None) from None
    except RecursionError:
        # Some thousand levels that the scanner passed over and a reader of the value does not.
        raise InvalidRequest("The body nests too deeply.", fix="Flatten the value that nests so deeply.") from None
    return Request(
        model=wire.model,
        messages=messages,
        stream=bool(wire.stream),
        stream_usage=bool(wire.stream),
        max_tokens=wire.max_tokens,
        temperature=wire.temperature,
        top_p=wire.top_p,
        top_k=wire.top_k,
        stop=tuple(wire.stop_sequences or ()),
        service_tier=wire.service_tier or "",
        extra=tuple(extra),
        source=source,
        **options,
    )


def _messages(wire: Body) -> tuple[Message, ...]:
    messages: list[Message] = []
    if present(wire.system):
        parts, asides = _system(wire.system)
        if parts:
            messages.append(Message("system", parts, extra=_extra(asides)))
    for index, raw in enumerate(wire.messages):
        try:
            turn = _TURN.decode(raw)
            content = turn.content
            if isinstance(content, str):
                messages.append(Message(turn.role, (Text(content),) if content else ()))
            else:
                messages += _usual(turn.role, content or [])
        except msgspec.ValidationError:
            # Something unusual or something wrong: the patient path tells which.
            try:
                messages += _patiently(raw)
            except msgspec.ValidationError as error:
                raise below(error, f"messages[{index}]") from None
    return tuple(messages)


def _usual(role: Role, blocks: list[Block]) -> list[Message]:
    """The messages of a strictly decoded turn: nearly always one, and nearly always without members to put aside."""
    parts = tuple(map(part_in, blocks))
    kinds = set(map(type, blocks))
    if role == "user" and ToolResultBlock in kinds:
        if len(kinds) == 1:
            return [Message("tool", parts)]
    elif ToolUseBlock not in kinds or not any(map(asides_of, blocks)):
        return [Message(role, parts)]
    return _split(role, list(zip(parts, map(asides_of, blocks), strict=True)), [])


def _system(raw: Raw) -> tuple[tuple[Part, ...], list[list[Aside]]]:
    try:
        system = _SYSTEM.decode(raw)
    except msgspec.ValidationError:
        try:
            parts, asides = _read_content(raw, "")
        except msgspec.ValidationError as error:
            raise below(error, "system") from None
        return parts, asides
    if isinstance(system, str):
        return ((Text(system),) if system else ()), []
    return tuple(part_in(block) for block in system), []


def _patiently(raw: Raw) -> list[Message]:
    """A turn with members or blocks that the strict shapes do not have, or a mistake. Raises ValidationError."""
    members = _MEMBERS.decode(raw)
    for name in ("role", "content"):
        if name not in members:
            raise msgspec.ValidationError(f"Object missing required field `{name}`")
    role = _role(members["role"])
    parts, asides = _read_content(members["content"], "content")
    extra = [
        Opaque(NAME, name, value)
        for name, value in members.items()
        if name not in ("role", "content") and present(value)
    ]
    return _split(role, list(zip(parts, asides, strict=True)), extra)


def _role(raw: Raw) -> Role:
    role = bytes(raw)
    if role == b'"user"':
        return "user"
    if role == b'"assistant"':
        return "assistant"
    if role == b'"system"':
        return "system"
    raise msgspec.ValidationError(f"Invalid value {role.decode()[:40]}, one of user, assistant, system - at `$.role`")


def _read_content(raw: Raw, name: str) -> tuple[tuple[Part, ...], list[list[Aside]]]:
    try:
        content = _CONTENT.decode(raw)
    except msgspec.ValidationError as error:
        raise below(error, name) from None
    if content is None or isinstance(content, str):
        return ((Text(content),), [[]]) if content else ((), [])
    parts, asides = [], []
    for index, block in enumerate(content):
        try:
            part, aside = read_part(block)
        except msgspec.ValidationError as error:
            raise below(error, f"{name}[{index}]") from None
        parts.append(part)
        asides.append(aside)
    return tuple(parts), asides


def _split(role: Role, read: list[tuple[Part, list[Aside]]], extra: list[Opaque]) -> list[Message]:
    """One message, or, of a user's turn with tool results, one for each run."""
    if role != "user" or not any(isinstance(part, ToolResult) for part, _ in read):
        runs = [(False, read)]
    else:
        runs = [(is_result, list(run)) for is_result, run in groupby(read, lambda one: isinstance(one[0], ToolResult))]
    messages = []
    for is_result, run in runs:
        kept = (*extra, *_extra([aside for _, aside in run]))
        messages.append(Message("tool" if is_result else role, tuple(part for part, _ in run), extra=kept))
        extra = []
    return messages


def _extra(asides: list[list[Aside]]) -> tuple[Opaque, ...]:
    return tuple(
        Opaque(NAME, f"content[{index}].{path}", raw) for index, aside in enumerate(asides) for path, raw in aside
    )


def _options(wire: Body, extra: list[Opaque]) -> dict[str, Any]:
    """Members that say how to answer, as arguments of Request. Raises ValidationError."""
    found: dict[str, Any] = {}
    if wire.tools:
        tools = []
        for index, raw in enumerate(wire.tools):
            try:
                tools.append(tool_in(raw))
            except msgspec.ValidationError as error:
                raise below(error, f"tools[{index}]") from None
        found["tools"] = tuple(tools)
    if present(wire.tool_choice):
        found["tool_choice"], found["parallel_tools"] = _at("tool_choice", choice_in, wire.tool_choice, extra)
    if present(wire.output_config) or present(wire.thinking) or present(wire.output_format):
        config = _at("output_config", _MEMBERS.decode, wire.output_config) if present(wire.output_config) else {}
        found["reasoning"] = _at("thinking", thinking_in, wire.thinking, config.pop("effort", Raw()), extra)
        older, newer = wire.output_format, config.pop("format", Raw())
        form = newer if present(newer) else older
        if present(form):
            found["output"] = _at("output_config.format", _format_in, form, extra)
        extra += [Opaque(NAME, f"output_config.{name}", raw) for name, raw in config.items() if present(raw)]
    if present(wire.metadata):
        members = _at("metadata", _MEMBERS.decode, wire.metadata)
        user = members.pop("user_id", Raw())
        if present(user):
            found["user"] = _at("metadata.user_id", _STRING.decode, user)
        extra += [Opaque(NAME, f"metadata.{name}", raw) for name, raw in members.items() if present(raw)]
    if present(wire.cache_control):
        found["cache"] = _at("cache_control", _cache_in, wire.cache_control, extra)
    return found


def _at(path: str, read: Any, *arguments: Any) -> Any:
    """`read(*arguments)`, whose error is told with the path of what it reads."""
    try:
        return read(*arguments)
    except msgspec.ValidationError as error:
        raise below(error, path) from None


def _format_in(raw: Raw, extra: list[Opaque]) -> OutputFormat | None:
    members = _MEMBERS.decode(raw)
    kind, schema = members.get("type", Raw()), members.get("schema", Raw())
    if bytes(kind) != b'"json_schema"' or not is_object(schema):
        extra.append(Opaque(NAME, "output_config.format", raw))
        return None
    extra += [
        Opaque(NAME, f"output_config.format.{name}", value)
        for name, value in members.items()
        if name not in ("type", "schema") and present(value)
    ]
    return OutputFormat(kind="schema", schema=schema)


def _cache_in(raw: Raw, extra: list[Opaque]) -> Ttl | None:
    try:
        return ttl(_MARK.decode(raw))
    except msgspec.ValidationError:
        _MEMBERS.decode(raw)  # not even an object: the caller's mistake, not a newer kind of mark
        extra.append(Opaque(NAME, "cache_control", raw))
        return None
