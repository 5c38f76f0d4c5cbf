"""GET /: the status page."""

from __future__ import annotations

from meshwright.console.status import page
from meshwright.server.endpoints.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked

SAFE = (
    "content-security-policy",
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'",
)


async def answer(gate: Gate, asked: Asked) -> Answered:
    """What is served and how to use it. On an open gateway also the latest decisions; else they need a key."""
    snapshot = gate.kernel.snapshot
    traces = await gate.stored.recent(20, None) if snapshot.open else []
    fresh = {trace.id: trace for trace in (*traces, *(gate.kernel.recent.values() if snapshot.open else ()))}
    newest = sorted(fresh.values(), key=lambda trace: trace.at, reverse=True)[:20]
    body = page(snapshot, newest, f"http://{gate.settings.host}:{gate.settings.port}")
    return Answered(200, [("content-type", "text/html; charset=utf-8"), SAFE], body.encode())


ENDPOINT = Endpoint(method="GET", path="/", summary="The status page.", answer=answer, answers="Page")
