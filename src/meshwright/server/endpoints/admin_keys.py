"""/admin/v1/keys: who may use this gateway."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from meshwright.ledger.spans import span
from meshwright.server.bodies import body_of
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, as_json
from meshwright.server.limiting import BoundsBody, Limits, Name, Time, said

EXAMPLE = '{"name": "nightly reports", "expires": "90d", "limits": {"money/month": 5}}'


class Making(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to be made."""

    name: Name
    scopes: tuple[Literal["inference", "admin", "*"], ...] = ("inference",)
    expires: Time = ""
    team: str = ""
    user: str = ""
    priority: Annotated[int, msgspec.Meta(ge=-1000, le=1000)] = 0
    limits: Limits = {}
    bounds: BoundsBody = BoundsBody()


class Rotating(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the old key still works, such as 24h."""

    overlap: Time = ""


async def every(gate: Gate, asked: Asked) -> Answered:
    """All keys, without their secrets."""
    return as_json({"object": "list", "data": await gate.shelf(lambda room: room.office.keys())})


async def one(gate: Gate, asked: Asked) -> Answered:
    """One key that works, by its id, with its limits."""
    return as_json({"object": "key", **await gate.shelf(lambda room: room.office.key(asked.parameter))})


async def make(gate: Gate, asked: Asked) -> Answered:
    """A new key. Its secret is in this answer and never again."""
    body = body_of(asked, Making, EXAMPLE)
    lasting = span(body.expires) if body.expires else None
    terms = {
        "team": body.team,
        "user": body.user,
        "priority": body.priority,
        "bounds": body.bounds.bounds(),
        "limits": said(body.limits),
    }
    made = await gate.shelf(
        lambda room: room.office.make_key(asked.principal, body.name.strip(), body.scopes, lasting, terms)
    )
    return as_json({"object": "key", **made})


async def rotate(gate: Gate, asked: Asked) -> Answered:
    """Another key in the place of one, for the same principal."""
    body = body_of(asked, Rotating, '{"overlap": "24h"}')
    overlap = span(body.overlap) if body.overlap else 0.0
    found = await gate.shelf(lambda room: room.office.rotate_key(asked.principal, asked.parameter, overlap))
    return as_json({"object": "key", **found})


async def revoke(gate: Gate, asked: Asked) -> Answered:
    """The key no longer works."""
    found = await gate.shelf(lambda room: room.office.revoke_key(asked.principal, asked.parameter))
    return as_json({"object": "key", **found})


ENDPOINTS = (
    Endpoint(
        method="GET", path="/admin/v1/keys", summary="All keys, without their secrets.", answer=every, scope="admin"
    ),
    Endpoint(
        method="POST",
        path="/admin/v1/keys",
        summary="A new key; its secret is told once.",
        answer=make,
        scope="admin",
        request="AdminKey",
    ),
    Endpoint(
        method="POST",
        path="/admin/v1/keys/{key}/rotate",
        summary="Another key in the place of one.",
        answer=rotate,
        scope="admin",
        request="AdminRotate",
    ),
    Endpoint(method="GET", path="/admin/v1/keys/{key}", summary="One key and its limits.", answer=one, scope="admin"),
    Endpoint(method="DELETE", path="/admin/v1/keys/{key}", summary="Revoke a key.", answer=revoke, scope="admin"),
)
