"""A Response as the body of an answer to a Responses call.

An answer that came in this dialect and is unchanged goes out as its own bytes.
Source: https://platform.openai.com/docs/api-reference/responses/object.
"""

from __future__ import annotations

import msgspec

from meshwright.types.request import Request
from meshwright.types.response import Choice, Response
from meshwright.wire.dialect import Encoded
from meshwright.wire.notes import Notes
from meshwright.wire.openai_responses.answer import Answer
from meshwright.wire.openai_responses.members import NAME
from meshwright.wire.openai_responses.output import Output
from meshwright.wire.openai_responses.response_in import calls_of
from meshwright.wire.openai_responses.usage import finish_out
from meshwright.wire.verbatim import raw_of


def encode_response(response: Response, request: Request) -> Encoded:
    """The answer for the client that sent `request`, and what of it could not be carried."""
    if response.source is not None and response.source.dialect == NAME:
        return Encoded(response.source.body)
    notes = Notes()
    answer = Answer(request, notes)
    answer.id = response.id or answer.id
    answer.model = response.model or answer.model
    answer.created = response.created
    answer.service_tier = response.service_tier
    for extra in response.extra:
        answer.keep(extra)
    if len(response.choices) > 1:
        notes.dropped("choices.n", "This API gives one answer: the first was sent.")
    choice = response.choices[0] if response.choices else None
    status, reason = "completed", ""
    if choice is not None:
        kept = answer.extra.get("status")
        calls = calls_of(choice.message)
        status, reason = finish_out(choice.finish, choice.stop, kept, notes, calls=calls)
    made = answer.whole(status, reason, raw_of(_output(choice, answer.id, status, notes)), response.usage)
    return Encoded(msgspec.json.encode(made), tuple(notes.found))


def _output(choice: Choice | None, id: str, status: str, notes: Notes) -> list[object]:
    if choice is None:
        notes.changed("choices", "An answer without a choice is an answer without output.")
        return []
    if choice.index or choice.message.role != "assistant":
        notes.changed("choices.index", "The one answer has no number, and it is the assistant's.")
    if choice.refusal_logprobs:
        notes.dropped("choices.refusal_logprobs", "Only words have probabilities here.")
    output = Output(notes, id)
    last = "incomplete" if status == "incomplete" else "completed"
    return list(output.items(choice.message, choice.logprobs or (), last))
