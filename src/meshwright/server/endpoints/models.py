"""GET /v1/models: what can be asked for, in the shape of the client's dialect."""

from __future__ import annotations

from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import JSON, Answered, Asked, as_json
from meshwright.server.offered import card, offered
from meshwright.wire.gemini.catalogue import Card, encode_models, model_object

SINCE = "1970-01-01T00:00:00Z"


async def every(gate: Gate, asked: Asked) -> Answered:
    """Routes first, then models by their full name."""
    names = offered(gate.kernel.snapshot, asked.principal)
    if asked.header("anthropic-version"):
        data = [_anthropic(name) for name in names]
        first, last = (names[0], names[-1]) if names else (None, None)
        return as_json({"data": data, "has_more": False, "first_id": first, "last_id": last})
    if _of_gemini(asked):
        return Answered(200, [JSON], encode_models(names))
    return as_json({"object": "list", "data": [_openai(name) for name in names]})


async def one(gate: Gate, asked: Asked) -> Answered:
    """One model or route by any of its names."""
    name = asked.parameter
    card(gate.kernel.snapshot, name)
    if _of_gemini(asked):
        return as_json(model_object(Card(name=name)))
    return as_json(_anthropic(name) if asked.header("anthropic-version") else _openai(name))


def _of_gemini(asked: Asked) -> bool:
    """Whether one of Gemini's clients asks, which may do so below /v1."""
    return bool(asked.header("x-goog-api-client") or asked.header("x-goog-api-key"))


def _openai(name: str) -> dict[str, object]:
    owner = name.partition("/")[0] if "/" in name and not name.startswith("route/") else "meshwright"
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}


def _anthropic(name: str) -> dict[str, object]:
    return {"type": "model", "id": name, "display_name": name, "created_at": SINCE, "lifecycle": "active"}


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/models",
        summary="Models and routes that can be asked for.",
        answer=every,
        scope="inference",
    ),
    Endpoint(method="GET", path="/v1/models/{model}", summary="One model or route.", answer=one, scope="inference"),
)
