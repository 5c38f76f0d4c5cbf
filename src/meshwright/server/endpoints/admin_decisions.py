"""GET /admin/v1/decisions: traces of everybody's requests, by who asked, which model served, and how it ended."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec

from meshwright.ledger.spans import span
from meshwright.server.bodies import query_of
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, as_json
from meshwright.server.limiting import TIME

MOST = 1000


class Query(msgspec.Struct, frozen=True):
    """Which decisions: of a principal, a model, an outcome, since when; `before` is the id of the last of a page."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 50
    before: str | None = None
    principal: str | None = None
    model: str | None = None
    outcome: str | None = None
    since: str = ""


async def answer(gate: Gate, asked: Asked) -> Answered:
    """Whole traces, newest first."""
    query = query_of(asked, Query)
    since = time.time() - span(query.since) if query.since else None
    found = await gate.shelf(
        lambda room: room.office.decisions(
            query.limit,
            before=query.before,
            principal=query.principal,
            model=query.model,
            outcome=query.outcome,
            since=since,
        )
    )
    return as_json({"object": "list", "data": found})


def _text(name: str, told: str) -> dict[str, object]:
    return {"name": name, "in": "query", "description": told, "schema": {"type": "string"}}


ENDPOINT = Endpoint(
    method="GET",
    path="/admin/v1/decisions",
    summary="Traces of everybody's requests.",
    answer=answer,
    scope="admin",
    parameters=(
        {
            "name": "limit",
            "in": "query",
            "description": "How many, newest first.",
            "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 50},
        },
        _text("before", "The id of the last decision of the page before."),
        _text("principal", "Only those of this principal."),
        _text("model", "Only those that this model served."),
        _text("outcome", "Only those that ended so."),
        {**_text("since", "How far back, such as 24h."), "schema": {"type": "string", "pattern": TIME}},
    ),
)
