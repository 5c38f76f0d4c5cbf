"""POST /v1/feedback: what somebody says of an answer, for the router to learn from."""

from __future__ import annotations

from time import time

from meshwright.ledger.feedback import Said, rows
from meshwright.server.bodies import body_of
from meshwright.server.endpoint import Endpoint
from meshwright.server.finding import of_answer
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, as_json
from meshwright.types.errors import InvalidRequest

LONGEST_ID = 200
EXAMPLE = '{"id": "dec_…", "thumbs": "up"}'


async def say(gate: Gate, asked: Asked) -> Answered:
    """Keep it, once for each kind and principal: the same again changes nothing, another opinion takes its place."""
    said = body_of(asked, Said, EXAMPLE)
    if not 0 < len(said.id) <= LONGEST_ID:
        raise InvalidRequest(f"id has 1 to {LONGEST_ID} characters.", field="id", fix=f"Send {EXAMPLE}.")
    trace = await of_answer(gate, asked.principal, said.id)
    found = rows(trace, said, asked.principal.id, time(), gate.kernel.snapshot.learning.labels)
    changed = await gate.shelf(lambda room: room.keep_feedback(found))
    kept = [{"kind": row.kind, "score": row.score, "changed": fresh} for row, fresh in zip(found, changed, strict=True)]
    return as_json({"object": "feedback", "decision": trace.id, "model": found[0].model, "kept": kept})


ENDPOINT = Endpoint(
    method="POST",
    path="/v1/feedback",
    summary="Say how good an answer was.",
    answer=say,
    scope="inference",
    request="Feedback",
)
