"""/admin/v1/leases: what processes have borrowed of limits, and ending what a lost machine has borrowed."""

from __future__ import annotations

import msgspec

from meshwright.server.bodies import body_of
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, as_json


class Freeing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to charge: "all" that is held, or what is "known" to have been under way."""

    spent: str = "all"


async def every(gate: Gate, asked: Asked) -> Answered:
    """All of them, by the life of the process that holds them."""
    return as_json({"object": "list", "data": await gate.shelf(lambda room: room.office.leases(gate.journal))})


async def free(gate: Gate, asked: Asked) -> Answered:
    """End them."""
    body = body_of(asked, Freeing, '{"spent": "all"}')
    found = await gate.shelf(
        lambda room: room.office.free_leases(asked.principal, asked.parameter, gate.journal, body.spent)
    )
    return as_json({"object": "lease.freed", **found})


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/admin/v1/leases",
        summary="What processes have borrowed of limits.",
        answer=every,
        scope="admin",
    ),
    Endpoint(
        method="POST",
        path="/admin/v1/leases/{life}/free",
        summary="End what a lost machine has borrowed.",
        answer=free,
        scope="admin",
        request="AdminFree",
    ),
)
