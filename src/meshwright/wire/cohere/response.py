"""Whole answers, both ways.

Source: https://docs.cohere.com/reference/chat (response).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque, ToolCall
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Choice, Finish, Response, TokenProbability
from meshwright.types.usage import Usage
from meshwright.wire.cohere.errors import decode_error
from meshwright.wire.cohere.shapes import ANSWERED, NAME, Answer, Chunk
from meshwright.wire.cohere.turns_in import Reading, parts_in
from meshwright.wire.cohere.turns_out import Writer
from meshwright.wire.cohere.usage import usage_in, usage_out
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.notes import Notes
from meshwright.wire.reading import provider_json, provider_source
from meshwright.wire.verbatim import below, is_object, present

_ANSWER: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)

FINISHES: dict[str, Finish] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR": "error",
    "TIMEOUT": "error",
}
"""What each `finish_reason` means; any other is "unknown"."""

REASONS: dict[Finish, str] = {
    "stop": "COMPLETE",
    "length": "MAX_TOKENS",
    "tool_calls": "TOOL_CALL",
    "error": "ERROR",
    "context": "MAX_TOKENS",
}
_PLAIN = frozenset(REASONS[finish] for finish in ("stop", "length", "tool_calls", "error"))


def finish_in(reason: str, called: bool) -> tuple[Finish, list[Opaque]]:
    """Why the answer ended, and the API's word where it says more than that. `called`: it calls a tool."""
    if called and reason == "COMPLETE":
        return "tool_calls", []
    extra = [] if reason in _PLAIN else [Opaque(NAME, "finish_reason", Raw(msgspec.json.encode(reason)))]
    return FINISHES.get(reason, "unknown"), extra


def reason_out(
    finish: Finish | None, stop: str, extra: Sequence[Opaque], notes: Notes, *, called: bool = False
) -> str | Raw:
    """The API's word for why the answer ended; one that says more waits verbatim in `extra`."""
    for one in extra:
        if one.dialect == NAME and one.kind == "finish_reason":
            if FINISHES.get(msgspec.json.decode(one.raw, type=str), "unknown") == finish:
                return one.raw
            notes.dropped("finish_reason", "The answer now ends for another reason.")
    if stop:
        notes.dropped("choices.stop", "Which stop sequence ended the answer is not told here.")
        return "STOP_SEQUENCE" if finish == "stop" else REASONS.get(finish or "stop", "COMPLETE")
    if finish not in ("stop", "length", "tool_calls", "error") or (called and finish == "stop"):
        notes.changed("choices.finish", "Why the answer ended has no word here.")
    return REASONS.get(finish or "stop", "COMPLETE") if finish != "stop" or not called else REASONS["tool_calls"]


def tokens_in(chunks: Sequence[Chunk] | None) -> tuple[TokenProbability, ...]:
    """Probabilities of pieces of the answer; that of a piece of several tokens is their product."""
    return tuple(TokenProbability(token=one.text or "", logprob=sum(one.logprobs or ())) for one in chunks or ())


def plain_tokens(chunks: Sequence[Chunk] | None) -> bool:
    """Whether each piece is one token without a number, as far as it says: then nothing else was told."""
    return all(not one.token_ids and len(one.logprobs or ()) == 1 for one in chunks or ())


def tokens_out(tokens: Sequence[TokenProbability], notes: Notes) -> list[dict[str, object]]:
    """The same for the wire, where tokens have numbers: nobody knows them."""
    if any(one.bytes is not None or one.top for one in tokens):
        notes.dropped("choices.logprobs", "The dialect tells the probability of the tokens chosen, not of others.")
    return [{"text": one.token, "token_ids": (), "logprobs": (one.logprob,)} for one in tokens]


def decode_response(body: bytes, target: Target) -> Response:
    """A provider's answer. Raises UpstreamProtocol when it is none (an error that came with a good status, too)."""
    source = provider_source(NAME, body)
    said = source.fields.get("message", Raw())
    if not is_object(said):
        raise UpstreamProtocol(f"The provider answered with an error: {decode_error(502, body, None).message}")
    wire = provider_json(_ANSWER, body, "answer")
    extra: list[Opaque] = []
    if not ANSWERED.issuperset(source.fields):
        extra += [
            Opaque(NAME, name, raw) for name, raw in source.fields.items() if name not in ANSWERED and present(raw)
        ]
    usage: Usage | None = None
    finish: Finish | None = None
    try:
        message = _message(wire.message)
        if present(wire.usage):
            usage, more = usage_in(wire.usage)
            extra += more
    except (msgspec.DecodeError, RecursionError) as error:
        raise UpstreamProtocol(f"The provider's answer is not what its dialect promises: {error}.") from None
    if wire.finish_reason is not None:
        called = any(isinstance(part, ToolCall) for part in message.parts)
        finish, more = finish_in(wire.finish_reason, called)
        extra += more
    if not plain_tokens(wire.logprobs):
        extra.append(Opaque(NAME, "logprobs", source.fields["logprobs"]))
    return Response(
        id=wire.id,
        model=wire.model or "",
        choices=(Choice(message=message, finish=finish, logprobs=tokens_in(wire.logprobs) or None),),
        usage=usage,
        extra=tuple(extra),
        source=source,
    )


def _message(raw: Raw) -> Message:
    try:
        parts, asides = parts_in(Reading(raw))
    except msgspec.ValidationError as error:
        raise below(error, "message") from None
    return Message("assistant", tuple(parts), extra=tuple(Opaque(NAME, path, value) for path, value in asides))


def encode_response(response: Response, request: Request) -> Encoded:
    """The answer for a client of this dialect. `created` has no place and is not noted: every answer would say so."""
    if response.source is not None and response.source.dialect == NAME:
        return Encoded(response.source.body)
    notes = Notes()
    choice = response.choices[0] if response.choices else Choice(message=Message("assistant"))
    if len(response.choices) > 1:
        notes.dropped("choices", "The dialect has one answer: the first was sent.")
    if choice.index:
        notes.changed("choices.index", "The dialect has one answer, without a number.")
    for name in ("name", "id"):
        if getattr(choice.message, name):
            notes.dropped(f"choices.{name}", "The turn has no name and no id of its own here.")
    if choice.refusal_logprobs is not None:
        notes.dropped("choices.refusal_logprobs", "A refusal has no probabilities here.")
    if response.service_tier:
        notes.dropped("service_tier", "The dialect has no service tiers.")
    message = Writer(notes, None).turn(choice.message).wire("assistant")
    content = message.get("content")
    if isinstance(content, str):  # an answer's content is always a list
        message["content"] = [{"type": "text", "text": content}] if content else []
    body: dict[str, Any] = {
        "id": response.id,
        "model": response.model or request.model,
        "message": message,
        "finish_reason": reason_out(choice.finish, choice.stop, response.extra, notes, called="tool_calls" in message),
    }
    usage = usage_out(response.usage, response.extra, notes)
    if usage:
        body["usage"] = usage
    if choice.logprobs:
        body["logprobs"] = tokens_out(choice.logprobs, notes)
    for one in response.extra:
        if one.dialect != NAME:
            notes.foreign(one.kind, one)
        elif one.kind.startswith("event."):
            notes.dropped(one.kind, "An event of a stream has no place in a whole answer.")
        elif one.kind != "finish_reason" and not one.kind.startswith("usage."):
            body[one.kind] = one.raw
    return Encoded(msgspec.json.encode(body), tuple(notes.found))
