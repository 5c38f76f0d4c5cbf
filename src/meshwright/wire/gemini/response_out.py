"""A whole answer for a client.

Source: https://ai.google.dev/api/generate-content (GenerateContentResponse, Candidate).
"""

from __future__ import annotations

from typing import Any

import msgspec

from meshwright.types.content import Citation, Message, Opaque, Text, ToolCall
from meshwright.types.request import Request
from meshwright.types.response import Choice, Response
from meshwright.wire.dialect import Encoded
from meshwright.wire.gemini.citations import Words, cited_out
from meshwright.wire.gemini.finishes import WORD, finish_out
from meshwright.wire.gemini.logprobs import RESULT, fits, logprobs_out
from meshwright.wire.gemini.parts_out import Writer
from meshwright.wire.gemini.response_in import FEEDBACK, blocked_by
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.gemini.usage import usage_out
from meshwright.wire.moments import moment
from meshwright.wire.notes import Notes

_CHOICE = "choice."


def encode_response(response: Response, request: Request) -> Encoded:
    """The answer for a client of this dialect: the provider's own bytes where they are of it and unchanged."""
    if response.source is not None and response.source.dialect == NAME:
        return Encoded(response.source.body)
    notes = Notes()
    body: dict[str, Any] = {}
    if not _blocked(response):
        body["candidates"] = [_candidate(choice, notes) for choice in response.choices]
    if response.usage is not None:
        body["usageMetadata"] = usage_out(response.usage, response.extra, notes)
    if response.service_tier:
        notes.dropped("service_tier", "An answer does not say its tier here.")
    model = response.model or request.model
    if model:
        body["modelVersion"] = model
    if response.id:
        body["responseId"] = response.id
    if response.created:
        body["createTime"] = moment(response.created)
    for one in response.extra:
        if one.dialect != NAME:
            notes.foreign(one.kind, one)
        elif not one.kind.startswith("usageMetadata."):
            body[one.kind] = one.raw
        elif response.usage is None:
            notes.dropped(one.kind, "The counts that it belonged to are gone.")
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def _blocked(response: Response) -> bool:
    """Whether the answer is only what the API tells by `promptFeedback`, without a candidate."""
    feedback = next((one for one in response.extra if one.dialect == NAME and one.kind == FEEDBACK), None)
    words = blocked_by(feedback)
    if words is None:
        return False
    return response.choices == (Choice(message=Message("assistant", words), finish="content_filter"),)


def _candidate(choice: Choice, notes: Notes) -> dict[str, Any]:
    message = choice.message
    for name in ("name", "id"):
        if getattr(message, name):
            notes.dropped(f"choices.{name}", "The turn has no name and no id of its own here.")
    kept = {one.kind: one for one in message.extra if one.dialect == NAME}
    writer = Writer(notes, None)
    content: dict[str, Any] = {"role": "model", "parts": writer.parts(message)}
    candidate: dict[str, Any] = {"content": content, "index": choice.index}
    called = any(isinstance(part, ToolCall) for part in message.parts)
    if choice.finish is not None:
        candidate["finishReason"] = finish_out(choice.finish, called, message.extra, notes)
    elif WORD in kept:
        notes.dropped("choices.finish", "The answer has not ended.")
    if choice.stop:
        notes.dropped("choices.stop", "Which stop sequence ended the answer is not said here.")
    _probabilities(candidate, choice, kept.get(RESULT), notes)
    cited_out(candidate, _cited(message, writer.places, notes), kept, notes)
    for kind, one in kept.items():
        if kind in (WORD, RESULT) or kind.startswith("parts["):
            continue
        if kind.startswith(_CHOICE):
            candidate[kind.removeprefix(_CHOICE)] = one.raw
        else:
            content[kind] = one.raw
    return candidate


def _probabilities(candidate: dict[str, Any], choice: Choice, kept: Opaque | None, notes: Notes) -> None:
    if choice.refusal_logprobs is not None:
        notes.dropped("choices.refusal_logprobs", "A refusal has no probabilities of its own here.")
    if kept is not None and fits(kept, choice.logprobs or ()):
        candidate["logprobsResult"] = kept.raw
    elif choice.logprobs is not None:
        candidate["logprobsResult"] = logprobs_out(choice.logprobs, notes)
    if kept is not None and "logprobsResult" not in candidate:
        notes.dropped("choices.logprobs", "The probabilities that it belonged to are gone.")


def _cited(message: Message, places: dict[int, int], notes: Notes) -> list[tuple[Words, tuple[Citation, ...]]]:
    """The texts that were sent, each with its place among the wire's parts and its citations."""
    found = []
    for number, part in enumerate(message.parts):
        if isinstance(part, Text) and number in places:
            found.append((Words(places[number], number, part.text), part.citations))
        elif isinstance(part, Text) and part.citations:
            notes.dropped("choices.citations", "A text without words has no citations here.")
    return found
