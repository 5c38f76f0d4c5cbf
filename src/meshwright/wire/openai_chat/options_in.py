"""The options of a Chat Completions request that have several shapes: tool choice, format, reasoning, voice, cache.

What has a shape that `types` has no word for (a provider's own grammar, an unknown effort) stays with the dialect: it
is added to the caller's list of unknown members, whole.
"""

from __future__ import annotations

from typing import Literal, TypeVar, get_args

import msgspec
from msgspec import UNSET, Raw, UnsetType

from meshwright.types.content import Ttl
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import Effort, OutputFormat, ReasoningControl, SpokenOutput, ToolChoice
from meshwright.wire.openai_chat.shape import Body, CacheControl
from meshwright.wire.openai_chat.sift import NULL, Members
from meshwright.wire.reading import explain

T = TypeVar("T")


def given(raw: Raw | UnsetType) -> Raw | None:
    """The member, unless it is absent or null."""
    return None if raw is UNSET or bytes(raw) == NULL else raw


def section(field: str, raw: Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """One member by its type. Raises InvalidRequest whose field starts at the member's name."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        what, where = explain(error)
        raise InvalidRequest(f"{what}.", field=f"{field}.{where}" if where else field) from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The member is not valid JSON: {error}.", field=field) from None


def grammar(member: Raw | UnsetType) -> Raw | None:
    """The format of a custom tool, as the Responses API writes it: a grammar's members stand in the format itself."""
    raw = given(member)
    if raw is None or bytes(raw)[:1] != b"{":
        return raw
    fields = OBJECT.decode(raw)
    inner = fields.get("grammar")
    if fields.keys() != {"type", "grammar"} or inner is None or bytes(inner)[:1] != b"{":
        return raw
    return Raw(msgspec.json.encode({"type": fields["type"], **OBJECT.decode(inner)}))


OBJECT: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_EFFORTS = frozenset(get_args(Effort))


class _Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str


class _FunctionChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="function"):
    function: _Named


class _CustomChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="custom"):
    custom: _Named


class _Allowed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mode: Literal["auto", "required"]
    tools: list[_FunctionChoice | _CustomChoice]


class _AllowedChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="allowed_tools"):
    allowed_tools: _Allowed


_CHOICE: msgspec.json.Decoder[str | _FunctionChoice | _CustomChoice | _AllowedChoice] = msgspec.json.Decoder(
    str | _FunctionChoice | _CustomChoice | _AllowedChoice
)
_CALLED: msgspec.json.Decoder[str | _Named] = msgspec.json.Decoder(str | _Named)
# Mistral's word for "required" is "any".
_MODES: dict[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "any": "required",
}


def tool_choice(read: Body, extra: Members) -> ToolChoice | None:
    """Which tools to use; the older `function_call` says the same."""
    raw = given(read.tool_choice)
    if raw is None:
        old = given(read.function_call)
        if old is None:
            return None
        called = section("function_call", old, _CALLED)
        return _mode("function_call", called) if isinstance(called, str) else ToolChoice("tool", (called.name,))
    try:
        choice = _CHOICE.decode(raw)
    except msgspec.ValidationError:
        if bytes(raw)[:1] != b"{":
            raise _bad_choice("tool_choice") from None
        extra.append(("tool_choice", raw))
        return None
    match choice:
        case str():
            return _mode("tool_choice", choice)
        case _FunctionChoice():
            return ToolChoice("tool", (choice.function.name,))
        case _CustomChoice():
            return ToolChoice("tool", (choice.custom.name,))
        case _AllowedChoice():
            tools = choice.allowed_tools.tools
            names = (one.function.name if isinstance(one, _FunctionChoice) else one.custom.name for one in tools)
            return ToolChoice(choice.allowed_tools.mode, tuple(names))


def _mode(field: str, word: str) -> ToolChoice:
    mode = _MODES.get(word)
    if mode is None:
        raise _bad_choice(field)
    return ToolChoice(mode)


def _bad_choice(field: str) -> InvalidRequest:
    return InvalidRequest(
        "This is not a tool choice.",
        field=field,
        fix='Send "auto", "none", "required" or {"type": "function", "function": {"name": "..."}}.',
    )


class _Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    description: str | None = None
    schema: Raw | UnsetType = UNSET
    strict: bool | None = None


class _Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _Schema | None = None


_FORMAT: msgspec.json.Decoder[_Format] = msgspec.json.Decoder(_Format)


def output(member: Raw | UnsetType, extra: Members) -> OutputFormat | None:
    """The output format; one of another kind (a grammar, a schema of llama.cpp) stays with the dialect."""
    raw = given(member)
    if raw is None:
        return None
    try:
        form = _FORMAT.decode(raw)
    except msgspec.ValidationError:
        section("response_format", raw, OBJECT)
        extra.append(("response_format", raw))
        return None
    if form.type != "json_schema":
        return OutputFormat(kind="json" if form.type == "json_object" else "text")
    schema = form.json_schema
    if schema is None:
        raise InvalidRequest(
            "The format is json_schema, but there is no schema.",
            field="response_format.json_schema",
            fix='Send {"name": "...", "schema": {...}} there.',
        )
    return OutputFormat(
        kind="schema",
        name=schema.name,
        description=schema.description or "",
        schema=given(schema.schema),
        strict=schema.strict,
    )


class _Thinking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """OpenRouter's `reasoning`."""

    effort: Effort | None = None
    max_tokens: int | None = None
    exclude: bool | None = None
    enabled: bool | None = None
    summary: str | None = None


_THINKING: msgspec.json.Decoder[_Thinking] = msgspec.json.Decoder(_Thinking)


def reasoning(read: Body, extra: Members) -> ReasoningControl | None:
    """The effort, and OpenRouter's object where it is one that we know; other words stay with the dialect."""
    effort: Effort | None = None
    raw = given(read.reasoning_effort)
    if raw is not None:
        word = section("reasoning_effort", raw, _STRING)
        if word in _EFFORTS:
            effort = msgspec.convert(word, Effort)
        else:
            extra.append(("reasoning_effort", raw))
    raw = given(read.reasoning)
    if raw is None:
        return None if effort is None else ReasoningControl(effort=effort)
    try:
        asked = _THINKING.decode(raw)
    except msgspec.ValidationError:
        extra.append(("reasoning", raw))
        return None if effort is None else ReasoningControl(effort=effort)
    if effort is not None and asked.effort is not None and asked.effort != effort:
        raise InvalidRequest(
            f"reasoning_effort ({effort}) and reasoning.effort ({asked.effort}) differ.",
            field="reasoning_effort",
            fix="Send only one of them.",
        )
    return ReasoningControl(
        effort=effort or asked.effort,
        budget=asked.max_tokens,
        summary=asked.summary or "",
        mode="" if asked.enabled is None else "on" if asked.enabled else "off",
        hidden=bool(asked.exclude),
    )


class _Spoken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    voice: Raw
    format: str


_SPOKEN: msgspec.json.Decoder[_Spoken] = msgspec.json.Decoder(_Spoken)


def speech(member: Raw | UnsetType, extra: Members) -> SpokenOutput | None:
    """The voice and format of a spoken answer."""
    raw = given(member)
    if raw is None:
        return None
    try:
        spoken = _SPOKEN.decode(raw)
    except msgspec.ValidationError:
        extra.append(("audio", raw))
        return None
    return SpokenOutput(spoken.voice, spoken.format)


def cache(member: Raw | UnsetType, extra: Members) -> Ttl | None:
    """OpenRouter's wish that the whole prefix be cached."""
    raw = given(member)
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=CacheControl).ttl or "5m"
    except msgspec.ValidationError:
        extra.append(("cache_control", raw))
        return None
