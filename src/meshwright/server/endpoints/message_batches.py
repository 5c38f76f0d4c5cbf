"""/v1/messages/batches: Anthropic's batches, run on our own queue over any model.

Source: https://docs.anthropic.com/en/api/creating-message-batches and its neighbours.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing, as_json, query_values
from meshwright.server.owned import missing
from meshwright.server.pieces import Pieces
from meshwright.store.rows import ACTIVE, Batch, CountedBatch
from meshwright.types.errors import InvalidRequest
from meshwright.wire import CODECS
from meshwright.wire.reading import client_json
from meshwright.workflows.batches.ids import new_id
from meshwright.workflows.batches.lines import MOST_ROWS

MOST_LISTED = 1000
WINDOW = 86_400.0
PATH = "/v1/messages/batches"


class _Request(msgspec.Struct):
    custom_id: str
    params: Raw


class _Body(msgspec.Struct):
    requests: list[_Request]


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)


async def create(gate: Gate, asked: Asked) -> Answered:
    """Begin a batch; its requests are in the body."""
    wanted = client_json(_BODY, asked.body).requests
    if not 0 < len(wanted) <= MOST_ROWS:
        raise InvalidRequest(f"A batch has 1 to {MOST_ROWS} requests.", field="requests")
    seen: set[str] = set()
    for n, request in enumerate(wanted):
        if not 0 < len(request.custom_id) <= 64 or request.custom_id in seen:
            raise InvalidRequest(
                "A custom_id has 1 to 64 characters, and no two requests have the same.",
                field=f"requests[{n}].custom_id",
            )
        if bytes(request.params)[:1] != b"{":
            raise InvalidRequest("The request is no object.", field=f"requests[{n}].params")
        seen.add(request.custom_id)
    now = time.time()
    batch = Batch(
        id=new_id("msgbatch_"),
        owner=asked.principal.id,
        kind="anthropic",
        endpoint="/v1/messages",
        status="in_progress",
        created=now,
        begun=now,
        expires=now + WINDOW,
        total=len(wanted),
    )
    await gate.desk().keep_batch(batch, [(one.custom_id, bytes(one.params)) for one in wanted])
    return as_json(_shown((batch, {"waiting": len(wanted)})))


async def every(gate: Gate, asked: Asked) -> Answered:
    """Batches, newest first."""
    said = query_values(asked.query)
    limit = said.get("limit", "20")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MOST_LISTED):
        raise InvalidRequest(f"limit is a number from 1 to {MOST_LISTED}.", field="limit")
    after, before = said.get("after_id", ""), said.get("before_id", "")
    found = await gate.desk().batches(asked.principal.id, "anthropic", int(limit) + 1, after, before)
    page = found[-int(limit) :] if before and not after else found[: int(limit)]
    shown = [_shown(one) for one in page]
    first, last = (shown[0]["id"], shown[-1]["id"]) if shown else (None, None)
    return as_json({"data": shown, "has_more": len(found) > int(limit), "first_id": first, "last_id": last})


async def one(gate: Gate, asked: Asked) -> Answered | Flowing:
    """How a batch is doing; or, at `/results`, what came of its requests."""
    id, _, rest = asked.parameter.partition("/")
    batch, counts = await _found(gate, asked, id)
    if not rest:
        return as_json(_shown((batch, counts)))
    if rest != "results":
        raise missing("batch", asked.parameter)
    if batch.status in ACTIVE:
        raise InvalidRequest("The batch has not ended.", fix="Ask again when its processing_status is ended.")
    return Flowing(200, [("content-type", "application/x-jsonl")], Pieces(partial(gate.desk().results, batch)))


async def cancel(gate: Gate, asked: Asked) -> Answered:
    """Begin nothing more of a batch."""
    id, _, rest = asked.parameter.partition("/")
    if rest != "cancel":
        raise missing("batch", asked.parameter)
    await _found(gate, asked, id)
    found = await gate.desk().cancel(id, asked.principal.id)
    if found is None:
        raise missing("batch", id)
    return as_json(_shown(found))


async def delete(gate: Gate, asked: Asked) -> Answered:
    """Forget a batch that has ended."""
    id = asked.parameter
    batch, _ = await _found(gate, asked, id)
    if batch.status in ACTIVE:
        raise InvalidRequest("The batch has not ended.", fix="Cancel it first, and wait for its end.")
    await gate.desk().remove_batch(id, asked.principal.id)
    return as_json({"id": id, "type": "message_batch_deleted"})


async def _found(gate: Gate, asked: Asked, id: str) -> CountedBatch:
    found = await gate.desk().batch(id, asked.principal.id)
    if found is None or found[0].kind != "anthropic":
        raise missing("batch", id)
    return found


def _shown(counted: CountedBatch) -> dict[str, Any]:
    """As Anthropic's MessageBatch. Before the end every request counts as processing."""
    batch, counts = counted
    over = batch.status not in ACTIVE
    told = {
        "succeeded": counts.get("ok", 0),
        "errored": counts.get("failed", 0),
        "canceled": counts.get("cancelled", 0),
        "expired": counts.get("expired", 0),
    }
    ended = {"processing": 0, **told} if over else {"processing": batch.total, **dict.fromkeys(told, 0)}
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": "ended" if over else "canceling" if batch.status == "cancelling" else "in_progress",
        "request_counts": ended,
        "created_at": _moment(batch.created),
        "expires_at": _moment(batch.expires),
        "ended_at": _moment(batch.ended),
        "cancel_initiated_at": _moment(batch.cancelling),
        "archived_at": None,
        "results_url": f"{PATH}/{batch.id}/results" if over else None,
    }


def _moment(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _endpoint(
    method: str,
    path: str,
    summary: str,
    answer: Callable[[Gate, Asked], Awaitable[Answered | Flowing]],
    request: str = "",
) -> Endpoint:
    return Endpoint(
        method=method,
        path=path,
        summary=summary,
        answer=answer,
        scope="inference",
        dialect=CODECS["anthropic_messages"],
        request=request,
    )


ENDPOINTS = (
    _endpoint("POST", PATH, "Run Messages requests when there is time.", create, "message_batch"),
    _endpoint("GET", PATH, "Batches of Messages requests.", every),
    _endpoint("GET", PATH + "/{id}", "How a batch is doing, and at /results what came of it.", one),
    _endpoint("POST", PATH + "/{id}", "Cancel a batch, at /cancel.", cancel),
    _endpoint("DELETE", PATH + "/{id}", "Forget a batch that has ended.", delete),
)
