"""GET /admin/v1/spend: where each cent went."""

from __future__ import annotations

import time

import msgspec

from meshwright.ledger.spans import span
from meshwright.server.bodies import query_of
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, as_json
from meshwright.server.limiting import TIME
from meshwright.types.errors import InvalidRequest


class Query(msgspec.Struct, frozen=True):
    """As the options of `mesh spend`; `only` is GROUP=VALUE, several with commas."""

    by: str = "model"
    since: str = "30d"
    only: str = ""


async def answer(gate: Gate, asked: Asked) -> Answered:
    """Groups and their total; calls without a known price are counted and in no sum."""
    query = query_of(asked, Query)
    begin = time.time() - span(query.since)
    only = dict(_wanted(one) for one in query.only.split(",") if one)
    groups, total = await gate.shelf(lambda room: room.office.spent(query.by, begin, None, only))
    return as_json({"object": "list", "by": query.by, "since": begin, "data": groups, "total": total})


def _wanted(text: str) -> tuple[str, str]:
    group, sign, value = text.partition("=")
    if not sign:
        raise InvalidRequest(f'"{text[:60]}" leaves nothing out.', field="only", fix="Write only=task=code.")
    return group, value


def _parameter(name: str, told: str, **schema: object) -> dict[str, object]:
    return {"name": name, "in": "query", "description": told, "schema": {"type": "string", **schema}}


GROUPS = ["key", "team", "user", "model", "provider", "task", "route", "strategy", "asked", "outcome", "day"]
ONLY = "^(team|user|model|provider|task|route|strategy|asked|outcome)=[A-Za-z0-9_/.:-]{1,99}$"
ENDPOINT = Endpoint(
    method="GET",
    path="/admin/v1/spend",
    summary="What was spent, in groups.",
    answer=answer,
    scope="admin",
    parameters=(
        _parameter("by", "What to group by.", enum=GROUPS, default="model"),
        _parameter("since", "How far back, such as 24h, 30d or 1y.", pattern=TIME, default="30d"),
        _parameter("only", "GROUP=VALUE leaves out the rest (also key and day); several with commas.", pattern=ONLY),
    ),
)
