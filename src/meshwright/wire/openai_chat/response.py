"""A provider's whole answer as a Response.

Thoughts come as `reasoning_content` (DeepSeek, llama.cpp, SGLang) or `reasoning` (vLLM, OpenRouter, Groq), or as
Mistral's "thinking" parts. `images` are OpenRouter's, `stop_reason` (the stop sequence) is vLLM's.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw, UnsetType

from meshwright.types.content import Message, ToolCall
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.response import Choice, Finish, Response, TokenProbability
from meshwright.wire.dialect import Target
from meshwright.wire.openai_chat.errors import decode_error
from meshwright.wire.openai_chat.loose import CHOICE
from meshwright.wire.openai_chat.shape import NAME, ChoiceIn, MessageIn, Probability
from meshwright.wire.openai_chat.sift import NULL, Found, Members, sift
from meshwright.wire.openai_chat.turns_in import opaques, spoken_in
from meshwright.wire.openai_chat.usage import usage_in
from meshwright.wire.reading import provider_json, provider_source

FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "function_call": "tool_calls",
    "error": "error",
    "model_length": "length",  # Mistral
    "max_tokens": "length",
    "eos": "stop",  # Together
    "eos_token": "stop",  # TGI
    "stop_sequence": "stop",  # TGI
    "end_turn": "stop",
    "refusal": "refusal",
    "abort": "error",  # vLLM, SGLang
    "insufficient_system_resource": "error",  # DeepSeek
}
"""A provider's `finish_reason` in our words; any other is "unknown" and is kept beside it."""


class _Body(msgspec.Struct, frozen=True):
    choices: list[ChoiceIn] | None = None
    id: str | None = None
    model: str | None = None
    created: float | None = None
    usage: Raw | UnsetType = UNSET
    service_tier: str | None = None
    error: Raw | UnsetType = UNSET
    object: str | None = None


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)
_ARRAY: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_NOTHING_SAID = MessageIn()
_CODED: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])
_KNOWN = frozenset(_Body.__struct_encode_fields__)


def decode_response(body: bytes, target: Target) -> Response:
    """The answer, with its source. Raises UpstreamProtocol, or UpstreamStatus when it is an error with status 200."""
    source = provider_source(NAME, body)
    found = Found()
    unknown: dict[int, Members] = {}
    try:
        read = None if b'"opaque"' in body else _BODY.decode(body)
    except msgspec.ValidationError:
        read = None
    if read is None:
        read = provider_json(_BODY, _sifted(body, source.fields, found, unknown), "answer")
    if read.error is not UNSET and bytes(read.error) != NULL and not read.choices:
        raise decode_error(_status(read.error), body)
    if read.choices is None:
        raise UpstreamProtocol("The provider's answer has no choices.")
    others = source.fields.keys() - _KNOWN
    extra = [(name, source.fields[name]) for name in others if bytes(source.fields[name]) != NULL] if others else []
    usage = None
    if read.usage is not UNSET and bytes(read.usage) != NULL:
        usage, more = usage_in(read.usage)
        extra += [(f"usage/{path}", raw) for path, raw in more]
    answer_id = read.id or ""
    return Response(
        id=answer_id,
        model=read.model or "",
        created=int(read.created or 0),
        choices=tuple(
            [
                _choice_in(choice, number, answer_id, found, unknown.get(number, []))
                for number, choice in enumerate(read.choices)
            ]
        ),
        usage=usage,
        service_tier=read.service_tier or "",
        extra=opaques(extra),
        source=source,
    )


def finish_in(reason: str | None, calls: bool, members: Members) -> Finish | None:
    """Our word for a `finish_reason`. Several servers say "stop" after a tool call: with `calls` it is "tool_calls"."""
    if not reason:
        return None
    finish = FINISHES.get(reason, "unknown")
    if finish == "unknown":
        members.append(("finish_reason", Raw(msgspec.json.encode(reason))))
    return "tool_calls" if calls and finish == "stop" else finish


def call_ids(answer_id: str, choice: int) -> str:
    """The start of ids for calls that a server gave none, other for each answer and choice."""
    return f"call_{answer_id.removeprefix('chatcmpl-')[-24:]}_{choice}" if answer_id else f"call_{choice}"


def probabilities_in(read: list[Probability] | None) -> tuple[TokenProbability, ...] | None:
    return (
        tuple(
            TokenProbability(
                token=one.token, logprob=one.logprob, bytes=one.bytes, top=probabilities_in(one.top_logprobs) or ()
            )
            for one in read
        )
        if read
        else None
    )


def _status(error: Raw) -> int:
    """OpenRouter tells the status in the error's code, Azure in a member of its own."""
    told = _CODED.decode(error) if bytes(error)[:1] == b"{" else {}
    found = (told.get(name) for name in ("code", "status"))
    return next((one for one in found if isinstance(one, int) and 400 <= one < 600), 502)


def _sifted(body: bytes, fields: dict[str, Raw], found: Found, unknown: dict[int, Members]) -> bytes:
    raw = fields.get("choices")
    if raw is None or bytes(raw)[:1] != b"[":
        return body
    kept = []
    try:
        for number, one in enumerate(_ARRAY.decode(raw)):
            kept.append(sift(one, CHOICE, found))
            if found.members:
                unknown[number], found.members = found.members, []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body  # whose decoder says what is wrong
    return msgspec.json.encode({**fields, "choices": kept})


def _choice_in(choice: ChoiceIn, number: int, answer_id: str, found: Found, unknown: Members) -> Choice:
    index = number if choice.index is None else choice.index
    message = choice.message
    if message is None:
        if choice.finish_reason != "content_filter":
            raise UpstreamProtocol("A choice of the provider's answer has no message.")
        message = _NOTHING_SAID
    called = bool(message.tool_calls) or message.function_call is not None
    parts, members = spoken_in(message, found, call_ids(answer_id, index) if called else "")
    own: Members = []
    finish = finish_in(choice.finish_reason, called and any(isinstance(part, ToolCall) for part in parts), own)
    for path, raw in unknown:
        inner = path.removeprefix("message/")
        (own if inner == path else members).append((inner, raw))
    if own:
        members += [(f"choice.{path}", raw) for path, raw in own]
    logprobs = choice.logprobs
    return Choice(
        message=Message("assistant", parts, extra=opaques(members)),
        index=index,
        finish=finish,
        stop=choice.stop_reason or "",
        logprobs=probabilities_in(logprobs.content) if logprobs else None,
        refusal_logprobs=probabilities_in(logprobs.refusal) if logprobs else None,
    )
