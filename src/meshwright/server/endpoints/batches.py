"""/v1/batches: requests that are run on our own queue, over any model, or passed on to a provider."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.server.endpoint import Endpoint, resource
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing, as_json, query_values
from meshwright.server.owned import for_us, missing
from meshwright.server.paging import listing
from meshwright.server.passing import passing_on
from meshwright.store.rows import Batch, CountedBatch
from meshwright.types.errors import InvalidRequest, MethodNotAllowed
from meshwright.wire import CODECS
from meshwright.wire.reading import client_json
from meshwright.workflows.batches.ids import new_id, ours
from meshwright.workflows.batches.lines import URLS

MOST_LISTED = 100
_WINDOW = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
LONGEST_WINDOW = 7 * 86_400
_PASS_ON = passing_on(counts=False)


class _Body(msgspec.Struct):
    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None = None


class _Named(msgspec.Struct):
    input_file_id: Any = None


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)
_NAMED: msgspec.json.Decoder[_Named] = msgspec.json.Decoder(_Named)


async def every(gate: Gate, asked: Asked) -> Answered | Flowing:
    """Begin a batch whose file is here, or list those that are."""
    if asked.method == "POST" and _of_ours(asked.body):
        return await _create(gate, asked)
    if asked.method == "GET" and for_us(gate, asked):
        return await _list(gate, asked)
    return await _PASS_ON(gate, asked)


async def one(gate: Gate, asked: Asked) -> Answered | Flowing:
    """How a batch is doing, or its end."""
    id, _, rest = asked.parameter.partition("/")
    if not ours(id):
        return await _PASS_ON(gate, asked)
    if (asked.method, rest) == ("POST", "cancel"):
        found = await gate.desk().cancel(id, asked.principal.id)
    elif rest:
        raise missing("batch", asked.parameter)
    elif asked.method in ("GET", "HEAD"):
        found = await gate.desk().batch(id, asked.principal.id)
    else:
        raise MethodNotAllowed(f"A batch takes GET, and POST to cancel it, not {asked.method}.")
    if found is None or found[0].kind != "openai":
        raise missing("batch", id)
    return as_json(_shown(found))


def _of_ours(body: bytes) -> bool:
    """Whether the input is a file of ours. What cannot be read is for the provider to refuse."""
    try:
        id = _NAMED.decode(body).input_file_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(id, str) and ours(id)


async def _create(gate: Gate, asked: Asked) -> Answered:
    wanted = client_json(_BODY, asked.body)
    if wanted.endpoint not in URLS:
        raise InvalidRequest(
            f"Batches are run for {', '.join(URLS)}.",
            field="endpoint",
            fix="For others, upload the file with x-mesh-provider to a provider that has batches.",
        )
    window = _WINDOW.fullmatch(wanted.completion_window)
    seconds = int(window[1]) * _SECONDS[window[2]] if window else 0
    if not 0 < seconds <= LONGEST_WINDOW:
        raise InvalidRequest("completion_window is 1m to 7d.", field="completion_window", fix='Send "24h".')
    file = await gate.desk().file(wanted.input_file_id, asked.principal.id)
    if file is None or file.purpose != "batch":
        raise InvalidRequest(
            f'There is no file "{wanted.input_file_id[:100]}" with the purpose batch.', field="input_file_id"
        )
    now = time.time()
    batch = Batch(
        id=new_id("batch_"),
        owner=asked.principal.id,
        kind="openai",
        endpoint=wanted.endpoint,
        status="validating",
        created=now,
        expires=now + seconds,
        window=wanted.completion_window,
        input_file=file.id,
        metadata=msgspec.json.encode(wanted.metadata),
    )
    await gate.desk().keep_batch(batch)
    return as_json(_shown((batch, {})))


async def _list(gate: Gate, asked: Asked) -> Answered:
    said = query_values(asked.query)
    limit = said.get("limit", "20")
    if not (limit.isascii() and limit.isdigit() and int(limit) <= MOST_LISTED):
        raise InvalidRequest(f"limit is a number from 0 to {MOST_LISTED}.", field="limit")
    found = await gate.desk().batches(asked.principal.id, "openai", int(limit) + 1, said.get("after", ""))
    shown = map(_shown, found)
    return listing([(one["id"], one) for one in shown], int(limit))


def _shown(counted: CountedBatch) -> dict[str, Any]:
    """As OpenAI's Batch object."""
    batch, counts = counted
    ended = {batch.status: batch.ended}
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": Raw(batch.problems),
        "input_file_id": batch.input_file,
        "completion_window": batch.window,
        "status": batch.status,
        "output_file_id": batch.output_file or None,
        "error_file_id": batch.error_file or None,
        "created_at": int(batch.created),
        "in_progress_at": _moment(batch.begun),
        "expires_at": int(batch.expires),
        "finalizing_at": _moment(batch.finalizing),
        "completed_at": _moment(ended.get("completed")),
        "failed_at": _moment(ended.get("failed")),
        "expired_at": _moment(ended.get("expired")),
        "cancelling_at": _moment(batch.cancelling),
        "cancelled_at": _moment(ended.get("cancelled")),
        "request_counts": {"total": batch.total, "completed": counts.get("ok", 0), "failed": counts.get("failed", 0)},
        "metadata": Raw(batch.metadata),
    }


def _moment(at: float | None) -> int | None:
    return None if at is None else int(at)


def _endpoint(path: str, answer: Callable[[Gate, Asked], Any]) -> Endpoint:
    return resource(
        path,
        "Requests that may take a day, run here or by the provider.",
        answer,
        CODECS["openai_chat"],
        answers="Forwarded",
    )


ENDPOINTS = (_endpoint("/v1/batches", every), _endpoint("/v1/batches/{path}", one))
