"""A provider's whole answer.

Source: https://ai.google.dev/api/generate-content (GenerateContentResponse, Candidate). A prompt that was blocked has
no candidate: it becomes one answer that a filter ended, with the provider's words for it, if it has any.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque, Part, Refusal, Text, ToolCall
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from meshwright.wire.dialect import Target
from meshwright.wire.gemini.citations import Words, grounding_in, sources_in
from meshwright.wire.gemini.errors import decode_error
from meshwright.wire.gemini.finishes import finish_in
from meshwright.wire.gemini.logprobs import logprobs_in
from meshwright.wire.gemini.parts_in import Read, Sequence
from meshwright.wire.gemini.shapes import ANSWERED, CHOSEN, NAME, Answer, Candidate
from meshwright.wire.gemini.spelling import members
from meshwright.wire.gemini.turns_in import asides_of, named, read_content
from meshwright.wire.gemini.usage import usage_in
from meshwright.wire.moments import seconds
from meshwright.wire.reading import provider_source
from meshwright.wire.verbatim import below, is_string, present, raw_of

FEEDBACK = "promptFeedback"
"""The kind of what the provider says of a prompt."""

_ANSWER: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
_CANDIDATE: msgspec.json.Decoder[Candidate] = msgspec.json.Decoder(Candidate)
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_ROLES = (None, "", "model")


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None
    block_reason_message: str | None = None


_FEEDBACK: msgspec.json.Decoder[_Feedback] = msgspec.json.Decoder(_Feedback)


def decode_response(body: bytes, target: Target) -> Response:
    """A provider's answer. Raises UpstreamProtocol when it is none (an error that came with a good status, too)."""
    source = provider_source(NAME, body)
    if "error" in source.fields:
        raise UpstreamProtocol(f"The provider answered with an error: {decode_error(502, body, None).message}")
    extra: list[Opaque] = []
    usage: Usage | None = None
    try:
        wire = answer(body, extra)
        choices = [
            _choice(raw, place, target.origin, wire.response_id) for place, raw in enumerate(wire.candidates or ())
        ]
        blocked = blocking(wire.prompt_feedback)
        if blocked is not None and not choices:
            choices = [Choice(message=Message("assistant", blocked), finish="content_filter")]
        if present(wire.prompt_feedback):
            extra.append(Opaque(NAME, FEEDBACK, wire.prompt_feedback))
        if present(wire.usage_metadata):
            usage, more = usage_in(wire.usage_metadata)
            extra += more
        created = created_in(wire.create_time, extra)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamProtocol(f"The provider's answer is not what its dialect promises: {error}.") from None
    return Response(
        id=wire.response_id,
        model=wire.model_version,
        created=created,
        choices=tuple(choices),
        usage=usage,
        extra=tuple(extra),
        source=source,
    )


def answer(data: bytes, extra: list[Opaque]) -> Answer:
    """An answer's members, or those of a piece of one; unknown ones go to `extra`. Raises msgspec.DecodeError."""
    try:
        return _ANSWER.decode(data)
    except msgspec.ValidationError:
        found = members(Raw(data), ANSWERED)
    extra += [Opaque(NAME, name, raw) for name, raw in found.items() if name not in ANSWERED]
    return _ANSWER.decode(msgspec.json.encode({name: raw for name, raw in found.items() if name in ANSWERED}))


def candidate(raw: Raw, extra: list[Opaque]) -> Candidate:
    """A candidate; members without a place go to `extra`. Raises msgspec.ValidationError."""
    try:
        return _CANDIDATE.decode(raw)
    except msgspec.ValidationError:
        found = members(raw, CHOSEN)
    extra += [Opaque(NAME, f"choice.{name}", value) for name, value in found.items() if name not in CHOSEN]
    return _CANDIDATE.decode(msgspec.json.encode({name: value for name, value in found.items() if name in CHOSEN}))


def blocking(feedback: Raw) -> tuple[Part, ...] | None:
    """The provider's words on why it took no prompt, if it has any; None when nothing was blocked."""
    found = _FEEDBACK.decode(feedback) if present(feedback) else _Feedback()
    if found.block_reason is None:
        return None
    return (Refusal(found.block_reason_message),) if found.block_reason_message else ()


def blocked_by(feedback: Opaque | None) -> tuple[Part, ...] | None:
    """The same of what was kept of an answer, whatever became of it."""
    try:
        return None if feedback is None else blocking(feedback.raw)
    except msgspec.ValidationError:
        return None


def created_in(raw: Raw, extra: list[Opaque]) -> int:
    """`createTime` in seconds since 1970; what these do not tell goes to `extra`."""
    if not present(raw):
        return 0
    at, whole = seconds(_STRING.decode(raw)) if is_string(raw) else (0, False)
    if not whole or not at:
        extra.append(Opaque(NAME, "createTime", raw))
    return at


def content_in(raw: Raw) -> tuple[list[Read], list[Opaque]]:
    """(the parts of a candidate, members that its content does not usually have). Raises msgspec.ValidationError."""
    if not present(raw):
        return [], []
    try:
        role, reads, extra = read_content(raw)
    except msgspec.ValidationError as error:
        raise below(error, "content") from None
    if role not in _ROLES:
        extra.append(Opaque(NAME, "role", raw_of(role)))
    return reads, extra


def _choice(raw: Raw, place: int, origin: str, seed: str) -> Choice:
    extra: list[Opaque] = []
    wire = candidate(raw, extra)
    reads, more = content_in(wire.content)
    sequence = Sequence(reads, origin)
    extra += more
    index = place if wire.index is None else wire.index
    parts = list(named(sequence.parts, f"{seed or bytes(raw).decode()} {index or ''}".rstrip()))
    words = [
        Words(at, number, part.text)
        for at, number in enumerate(sequence.wires)
        if number < len(parts) and isinstance(part := parts[number], Text)
    ]
    for read, metadata in ((grounding_in, wire.grounding_metadata), (sources_in, wire.citation_metadata)):
        if present(metadata):
            cited, kept = read(metadata, words)
            extra += [kept] if kept is not None else []
            for number, citation in cited:
                text = parts[number]
                assert isinstance(text, Text)
                parts[number] = Text(text.text, text.cache, (*text.citations, citation))
    finish, logprobs = None, None
    if wire.finish_reason is not None:
        finish, word = finish_in(wire.finish_reason, any(isinstance(part, ToolCall) for part in parts))
        extra += [word] if word is not None else []
    if present(wire.logprobs_result):
        logprobs, result = logprobs_in(wire.logprobs_result)
        extra += [result] if result is not None else []
    return Choice(
        message=Message("assistant", tuple(parts), extra=(*extra, *asides_of(sequence))),
        index=index,
        finish=finish,
        logprobs=logprobs or None,
    )
