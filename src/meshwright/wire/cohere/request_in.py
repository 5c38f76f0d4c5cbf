"""The body of a client's request into a Request.

Source: https://docs.cohere.com/reference/chat.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import OutputFormat, ReasoningControl, Request
from meshwright.wire.cohere.documents import document_in, documents_in
from meshwright.wire.cohere.shapes import KNOWN, NAME, Body
from meshwright.wire.cohere.tools import choice_in
from meshwright.wire.cohere.turns_in import Conversation
from meshwright.wire.functions import function_in
from meshwright.wire.reading import client_json, client_source, explain
from meshwright.wire.verbatim import below, is_object, present

CITING = "citation_options"
UNCITED = (b'"OFF"', b'"DISABLED"', b'"off"', b'"disabled"')


class _Thinking(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    token_budget: int | None = None


class _Citing(msgspec.Struct):
    mode: Raw = Raw()


_BODY: msgspec.json.Decoder[Body] = msgspec.json.Decoder(Body)
_THINKING: msgspec.json.Decoder[_Thinking] = msgspec.json.Decoder(_Thinking)
_CITING: msgspec.json.Decoder[_Citing] = msgspec.json.Decoder(_Citing)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


def decode_request(body: bytes) -> Request:
    """The request of POST /v2/chat. Raises InvalidRequest that names the field, TooLarge if it nests too deeply."""
    source = client_source(NAME, body)
    wire = client_json(_BODY, body)
    if not wire.messages:
        raise InvalidRequest("There is no message.", field="messages", fix="Send at least one message of the user.")
    extra: list[Opaque] = []
    if not KNOWN.issuperset(source.fields):
        extra += [Opaque(NAME, name, raw) for name, raw in source.fields.items() if name not in KNOWN and present(raw)]
    try:
        members = _members(wire, source.fields, extra)
    except msgspec.ValidationError as error:
        what, field = explain(error)
        raise InvalidRequest(f"{what}.", field=field or None) from None
    except RecursionError:
        # Some thousand levels that the scanner passed over and a reader of the value does not.
        raise InvalidRequest("The body nests too deeply.", fix="Flatten the value that nests so deeply.") from None
    return Request(
        model=wire.model,
        stream=bool(wire.stream),
        stream_usage=bool(wire.stream),
        max_tokens=wire.max_tokens,
        temperature=wire.temperature,
        top_p=wire.p,
        top_k=wire.k,
        stop=tuple(wire.stop_sequences or ()),
        seed=wire.seed,
        frequency_penalty=wire.frequency_penalty,
        presence_penalty=wire.presence_penalty,
        logprobs=bool(wire.logprobs),
        extra=tuple(extra),
        source=source,
        **members,
    )


def _members(wire: Body, fields: dict[str, Raw], extra: list[Opaque]) -> dict[str, Any]:
    """Members that need more than a look, as arguments of Request. Raises ValidationError."""
    cite = _cites(fields.get(CITING, Raw()))
    conversation = Conversation(cite)
    for index, raw in enumerate(wire.messages):
        _at(f"messages[{index}]", conversation.add, raw)
    if wire.documents:
        documents = [_at(f"documents[{n}]", document_in, raw, cite) for n, raw in enumerate(wire.documents)]
        if not documents_in(conversation.messages, documents):
            extra.append(Opaque(NAME, "documents", fields["documents"]))
    found: dict[str, Any] = {"messages": tuple(conversation.messages)}
    if wire.tools:
        found["tools"] = tuple(
            _at(f"tools[{n}]", function_in, raw, NAME, wire.strict_tools) for n, raw in enumerate(wire.tools)
        )
    elif wire.strict_tools is not None:
        extra.append(Opaque(NAME, "strict_tools", fields["strict_tools"]))
    if wire.tool_choice is not None:
        found["tool_choice"] = choice_in(wire.tool_choice)
    if present(wire.response_format):
        found["output"] = _at("response_format", _format_in, wire.response_format, extra)
    if present(wire.thinking):
        found["reasoning"] = _at("thinking", _thinking_in, wire.thinking, extra)
    return found


def _at(path: str, read: Any, *arguments: Any) -> Any:
    """`read(*arguments)`, whose error is told with the path of what it reads."""
    try:
        return read(*arguments)
    except msgspec.ValidationError as error:
        raise below(error, path) from None


def _cites(raw: Raw) -> bool:
    return not is_object(raw) or bytes(_CITING.decode(raw).mode) not in UNCITED


def _format_in(raw: Raw, extra: list[Opaque]) -> OutputFormat | None:
    members = _MEMBERS.decode(raw)
    try:
        kind = _STRING.decode(members["type"]) if "type" in members else ""
    except msgspec.ValidationError as error:
        raise below(error, "type") from None
    # The member was called `schema` before.
    name = "json_schema" if present(members.get("json_schema", Raw())) else "schema"
    schema = members.get(name, Raw())
    if kind not in ("text", "json_object") or (present(schema) and not is_object(schema)):
        extra.append(Opaque(NAME, "response_format", raw))
        return None
    extra += [
        Opaque(NAME, f"response_format.{one}", value)
        for one, value in members.items()
        if one not in ("type", name) and present(value)
    ]
    if kind == "text":
        return OutputFormat(kind="text")
    return OutputFormat(kind="schema", schema=schema) if present(schema) else OutputFormat(kind="json")


def _thinking_in(raw: Raw, extra: list[Opaque]) -> ReasoningControl | None:
    try:
        asked = _THINKING.decode(raw)
    except msgspec.ValidationError:
        if "type" not in _MEMBERS.decode(raw):  # not even an object: the caller's mistake, not a newer form
            raise
        asked = None
    if asked is not None and asked.token_budget is not None and asked.token_budget < 1:
        raise msgspec.ValidationError("Expected `int` >= 1 - at `$.token_budget`")
    match asked:
        case _Thinking(type="enabled"):
            return ReasoningControl(mode="on", budget=asked.token_budget)
        case _Thinking(type="disabled", token_budget=None):
            return ReasoningControl(mode="off")
    extra.append(Opaque(NAME, "thinking", raw))
    return None
