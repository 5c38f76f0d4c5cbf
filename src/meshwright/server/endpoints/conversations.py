"""/v1/conversations: what was said, kept here for whichever model goes on; a provider's conversations are passed on.

Source: https://platform.openai.com/docs/api-reference/conversations.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import time

import msgspec
from msgspec import Raw

from meshwright.server.endpoint import resource
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing, as_json
from meshwright.server.keeping import expiry, labels_of, new_id, ours
from meshwright.server.paging import fields_of, listing, paging
from meshwright.server.passing import passing_on
from meshwright.store.rows import Conversation, KeptItem
from meshwright.types.errors import InvalidRequest, MethodNotAllowed, NotFound
from meshwright.wire import CODECS
from meshwright.wire.openai_responses.resources import items_given, listed

OPENAI = CODECS["openai_responses"]
AT_ONCE = 20
_PASS_ON = passing_on(counts=False)


async def begin(gate: Gate, asked: Asked) -> Answered | Flowing:
    """A new conversation; a provider's when one is named, or nothing is kept here."""
    if asked.method != "POST" or asked.header("x-mesh-provider") or gate.kernel.snapshot.state.keep == "no":
        return await _PASS_ON(gate, asked)
    fields = fields_of(asked.body)
    conversation = Conversation(
        id=new_id("conv_"),
        owner=asked.principal.id,
        created=time(),
        expires=expiry(gate),
        metadata=msgspec.json.encode(labels_of(fields.get("metadata"))),
    )
    items = _kept(items_given(fields.get("items"), "items", AT_ONCE), conversation.id)
    await gate.shelf(lambda room: room.begin_conversation(conversation, items))
    return _shown(conversation)


async def one(gate: Gate, asked: Asked) -> Answered | Flowing:
    """One of ours by its id, or whatever the provider says."""
    id, _, rest = asked.parameter.partition("/")
    if not ours("conversation", id):
        return await _PASS_ON(gate, asked)
    if rest == "items" or rest.startswith("items/"):
        return await _items(gate, asked, id, rest.removeprefix("items").removeprefix("/"))
    if rest:
        raise NotFound(f"A conversation has no {rest[:100]!r}.", fix="It has items.")
    owner = asked.principal.id
    if asked.method in ("GET", "HEAD"):
        return _shown(await gate.shelf(lambda room: room.conversation(owner, id)))
    if asked.method == "POST":
        fields = fields_of(asked.body)
        if "metadata" not in fields:
            raise InvalidRequest("There is no metadata.", field="metadata", fix="Send an object of strings.")
        metadata = msgspec.json.encode(labels_of(fields["metadata"]))
        return _shown(await gate.shelf(lambda room: room.describe(owner, id, metadata)))
    if asked.method == "DELETE":
        await gate.shelf(lambda room: room.forget(owner, id))
        return as_json({"id": id, "object": "conversation.deleted", "deleted": True})
    raise MethodNotAllowed(f"A conversation does not take {asked.method[:20]}.")


async def _items(gate: Gate, asked: Asked, id: str, item: str) -> Answered:
    owner, method = asked.principal.id, asked.method
    if method in ("GET", "HEAD") and item:
        return as_json(_listed(await gate.shelf(lambda room: room.item(owner, id, item)))[1])
    if method in ("GET", "HEAD"):
        page = paging(asked.query, newest_first=True)
        after, newest = page.after, page.newest_first
        found = await gate.shelf(lambda room: room.items(owner, id, page.limit + 1, after, newest))
        return listing([_listed(one) for one in found], page.limit)
    if method == "POST" and not item:
        added = _kept(items_given(fields_of(asked.body).get("items"), "items", AT_ONCE), new_id(""))
        if not added:
            raise InvalidRequest("There are no items.", field="items", fix="Send a list of items.")
        until = expiry(gate)
        await gate.shelf(lambda room: room.append(owner, id, added, until))
        return listing([_listed(one) for one in added], len(added))
    if method == "DELETE" and item:
        return _shown(await gate.shelf(lambda room: room.remove_item(owner, id, item)))
    raise MethodNotAllowed(f"{'An item' if item else 'The list of items'} does not take {method[:20]}.")


def _kept(items: Sequence[Raw], seed: str) -> list[KeptItem]:
    return [KeptItem(id=listed(item, seed, place)[0], body=bytes(item)) for place, item in enumerate(items)]


def _listed(item: KeptItem) -> tuple[str, Raw]:
    """The item with the id under which it is kept."""
    members = {**msgspec.json.decode(item.body, type=dict[str, Raw]), "id": item.id}
    return listed(Raw(msgspec.json.encode(members)), item.id, 0)


def _shown(conversation: Conversation) -> Answered:
    return as_json(
        {
            "id": conversation.id,
            "object": "conversation",
            "created_at": int(conversation.created),
            "metadata": Raw(conversation.metadata),
        }
    )


ENDPOINTS = (
    resource(
        "/v1/conversations",
        "Begin a conversation that any model can go on with; a provider's are passed on.",
        begin,
        OPENAI,
    ),
    resource(
        "/v1/conversations/{path}",
        "A conversation that is kept: get, update, delete, and its items; one of a provider's is passed on.",
        one,
        OPENAI,
    ),
)
