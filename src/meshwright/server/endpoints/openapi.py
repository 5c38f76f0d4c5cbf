"""GET /openapi.json: what this gateway's endpoints take and give."""

from __future__ import annotations

from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import JSON, Answered, Asked


async def answer(gate: Gate, asked: Asked) -> Answered:
    """The OpenAPI document."""
    return Answered(200, [JSON], gate.document)


ENDPOINT = Endpoint(method="GET", path="/openapi.json", summary="This document.", answer=answer)
