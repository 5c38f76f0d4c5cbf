"""GET /: the status page."""

from __future__ import annotations

from meshwright.server.auth import authenticate
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked
from meshwright.types.errors import ClientError

SAFE = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-store"),
]


async def answer(gate: Gate, asked: Asked) -> Answered:
    """What is served and how to use it. On an open gateway also the latest decisions; else they need a key."""
    snapshot = gate.kernel.snapshot
    seen = _may_look(gate, asked)
    traces = await gate.stored.recent(20, None) if seen else []
    fresh = {trace.id: trace for trace in (*traces, *(gate.kernel.recent.values() if seen else ()))}
    newest = sorted(fresh.values(), key=lambda trace: trace.at, reverse=True)[:20]
    body = gate.page(snapshot, newest, f"http://{gate.settings.host}:{gate.settings.port}")
    return Answered(200, [("content-type", "text/html; charset=utf-8"), *SAFE], body.encode())


def _may_look(gate: Gate, asked: Asked) -> bool:
    """Whether the caller may see what was asked of late: a browser on the machine of an open gateway."""
    try:
        return gate.kernel.snapshot.open and authenticate(gate.kernel.snapshot, gate.settings, asked.header).may(
            "admin"
        )
    except ClientError:
        return False


ENDPOINT = Endpoint(method="GET", path="/", summary="The status page.", answer=answer, answers="Page")
