"""/v1/files: input and output of batches that we run ourselves; all other files are the providers'."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from meshwright.server.endpoint import Endpoint, resource
from meshwright.server.form import FormPart, read_form
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing, as_json, query_values
from meshwright.server.owned import for_us, missing
from meshwright.server.paging import listing
from meshwright.server.passing import passing_on
from meshwright.server.pieces import Pieces
from meshwright.store.rows import StoredFile
from meshwright.types.errors import InvalidRequest, MethodNotAllowed
from meshwright.wire import CODECS
from meshwright.workflows.batches.ids import new_id, ours

FORM = "multipart/form-data"
MOST_LISTED = 10_000
_PASS_ON = passing_on(counts=False)


async def every(gate: Gate, asked: Asked) -> Answered | Flowing:
    """Keep a file for a batch, or list those that are here."""
    if asked.method == "POST" and for_us(gate, asked):
        kind = asked.header("content-type") or ""
        if kind.partition(";")[0].strip().lower() == FORM:
            form = read_form(kind, asked.body)
            if "purpose" in form and form["purpose"].text == "batch":
                return await _create(gate, asked, form)
    if asked.method == "GET" and for_us(gate, asked):
        return await _list(gate, asked)
    return await _PASS_ON(gate, asked)


async def one(gate: Gate, asked: Asked) -> Answered | Flowing:
    """A file's record, its bytes, or its end."""
    id, _, rest = asked.parameter.partition("/")
    if not ours(id):
        return await _PASS_ON(gate, asked)
    owner = asked.principal.id
    if asked.method == "DELETE" and not rest:
        if not await gate.desk().remove_file(id, owner):
            raise missing("file", id)
        return as_json({"id": id, "object": "file", "deleted": True})
    if asked.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(f"A file takes GET and DELETE, not {asked.method}.")
    file = await gate.desk().file(id, owner)
    if file is None or rest not in ("", "content"):
        raise missing("file", asked.parameter)
    if not rest:
        return as_json(_shown(file))
    headers = [("content-type", "application/octet-stream"), ("content-length", str(file.size))]
    return Flowing(200, headers, Pieces(partial(gate.desk().piece, id)))


async def _create(gate: Gate, asked: Asked, form: dict[str, FormPart]) -> Answered:
    given = form.get("file")
    if given is None or not len(given.data):
        raise InvalidRequest("The form has no file.", field="file", fix="Send a file of JSON lines.")
    file = StoredFile(
        id=new_id("file-"),
        owner=asked.principal.id,
        name=given.filename[:255] or "batch.jsonl",
        purpose="batch",
        created=time.time(),
        expires=_expiry(form),
    )
    pieces = (bytes(given.data[at : at + 262_144]) for at in range(0, len(given.data), 262_144))
    return as_json(_shown(await gate.desk().keep_file(file, pieces)))


def _expiry(form: dict[str, FormPart]) -> float | None:
    """When it is to go, by `expires_after[seconds]` (an hour to thirty days)."""
    said = form.get("expires_after[seconds]")
    if said is None:
        return None
    text = said.text
    if not (text.isascii() and text.isdigit() and 3600 <= int(text) <= 30 * 86_400):
        raise InvalidRequest("It is 3600 to 2592000 seconds.", field="expires_after[seconds]")
    return time.time() + int(text)


async def _list(gate: Gate, asked: Asked) -> Answered:
    said = query_values(asked.query)
    limit = said.get("limit", str(MOST_LISTED))
    if not (limit.isascii() and limit.isdigit() and int(limit) <= MOST_LISTED):
        raise InvalidRequest(f"limit is a number from 0 to {MOST_LISTED}.", field="limit")
    after, purpose, newest = said.get("after", ""), said.get("purpose", ""), said.get("order", "desc") != "asc"
    found = await gate.desk().files(asked.principal.id, int(limit) + 1, after, purpose, newest)
    shown = map(_shown, found)
    return listing([(one["id"], one) for one in shown], int(limit))


def _shown(file: StoredFile) -> dict[str, Any]:
    """As OpenAI's File object."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size,
        "created_at": int(file.created),
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "expires_at": None if file.expires is None else int(file.expires),
    }


def _endpoint(path: str, answer: Callable[[Gate, Asked], Any]) -> Endpoint:
    return resource(
        path, "Files of batches; others that the provider keeps.", answer, CODECS["openai_chat"], answers="Forwarded"
    )


ENDPOINTS = (_endpoint("/v1/files", every), _endpoint("/v1/files/{path}", one))
