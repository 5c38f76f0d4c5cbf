"""POST /v1/quote: what a request will cost, for each candidate and for the plan chosen, without asking any model."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from meshwright.kernel.check import looked_at
from meshwright.kernel.counting import counted
from meshwright.kernel.decide import decide
from meshwright.routing.quote import Priced, Quote, quote
from meshwright.server.adapting import MAX_COST, bounded
from meshwright.server.bodies import body_of
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, as_json
from meshwright.types.content import Message, Text
from meshwright.types.decision import Interval
from meshwright.types.errors import InvalidRequest
from meshwright.types.money import dollars
from meshwright.types.request import Request
from meshwright.wire import CODECS


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either a `prompt` for `model`, or a whole `request` in a `dialect`. The latter's model is that of its body."""

    model: str = "auto"
    prompt: str = ""
    request: msgspec.Raw = msgspec.Raw()
    dialect: str = "openai_chat"
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None


async def answer(gate: Gate, asked: Asked) -> Answered:
    """The quote. Raises InvalidRequest and what the request itself would meet before any model is asked."""
    body = body_of(asked, Body, '{"model": "auto", "prompt": "…"}')
    kernel, override = gate.kernel, asked.header("x-mesh-route") or ""
    request = bounded(_request(body), asked.header("x-mesh-max-cost"))
    request, by = looked_at(kernel.snapshot, request, override, asked.principal)
    snapshot = kernel.snapshot
    counts = None
    if snapshot.tokenizers:
        counts = await counted(snapshot, request, override or request.model, limited=True)
    decision = decide(
        snapshot,
        kernel.signals.read(),
        request,
        override,
        kernel.signals.habits.warm,
        by,
        asked.principal.bounds,
        counts,
    )
    return as_json({"object": "quote", **told(quote(decision, snapshot.calibration, snapshot.card))})


def told(found: Quote) -> dict[str, Any]:
    """A quote with its money in dollars."""
    return {
        "asked": found.asked,
        "route": found.route,
        "strategy": found.strategy,
        "models": list(dict.fromkeys(found.plan.contacts())),
        "cost_usd": _usd(found.cost),
        "candidates": [_candidate(one) for one in found.candidates],
        "assumed": found.assumed,
        "coverage": {"nominal": found.nominal, "measured": found.measured, "answers": found.rows},
    }


def _candidate(one: Priced) -> dict[str, Any]:
    tokens = None if one.tokens is None else {"value": one.tokens.value, "low": one.tokens.low, "high": one.tokens.high}
    read = None if one.read is None else {"tokens": one.read, "counted_by": one.counted or "estimate"}
    return {"model": one.model, "read": read, "tokens": tokens, "cost_usd": _usd(one.cost), "basis": one.basis}


def _usd(interval: Interval | None) -> dict[str, str] | None:
    if interval is None:
        return None
    value, low, high = (dollars(round(amount)) for amount in (interval.value, interval.low, interval.high))
    return {"value": value, "low": low, "high": high}


def _request(body: Body) -> Request:
    if not bytes(body.request):
        if not body.prompt:
            raise InvalidRequest("There is nothing to quote.", field="prompt", fix='Send {"prompt": "…"} or "request".')
        message = Message("user", (Text(body.prompt),))
        return Request(model=body.model, messages=(message,), max_tokens=body.max_tokens)
    codec = CODECS.get(body.dialect)
    if codec is None:
        raise InvalidRequest(
            f'There is no dialect "{body.dialect[:40]}".', field="dialect", fix=f"Choose among {', '.join(CODECS)}."
        )
    request = codec.decode_request(bytes(body.request))
    return request if request.model else msgspec.structs.replace(request, model=body.model)


ENDPOINT = Endpoint(
    method="POST",
    path="/v1/quote",
    summary="What a request will cost, without asking any model.",
    answer=answer,
    scope="inference",
    request="Quote",
    parameters=(
        {
            "name": "x-mesh-route",
            "in": "header",
            "description": "A route or model that takes the place of the one in the body.",
            "schema": {"type": "string"},
        },
        MAX_COST,
    ),
)
