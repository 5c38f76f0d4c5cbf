"""/admin/v1/limits: budgets and rates of the gateway, teams, users and keys, and how they stand."""

from __future__ import annotations

import msgspec

from meshwright.server.bodies import body_of
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, as_json
from meshwright.server.limiting import Limits, said

EXAMPLE = '{"set": {"money/month": 5, "requests/minute": 60}, "remove": ["money/day"]}'


class Changing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits to set, and names of limits to take away."""

    set: Limits = {}
    remove: tuple[str, ...] = ()


async def every(gate: Gate, asked: Asked) -> Answered:
    """All limits."""
    return as_json({"object": "list", "data": await gate.shelf(lambda room: room.office.limits())})


async def one(gate: Gate, asked: Asked) -> Answered:
    """Those of "gateway", "team:NAME", "user:NAME" or a key."""
    return as_json({"object": "list", "data": await gate.shelf(lambda room: room.office.limits(asked.parameter))})


async def change(gate: Gate, asked: Asked) -> Answered:
    """Set some, take some away."""
    body = body_of(asked, Changing, EXAMPLE)
    limits = said(body.set)
    found = await gate.shelf(
        lambda room: room.office.change_limits(asked.principal, asked.parameter, limits, body.remove)
    )
    return as_json({"object": "list", "data": found})


ENDPOINTS = (
    Endpoint(method="GET", path="/admin/v1/limits", summary="All limits.", answer=every, scope="admin"),
    Endpoint(
        method="GET",
        path="/admin/v1/limits/{owner}",
        summary="The limits of the gateway, a team, a user or a key.",
        answer=one,
        scope="admin",
    ),
    Endpoint(
        method="POST",
        path="/admin/v1/limits/{owner}",
        summary="Set limits, or take them away.",
        answer=change,
        scope="admin",
        request="AdminLimits",
    ),
)
