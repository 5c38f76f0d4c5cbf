"""/v1/chat/completions/{id}: chats that are kept here; those of a provider are passed on.

Source: https://platform.openai.com/docs/api-reference/chat/list.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.server.endpoint import resource
from meshwright.server.gate import Gate
from meshwright.server.http import JSON, Answered, Asked, Flowing, as_json, query_values
from meshwright.server.keeping import labels_of, ours
from meshwright.server.paging import fields_of, later, listing, paging, pairs
from meshwright.server.passing import passing_on
from meshwright.store.rows import KeptAnswer
from meshwright.types.errors import InvalidRequest, MethodNotAllowed, NotFound
from meshwright.wire import CODECS
from meshwright.wire.openai_chat.kept import listed, patched

OPENAI = CODECS["openai_chat"]
_PASS_ON = passing_on(counts=False)


async def every(gate: Gate, asked: Asked) -> Answered | Flowing:
    """The caller's chats, in pages; a provider's when one is named, or nothing is kept here."""
    after = query_values(asked.query).get("after", "")
    theirs = bool(after) and not ours("chat", after)
    if theirs or asked.header("x-mesh-provider") or gate.kernel.snapshot.state.keep == "no":
        return await _PASS_ON(gate, asked)
    page = paging(asked.query, newest_first=False)
    owner, labels = asked.principal.id, pairs(asked.query, "metadata")
    model = query_values(asked.query).get("model", "")
    newest = page.newest_first
    found = await gate.shelf(lambda room: room.chats(owner, page.limit + 1, after, newest, model, labels))
    return listing([(one.id, Raw(one.body)) for one in found], page.limit)


async def one(gate: Gate, asked: Asked) -> Answered | Flowing:
    """One of ours by its id, or whatever the provider says."""
    id, _, rest = asked.parameter.partition("/")
    if not ours("chat", id):
        return await _PASS_ON(gate, asked)
    owner, method = asked.principal.id, asked.method
    kept = await gate.shelf(lambda room: room.answer(owner, id, "chat"))
    match (method, rest):
        case ("GET" | "HEAD", ""):
            return Answered(200, [JSON], kept.body)
        case ("POST", ""):
            return await _update(gate, asked, kept)
        case ("DELETE", ""):
            await gate.shelf(lambda room: room.remove(owner, id, "chat"))
            return as_json({"id": id, "object": "chat.completion.deleted", "deleted": True})
        case ("GET" | "HEAD", "messages"):
            return _messages(asked, kept)
    if rest in ("", "messages"):
        raise MethodNotAllowed(f"A stored chat's {rest or 'own path'} does not take {method[:20]}.")
    raise NotFound(f"A stored chat has no {rest[:100]!r}.", fix="It has messages.")


async def _update(gate: Gate, asked: Asked, kept: KeptAnswer) -> Answered:
    fields = fields_of(asked.body)
    if "metadata" not in fields:
        raise InvalidRequest("There is no metadata.", field="metadata", fix="Send an object of strings.")
    labels = labels_of(fields["metadata"])
    body = patched(kept.body, {"metadata": labels})
    changed = msgspec.structs.replace(kept, body=body)
    await gate.shelf(lambda room: room.relabel(changed, labels))
    return Answered(200, [JSON], body)


def _messages(asked: Asked, kept: KeptAnswer) -> Answered:
    page = paging(asked.query, newest_first=False)
    messages = listed(msgspec.json.decode(kept.request, type=list[Raw]), kept.id)
    found: list[tuple[str, object]] = [(str(message["id"]), message) for message in messages]
    if page.newest_first:
        found.reverse()
    return listing(later(found, page.after, "The chat has no message"), page.limit)


ENDPOINTS = (
    resource("/v1/chat/completions", "Chats that are kept; a provider's are passed on.", every, OPENAI, method="GET"),
    resource(
        "/v1/chat/completions/{path}",
        "A chat that is kept: get, update, delete, list its messages; one of a provider's is passed on.",
        one,
        OPENAI,
    ),
)
