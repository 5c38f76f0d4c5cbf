"""A whole answer, both ways (https://platform.openai.com/docs/api-reference/completions/object)."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque, Part, Reasoning, Refusal, Text
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Choice, Response
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.notes import Notes
from meshwright.wire.openai_completions.errors import decode_error
from meshwright.wire.openai_completions.request import echoed
from meshwright.wire.openai_completions.shape import (
    CHOICE,
    KNOWN_OF_CHOICE,
    NAME,
    ChoiceIn,
    finish_in,
    probabilities_in,
    probabilities_out,
    reason_out,
)
from meshwright.wire.openai_completions.usage import usage_in, usage_out
from meshwright.wire.reading import provider_source
from meshwright.wire.verbatim import NOTHING, is_string, members, present

KIND = "text_completion"
JOINED = "A completion is one text; several were joined."
_KNOWN = frozenset({"id", "object", "created", "model", "choices", "usage"})


class Head(msgspec.Struct, frozen=True):
    """What an answer and each piece of a stream begin with."""

    id: str | None = None
    model: str | None = None
    created: float | None = None
    choices: list[Raw] | None = None
    usage: Raw = NOTHING


HEAD: msgspec.json.Decoder[Head] = msgspec.json.Decoder(Head)


def decode_response(body: bytes, target: Target) -> Response:
    """A provider's answer. Raises UpstreamProtocol when it is none (an error that came with a good status, too)."""
    source = provider_source(NAME, body)
    if present(source.fields.get("error", Raw())):
        raise UpstreamProtocol(f"The provider answered with an error: {decode_error(502, body, None).message}")
    try:
        read = HEAD.decode(body)
        if read.choices is None:
            raise UpstreamProtocol("The provider's answer has no choices.")
        return Response(
            id=read.id or "",
            model=read.model or "",
            created=int(read.created or 0),
            choices=tuple(_choice_in(raw, place) for place, raw in enumerate(read.choices)),
            usage=usage_in(read.usage),
            extra=tuple(asides(source.fields)),
            source=source,
        )
    except (msgspec.DecodeError, RecursionError, OverflowError, ValueError) as error:
        raise UpstreamProtocol(f"The provider's answer is not what its dialect promises: {error}.") from None


def asides(fields: dict[str, Raw]) -> list[Opaque]:
    """The members of an answer that `types` has no place for."""
    return [Opaque(NAME, name, raw) for name, raw in fields.items() if name not in _KNOWN and present(raw)]


def choice_asides(raw: Raw, read: ChoiceIn) -> list[Opaque]:
    """The same of a choice."""
    found = [Opaque(NAME, f"choice.{name}", one) for name, one in members(raw).items() if name not in KNOWN_OF_CHOICE]
    if finish_in(read.finish_reason) == "unknown":
        found.append(Opaque(NAME, "choice.finish_reason", Raw(msgspec.json.encode(read.finish_reason))))
    if present(read.stop_reason) and not is_string(read.stop_reason):
        found.append(Opaque(NAME, "choice.stop_reason", read.stop_reason))
    return found


def stop_in(read: ChoiceIn) -> str:
    """The stop sequence that ended the text; vLLM tells the number of a token where it was one."""
    return msgspec.json.decode(read.stop_reason, type=str) if is_string(read.stop_reason) else ""


def _choice_in(raw: Raw, place: int) -> Choice:
    read = CHOICE.decode(raw)
    return Choice(
        message=Message("assistant", (Text(read.text),) if read.text else (), extra=tuple(choice_asides(raw, read))),
        index=place if read.index is None else read.index,
        finish=finish_in(read.finish_reason),
        stop=stop_in(read),
        logprobs=probabilities_in(read.logprobs) or None,
    )


def encode_response(response: Response, request: Request) -> Encoded:
    """The body for the client that sent `request`."""
    if response.source is not None and response.source.dialect == NAME:
        return Encoded(response.source.body)
    notes = Notes()
    before = echoed(request)
    body: dict[str, Any] = {
        "id": response.id,
        "object": KIND,
        "created": response.created,
        "model": response.model,
        "choices": [_choice_out(choice, before, notes) for choice in response.choices],
    }
    if response.usage is not None:
        body["usage"] = usage_out(response.usage, notes)
    if response.service_tier:
        notes.dropped("service_tier", "The dialect has no service tiers.")
    for extra in response.extra:
        if extra.dialect == NAME:
            body[extra.kind] = extra.raw
        else:
            notes.foreign(extra.kind, extra)
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def _choice_out(choice: Choice, before: str, notes: Notes) -> dict[str, Any]:
    message = choice.message
    for name in ("name", "id"):
        if getattr(message, name):
            notes.dropped(f"choices.{name}", "A completion has no name and no id of its own.")
    if choice.refusal_logprobs is not None:
        notes.dropped("choices.refusal_logprobs", "A refusal has no probabilities here.")
    words = [word for part in message.parts if (word := words_out(part, notes))]
    if len(words) > 1:
        notes.changed("choices", JOINED)
    body: dict[str, Any] = {
        "text": before + "".join(words),
        "index": choice.index,
        "logprobs": None,
        "finish_reason": reason_out(choice.finish, notes),
    }
    if choice.logprobs:
        body["logprobs"] = probabilities_out(choice.logprobs, len(before), notes)
    if choice.stop:
        body["stop_reason"] = choice.stop
    for extra in message.extra:
        aside_out(body, extra, notes)
    return body


def words_out(part: Part, notes: Notes) -> str:
    """A part of an answer as text."""
    match part:
        case Text():
            if part.citations:
                notes.dropped("choices.citations", "The dialect has no citations.")
            if part.cache is not None:
                notes.dropped("choices.cache", "An answer has no cache marks.")
            return part.text
        case Refusal():
            notes.changed("choices.refusal", "A refusal is sent as plain text.")
            return part.text
        case Reasoning():
            notes.dropped("choices.reasoning", "A completion has no thoughts.")
        case _:
            notes.dropped("choices", f"A completion is text: there is no place for a part {type(part).__name__}.")
    return ""


def aside_out(body: dict[str, Any], extra: Opaque, notes: Notes) -> None:
    """A member of a choice, where it was."""
    name = extra.kind.removeprefix("choice.")
    if extra.dialect == NAME and name != extra.kind:
        body[name] = extra.raw
    else:
        notes.foreign(f"choices.{name}", extra)
