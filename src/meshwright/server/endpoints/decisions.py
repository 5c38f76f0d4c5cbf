"""GET /v1/decisions: what was decided for a request, why, and what then happened."""

from __future__ import annotations

from meshwright.server.endpoint import Endpoint
from meshwright.server.finding import found
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, as_json, query_values
from meshwright.types.decision import Trace
from meshwright.types.errors import InvalidRequest
from meshwright.types.money import dollars

MOST = 1000


async def one(gate: Gate, asked: Asked) -> Answered:
    """The whole trace of one decision. Others' decisions are as good as not there, unless the key may administrate."""
    trace = await found(gate, asked.principal, asked.parameter)
    return as_json(
        {"object": "decision", "cost_usd": None if trace.cost is None else dollars(trace.cost), "trace": trace}
    )


async def recent(gate: Gate, asked: Asked) -> Answered:
    """The latest decisions, newest first; `limit` up to 1,000 (default 20)."""
    text = query_values(asked.query).get("limit", "20")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise InvalidRequest(f"limit is a number from 1 to {MOST}.", field="limit")
    mine = None if asked.principal.may("admin") else asked.principal.id
    traces = await gate.stored.recent(int(text), mine)
    fresh = {trace.id: trace for trace in traces}
    fresh |= {trace.id: trace for trace in gate.kernel.recent.values() if mine in (None, trace.principal)}
    newest = sorted(fresh.values(), key=lambda trace: trace.at, reverse=True)[: int(text)]
    return as_json({"object": "list", "data": [_line(trace) for trace in newest]})


def _line(trace: Trace) -> dict[str, object]:
    """A decision in short."""
    decision = trace.decision
    return {
        "id": trace.id,
        "at": trace.at,
        "asked": decision.asked if decision else "",
        "served": trace.served,
        "because": decision.because if decision else trace.error,
        "outcome": trace.outcome,
        "status": trace.status,
        "seconds": trace.seconds,
        "cost_usd": None if trace.cost is None else dollars(trace.cost),
    }


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/decisions",
        summary="The latest decisions.",
        answer=recent,
        scope="inference",
        parameters=(
            {
                "name": "limit",
                "in": "query",
                "description": "How many, newest first.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 20},
            },
        ),
    ),
    Endpoint(
        method="GET",
        path="/v1/decisions/{id}",
        summary="Why a request was routed as it was.",
        answer=one,
        scope="inference",
    ),
)
