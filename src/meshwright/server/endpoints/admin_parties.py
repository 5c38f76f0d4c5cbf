"""/admin/v1/teams and /admin/v1/users: limits and bounds over many keys."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from meshwright.server.bodies import body_of
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, as_json
from meshwright.server.limiting import BoundsBody, Limits, Name, said

EXAMPLE = '{"name": "search", "limits": {"money/month": 500}, "bounds": {"providers": ["openai"]}}'


class Putting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A team or a user to be made or changed. Limits that are not named stay; bounds are replaced."""

    name: Name
    limits: Limits = {}
    bounds: BoundsBody = BoundsBody()


def _endpoints(kind: str) -> Iterator[Endpoint]:
    async def every(gate: Gate, asked: Asked) -> Answered:
        return as_json({"object": "list", "data": await gate.shelf(lambda room: room.office.parties(kind))})

    async def one(gate: Gate, asked: Asked) -> Answered:
        found = await gate.shelf(lambda room: room.office.party(kind, asked.parameter))
        return as_json({"object": kind, **found})

    async def put(gate: Gate, asked: Asked) -> Answered:
        body = body_of(asked, Putting, EXAMPLE)
        limits, bounds = said(body.limits), body.bounds.bounds()
        found = await gate.shelf(
            lambda room: room.office.put_party(asked.principal, kind, body.name.strip(), limits, bounds)
        )
        return as_json({"object": kind, **found})

    async def remove(gate: Gate, asked: Asked) -> Answered:
        await gate.shelf(lambda room: room.office.remove_party(asked.principal, kind, asked.parameter))
        return as_json({"object": kind, "id": f"{kind}:{asked.parameter}", "removed": True})

    path, single = f"/admin/v1/{kind}s", f"/admin/v1/{kind}s/{{name}}"
    yield Endpoint(method="GET", path=path, summary=f"All {kind}s.", answer=every, scope="admin")
    yield Endpoint(
        method="POST",
        path=path,
        summary=f"Make or change a {kind}.",
        answer=put,
        scope="admin",
        request="AdminParty",
    )
    yield Endpoint(method="GET", path=single, summary=f"One {kind}, its keys and limits.", answer=one, scope="admin")
    yield Endpoint(method="DELETE", path=single, summary=f"Remove a {kind}.", answer=remove, scope="admin")


ENDPOINTS = (*_endpoints("team"), *_endpoints("user"))
