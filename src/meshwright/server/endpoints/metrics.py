"""GET /metrics: counters and latencies for Prometheus."""

from __future__ import annotations

from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked


async def answer(gate: Gate, asked: Asked) -> Answered:
    """This worker's numbers, and those that the other workers last left."""
    text = gate.all_metrics().text() + f"mesh_requests_under_way {gate.under_way}\n"
    return Answered(200, [("content-type", "text/plain; version=0.0.4; charset=utf-8")], text.encode())


ENDPOINT = Endpoint(
    method="GET",
    path="/metrics",
    summary="Counters and latencies, in Prometheus' text format.",
    answer=answer,
    scope="*",
)
