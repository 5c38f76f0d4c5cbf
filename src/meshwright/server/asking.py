"""A request in the client's dialect, answered by any model: what the endpoints of all dialects share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

import msgspec

from meshwright.kernel.arrival import Arrival, Failure, Receipt, Streaming, Whole
from meshwright.kernel.forward.target import takes_unnamed
from meshwright.kernel.handle import handle
from meshwright.server.adapting import (
    CACHE,
    MAX_COST,
    NO_WISHES,
    REPAIR,
    STRICT,
    TIMEOUT,
    adapted,
    bounded,
    cache,
    plain,
    wishes,
)
from meshwright.server.again import once
from meshwright.server.background import Following, begin
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import JSON, Answered, Asked, Flowing, Headers
from meshwright.server.keeping import Keeping, concerns, keep, kept_flow, prepare, renamed, renaming
from meshwright.server.passing import passing_on
from meshwright.server.refusal import refused
from meshwright.types.errors import InvalidRequest, StoreError
from meshwright.wire.dialect import Dialect
from meshwright.wire.sealing import decoder_of_client

FORWARD = {
    "anthropic_messages": ("anthropic-version", "anthropic-beta"),
    "openai_chat": ("openai-beta",),
    "openai_responses": ("openai-beta",),
}
"""Headers of each dialect's clients that change what a provider does; they go to providers of the same dialect."""
PARAMETERS: tuple[Mapping[str, Any], ...] = (
    {
        "name": "x-mesh-route",
        "in": "header",
        "description": "A route or model that takes the place of the one in the body.",
        "schema": {"type": "string"},
    },
    STRICT,
    REPAIR,
    CACHE,
    TIMEOUT,
    MAX_COST,
    {
        "name": "idempotency-key",
        "in": "header",
        "description": "The same key with the same request is answered with what was said before; with another: 422.",
        "schema": {"type": "string", "maxLength": 255},
    },
)
_PASS_ON = passing_on(counts=True)
NO_BUFFER = ("x-accel-buffering", "no")


def asking(dialect: Dialect, *, stream: bool = False) -> Callable[[Gate, Asked], Awaitable[Answered | Flowing]]:
    """An endpoint's function. `stream`: the path asks for one, in a dialect whose paths name the model and say so."""
    names, decode = FORWARD.get(dialect.name, ()), decoder_of_client(dialect)

    async def answer(gate: Gate, asked: Asked) -> Answered | Flowing:
        """Decode, handle, send on."""
        began = perf_counter()
        header = asked.header
        try:
            request = decode(asked.body)
        except InvalidRequest as error:
            if error.field != "model" or dialect.name != "openai_responses" or not _unnamed(gate, asked):
                raise
            return await _PASS_ON(gate, asked)
        if dialect.with_path is not None:
            request = dialect.with_path(request, asked.parameter, stream)
        wished = wishes(header) if asked.ours else NO_WISHES
        if wished.cost is not None or request.extra:
            request = bounded(request, wished.cost)
        kept = await prepare(gate, asked, request, dialect.name) if concerns(request, dialect.name) else None
        keeping = kept[1] if kept is not None else None
        arrival = Arrival(
            request=kept[0] if kept is not None else request,
            dialect=dialect,
            principal=asked.principal,
            path=asked.path,
            route=wished.route,
            strict=wished.strict,
            repair=wished.repair,
            forward=tuple([(name, value) for name in names if (value := header(name))]),
            decode_seconds=perf_counter() - began,
            answer_id=keeping.id if keeping is not None else "",
            cache=cache(header) if gate.kernel.snapshot.caches else "",
            seconds=wished.seconds,
        )
        if keeping is not None and keeping.background:
            return await _in_background(gate, arrival, keeping)
        reply = await handle(gate.kernel, arrival)
        if isinstance(reply, Failure):
            if isinstance(reply.error, StoreError):
                gate.unstored(reply.error)
            return refused(dialect, reply.error, reply.decision)
        headers = _headers(reply.receipt)
        if isinstance(reply, Streaming):
            flow = reply.flow
            if keeping is not None:
                flow = kept_flow(gate, flow, arrival.request, keeping, reply.receipt)
            return Flowing(200, [("content-type", dialect.event_stream), NO_BUFFER, *headers], flow)
        body = reply.body if keeping is None else await _kept(gate, arrival, keeping, reply)
        kind = ("content-type", dialect.event_stream) if request.stream else JSON
        return Answered(200, [kind, *headers], body)

    return answer


async def _kept(gate: Gate, arrival: Arrival, keeping: Keeping, reply: Whole) -> bytes:
    """The answer under our name, once it is kept."""
    if not arrival.request.stream:
        body = renamed(reply.body, keeping)
        await keep(gate, keeping, body, reply.receipt.model)
        return body
    way = renaming(arrival.request, keeping)
    events = way.feed(reply.body)
    if way.end is not None:
        await keep(gate, keeping, way.end, reply.receipt.model)
    return events


async def _in_background(gate: Gate, arrival: Arrival, keeping: Keeping) -> Answered | Flowing:
    """Begin it, and answer at once; or with its events as they come, though it does not depend on their reader."""
    body = await begin(gate, arrival, keeping)
    if not arrival.request.stream:
        return Answered(200, [JSON], body)
    headers = [("content-type", arrival.dialect.event_stream), NO_BUFFER]
    return Flowing(200, headers, Following(gate, keeping.owner, keeping.id, -1))


def _unnamed(gate: Gate, asked: Asked) -> bool:
    """Whether a Responses call leaves its model to the provider (a stored prompt may name it), and one is there."""
    header = asked.header
    if header("x-mesh-route") or not asked.body.lstrip().startswith(b"{"):
        return False
    if "model" in msgspec.json.decode(asked.body, type=dict[str, msgspec.Raw]):
        return False
    return takes_unnamed(gate.kernel.snapshot, header("x-mesh-provider") or "", gate.settings.forward_to)


def _headers(receipt: Receipt) -> Headers:
    """What every answer tells of its decision."""
    headers = [
        ("x-mesh-model", plain(receipt.model)),
        ("x-mesh-decision", receipt.decision),
        ("x-request-id", receipt.decision),
        ("request-id", receipt.decision),
    ]
    if receipt.valid is not None:
        headers.append(("x-mesh-valid", "true" if receipt.valid else "false"))
    if receipt.cache:
        headers.append(("x-mesh-cache", receipt.cache))
        if receipt.age is not None:
            headers.append(("age", str(receipt.age)))
    headers += adapted(receipt.adaptations)
    headers += receipt.limits
    return headers


def inference(path: str, dialect: Dialect, summary: str, *, stream: bool = False, query_key: str = "") -> Endpoint:
    """The endpoint of a path at which requests of a dialect are answered."""
    return Endpoint(
        method="POST",
        path=path,
        summary=summary,
        answer=once(asking(dialect, stream=stream)),
        scope="inference",
        dialect=dialect,
        slow=True,
        request=dialect.name,
        parameters=PARAMETERS,
        query_key=query_key,
    )
