"""POST /v1/route: what would be decided, for one prompt or for many, without asking any model."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from meshwright.kernel.check import looked_at
from meshwright.kernel.counting import counted
from meshwright.kernel.decide import decide
from meshwright.server.bodies import body_of
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, as_json
from meshwright.types.content import Message, Text
from meshwright.types.errors import ContextTooLong, InvalidRequest, MeshError, NoCandidate
from meshwright.types.request import Request
from meshwright.wire import CODECS

MOST = 1_000
CHAT = CODECS["openai_chat"]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`prompts` are single user messages; `requests` are whole bodies of Chat Completions. `model` is for the prompts.

    `live` false leaves out how models have been doing of late, so that the same body gives the same decisions.
    """

    model: str = "auto"
    prompts: tuple[str, ...] = ()
    requests: tuple[msgspec.Raw, ...] = ()
    live: bool = True


async def route(gate: Gate, asked: Asked) -> Answered:
    """Each decision, or the error that the request would have met, in the order of the prompts and the requests."""
    body = body_of(asked, Body, '{"model": "auto", "prompts": ["…"]}')
    count = len(body.prompts) + len(body.requests)
    if not count or max(len(body.prompts), len(body.requests)) > MOST:
        raise InvalidRequest(
            f"There must be 1 to {MOST:,} prompts, or as many requests.", field="prompts", fix="Send fewer, or one."
        )
    snapshot = gate.kernel.snapshot
    signals = dict(gate.kernel.signals.read()) if body.live else {}
    override = asked.header("x-mesh-route") or ""
    found: list[dict[str, Any]] = []
    for at in range(count):
        try:
            request, by = looked_at(snapshot, _request(body, at), override, asked.principal)
            counts = None
            if snapshot.tokenizers:
                counts = await counted(snapshot, request, override or request.model, limited=False)
            bounds = asked.principal.bounds
            decision = decide(snapshot, signals, request, override, found=by, bounds=bounds, counted=counts)
            found.append({"decision": decision})
        except MeshError as error:
            told = {"code": error.code, "message": error.message, "field": error.field, "fix": error.fix}
            whom = {"rejected": error.rejected} if isinstance(error, NoCandidate | ContextTooLong) else {}
            found.append({"error": told | whom})
        if at % 16 == 15:
            await asyncio.sleep(0)  # a long list must not hold up the requests of others
    return as_json({"object": "list", "data": found})


def _request(body: Body, at: int) -> Request:
    if at < len(body.prompts):
        return Request(model=body.model, messages=(Message("user", (Text(body.prompts[at]),)),))
    return CHAT.decode_request(bytes(body.requests[at - len(body.prompts)]))


ENDPOINT = Endpoint(
    method="POST",
    path="/v1/route",
    summary="What would be decided, without asking any model.",
    answer=route,
    scope="inference",
    request="Route",
    parameters=(
        {
            "name": "x-mesh-route",
            "in": "header",
            "description": "A route or model that takes the place of those in the body.",
            "schema": {"type": "string"},
        },
    ),
)
