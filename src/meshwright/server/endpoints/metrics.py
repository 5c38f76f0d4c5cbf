"""GET /metrics: counters and latencies for Prometheus."""

from __future__ import annotations

from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked


async def answer(gate: Gate, asked: Asked) -> Answered:
    """This worker's numbers, and those that the other workers last left."""
    postponed = int(bool(gate.kernel.journal.postponed))
    text = gate.all_metrics().text()
    for name, meaning, value in (
        ("mesh_requests_under_way", "Requests that this worker is answering.", gate.under_way),
        ("mesh_journal_postponed", "1 while this worker's journal cannot begin a new file, and only grows.", postponed),
        ("mesh_snapshot", "The version of the configuration that this worker serves.", gate.kernel.snapshot.version),
    ):
        text += f"# HELP {name} {meaning}\n# TYPE {name} gauge\n{name} {value}\n"
    return Answered(200, [("content-type", "text/plain; version=0.0.4; charset=utf-8")], text.encode())


ENDPOINT = Endpoint(
    method="GET",
    path="/metrics",
    summary="Counters and latencies, in Prometheus' text format.",
    answer=answer,
    scope="*",
    answers="Text",
)
