"""GET /healthz, /readyz: is the process alive, and should it get requests."""

from __future__ import annotations

from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, as_json


async def alive(gate: Gate, asked: Asked) -> Answered:
    """200 while the event loop runs."""
    return as_json({"status": "ok"})


async def ready(gate: Gate, asked: Asked) -> Answered:
    """200 when models are served and it is not draining, else 503 with the reason."""
    if gate.draining:
        return as_json({"status": "draining"}, 503)
    snapshot = gate.kernel.snapshot
    if not snapshot.deployments and not snapshot.open_ended:
        return as_json({"status": "no models", "fix": "Run `mesh doctor`."}, 503)
    told = {"status": "ready", "models": len(snapshot.deployments), "snapshot": snapshot.version}
    if postponed := gate.kernel.journal.postponed:
        told["warning"] = f"The journal only grows: {postponed}"
    return as_json(told)


ENDPOINTS = (
    Endpoint(method="GET", path="/healthz", summary="Whether the process is alive.", answer=alive),
    Endpoint(method="GET", path="/readyz", summary="Whether it can serve requests now.", answer=ready),
)
