"""/admin/v1/audit: who did what, and whether anybody changed the record of it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from meshwright.server.bodies import query_of
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, as_json

MOST = 1000


class Query(msgspec.Struct, frozen=True):
    """The latest entries, newest first; `before` is the number of the last one of the page before."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 50
    before: Annotated[int, msgspec.Meta(ge=1, le=2**62)] | None = None
    act: str = ""


async def latest(gate: Gate, asked: Asked) -> Answered:
    """Entries as `mesh audit show` has them."""
    query = query_of(asked, Query)
    found = await gate.shelf(lambda room: room.office.audit(query.limit, query.before, query.act))
    return as_json({"object": "list", "data": found})


async def check(gate: Gate, asked: Asked) -> Answered:
    """The whole chain, its checkpoints and the seals of decisions: `sound` or what is wrong."""
    report = await gate.shelf(lambda room: room.office.verify(gate.audit_keys))
    return as_json({"object": "report", "sound": report.sound, **msgspec.structs.asdict(report)})


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/admin/v1/audit",
        summary="The latest entries of the audit log.",
        answer=latest,
        scope="admin",
        parameters=(
            {
                "name": "limit",
                "in": "query",
                "description": "How many, newest first.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 50},
            },
            {
                "name": "before",
                "in": "query",
                "description": "Only entries with lower numbers.",
                "schema": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
            },
            {
                "name": "act",
                "in": "query",
                "description": "Only this act, or this kind of acts.",
                "schema": {"type": "string", "pattern": "^[a-z]{1,20}([.][a-z]{1,20})?$"},
            },
        ),
    ),
    Endpoint(
        method="GET",
        path="/admin/v1/audit/verify",
        summary="Whether the audit log is sound.",
        answer=check,
        scope="admin",
    ),
)
