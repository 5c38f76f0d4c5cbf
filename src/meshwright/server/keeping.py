"""Which answers are kept, what is put before a request that goes on from one, and how an answer gets our name.

What is kept is in the database before the last byte of the answer leaves.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import time
from typing import Protocol

import msgspec
from msgspec import Raw

from meshwright.kernel.arrival import Flow, Receipt
from meshwright.kernel.config.tables import StateSettings
from meshwright.server.gate import Gate
from meshwright.server.http import Asked
from meshwright.store.rows import KeptAnswer, KeptItem
from meshwright.types.errors import InvalidRequest, MeshError, NotFound
from meshwright.types.request import Request
from meshwright.wire import CODECS
from meshwright.wire.openai_chat import kept as chats
from meshwright.wire.openai_responses import resources
from meshwright.wire.openai_responses.renamed import RenamedResponse

CHAT, RESPONSES = "openai_chat", "openai_responses"
DAY = 86_400.0
_OURS = {
    "response": re.compile(r"resp_mesh[0-9a-f]{32}"),
    "chat": re.compile(r"chatcmpl-mesh[0-9a-f]{32}"),
    "conversation": re.compile(r"conv_mesh[0-9a-f]{32}"),
}
_FIELDS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


def new_id(prefix: str) -> str:
    """An id that nobody can guess and that says that it is ours: `prefix`, "mesh", 32 hex digits."""
    return f"{prefix}mesh{secrets.token_hex(16)}"


def ours(kind: str, id: str) -> bool:
    """Whether an id is one that this gateway gave, and not a provider's."""
    return _OURS[kind].fullmatch(id) is not None


def expiry(gate: Gate) -> float:
    """Until when what is used now is kept."""
    return time() + gate.kernel.snapshot.state.days * DAY


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with one request's answer. `store`: the answer is kept under `id`.

    `own` is the JSON array of what this request itself said; `ancestors` are the answers that it goes on from.
    """

    id: str
    owner: str
    chat: bool
    store: bool
    own: bytes
    created: float
    expires: float
    previous: str = ""
    conversation: str = ""
    ancestors: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    metadata: Raw | None = None
    """What the client said of the answer, as it came: kept here, it need not be carried to the provider."""
    background: bool = False

    def changes(self) -> dict[str, object]:
        """The members of the answer that we know better than the provider."""
        if self.chat:
            return {"id": self.id}
        changes: dict[str, object] = {"id": self.id, "store": self.store, "background": self.background}
        changes["previous_response_id"] = self.previous or None
        if self.conversation:
            changes["conversation"] = {"id": self.conversation}
        if self.metadata is not None:
            changes["metadata"] = self.metadata
        return changes

    def answer(self, body: bytes, served: str) -> KeptAnswer:
        """The answer as it is kept."""
        status, model = resources.head_of(body)
        return KeptAnswer(
            id=self.id,
            owner=self.owner,
            kind="chat" if self.chat else "response",
            created=self.created,
            expires=self.expires,
            status=status or "completed",
            body=body,
            request=self.own,
            model=model,
            served=served,
            previous=self.previous,
            conversation=self.conversation,
            touched=time(),
        )

    def said(self, body: bytes, served: str) -> tuple[str, str, Sequence[KeptItem], float] | None:
        """What of this request and its answer belongs into the conversation."""
        if not self.conversation:
            return None
        own = [(item, "") for item in msgspec.json.decode(self.own, type=list[Raw])]
        made = [(item, served) for item in resources.output_of(body)]
        items = []
        for place, (item, by) in enumerate(own + made):
            id, _ = resources.listed(item, self.id, place)
            items.append(KeptItem(id=id, body=bytes(item), served=by))
        return self.owner, self.conversation, items, self.expires


def concerns(request: Request, dialect: str) -> bool:
    """Whether `prepare` may have anything to do: nearly every chat passes without."""
    return request.store is True if dialect == CHAT else dialect == RESPONSES


async def prepare(gate: Gate, asked: Asked, request: Request, dialect: str) -> tuple[Request, Keeping] | None:
    """The request with its history before it, and what to do with the answer; None when that is nobody's concern here.

    Raises InvalidRequest, NotFound, TooLarge, StoreError.
    """
    state = gate.kernel.snapshot.state
    if dialect == CHAT:
        if request.store is not True or state.keep == "no":
            return None
        return _chat(gate, asked, request)
    return await _response(gate, asked, request, state) if dialect == RESPONSES else None


def _chat(gate: Gate, asked: Asked, request: Request) -> tuple[Request, Keeping]:
    fields = _FIELDS.decode(asked.body)
    keeping = Keeping(
        id=new_id("chatcmpl-"),
        owner=asked.principal.id,
        chat=True,
        store=True,
        own=bytes(fields["messages"]),
        created=time(),
        expires=expiry(gate),
        labels=labels_of(fields.get("metadata")),
    )
    return msgspec.structs.replace(request, store=None, metadata=None), keeping


async def _response(gate: Gate, asked: Asked, request: Request, state: StateSettings) -> tuple[Request, Keeping] | None:
    said = {extra.kind: extra.raw for extra in request.extra if extra.dialect == RESPONSES}
    previous, conversation = request.previous_response_id, resources.named(said.get("conversation"))
    mine = (bool(previous) and ours("response", previous)) or (
        bool(conversation) and ours("conversation", conversation)
    )
    if (previous or conversation) and not mine:
        return None  # what began at a provider stays there
    background = resources.is_true(said.get("background"))
    store = request.store is not False and (
        state.keep == "yes" or (state.keep == "asked" and bool(mine or background or request.store))
    )
    if not mine and not store:
        return None
    if previous and conversation:
        raise InvalidRequest(
            "A response goes on from another one or belongs to a conversation, not both.",
            field="previous_response_id",
            fix="Leave one of them out.",
        )
    if background and not store:
        raise InvalidRequest("What runs in the background must be stored.", field="background", fix="Send store: true.")
    fields = _FIELDS.decode(asked.body)
    own = resources.input_items(fields.get("input"))
    labels_of(fields.get("metadata"))
    owner, ancestors = asked.principal.id, tuple[str, ...]()
    if mine or background:
        history = await gate.shelf(lambda room: room.history(owner, previous, conversation))
        ancestors = history.ancestors
        own, repeats = await _resolved(gate, owner, own, history.items)
        request = _rebuilt(fields, [*history.items, *own] if mine or repeats else None)
    elif any(map(resources.reference, own)):
        own, _ = await _resolved(gate, owner, own, ())
        request = _rebuilt(fields, own)
    keeping = Keeping(
        id=new_id("resp_"),
        owner=owner,
        chat=False,
        store=store,
        own=msgspec.json.encode(own),
        created=time(),
        expires=expiry(gate),
        previous=previous,
        conversation=conversation,
        ancestors=ancestors,
        metadata=request.metadata if store else None,
        background=background,
    )
    return msgspec.structs.replace(request, store=None, metadata=None if store else request.metadata), keeping


async def _resolved(gate: Gate, owner: str, own: list[Raw], before: Sequence[Raw]) -> tuple[list[Raw], bool]:
    """A request's items with what they name in place of names; and whether there were names.

    What stands in the history already is left out. Raises NotFound for what is not kept here.
    """
    wanted = {id for item in own if (id := resources.reference(item))}
    if not wanted:
        return own, False
    there = {id for item in before if (id := resources.id_of(item)) in wanted}
    found = await gate.shelf(lambda room: room.items_by_id(owner, wanted - there)) if wanted - there else {}
    items = []
    for item in own:
        id = resources.reference(item)
        if id in found or not id:
            items.append(found[id] if id else item)
        elif id not in there:
            raise NotFound(
                f"Item with id '{id[:100]}' not found.",
                field="input",
                fix="Only items of responses that are stored can be named: send the item itself.",
            )
    return items, True


def _rebuilt(fields: dict[str, Raw], items: list[Raw] | None) -> Request:
    """The request with everything that was said in it, and nothing in it that only we know of."""
    ours_alone = ("previous_response_id", "conversation", "background")
    kept: dict[str, object] = {name: raw for name, raw in fields.items() if name not in ours_alone}
    if items is not None:
        kept["input"] = items
    return CODECS[RESPONSES].decode_request(msgspec.json.encode(kept))


def labels_of(raw: Raw | bytes | None) -> dict[str, str]:
    """Metadata: at most 16 texts of 512 characters, named by 64. Raises InvalidRequest."""
    if raw is None or bytes(raw) == b"null":
        return {}
    try:
        found = msgspec.json.decode(raw, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest(
            "metadata is an object whose values are strings.", field="metadata", fix="Send numbers as text."
        ) from None
    if len(found) > 16 or any(len(name) > 64 or len(value) > 512 for name, value in found.items()):
        raise InvalidRequest(
            "metadata has at most 16 members, with names of 64 and values of 512 characters.", field="metadata"
        )
    return found


async def keep(gate: Gate, keeping: Keeping, body: bytes, served: str) -> None:
    """Put the answer where its caller finds it. Raises StoreError, NotFound (the conversation was deleted)."""
    answer = keeping.answer(body, served) if keeping.store else None
    said = keeping.said(body, served)
    if answer is not None or said is not None:
        labels = keeping.labels if keeping.chat else None
        await gate.shelf(lambda room: room.save(answer, labels, keeping.ancestors, said))


def renamed(body: bytes, keeping: Keeping) -> bytes:
    """A whole answer under our name."""
    return (chats.patched if keeping.chat else resources.patched)(body, keeping.changes())


class Renaming(Protocol):
    """A stream under our name. `end` is the whole answer, once it has passed."""

    end: bytes | None

    def feed(self, data: bytes) -> bytes:
        """The client's bytes for the provider's."""
        ...

    def rest(self) -> bytes:
        """What is left at the end."""
        ...


def renaming(request: Request, keeping: Keeping) -> Renaming:
    """The way of this answer's events."""
    if keeping.chat:
        return chats.RenamedChat(keeping.changes(), request)
    return RenamedResponse(keeping.changes())


class KeptFlow:
    """A stream that is kept before its last event leaves (see `kernel.arrival.Flow`)."""

    def __init__(self, flow: Flow, way: Renaming, keep: Callable[[bytes], Awaitable[None]]) -> None:
        self._flow = flow
        self._way = way
        self._keep = keep
        self._over = False

    async def next(self) -> bytes:
        """The next bytes for the client. Raises StoreError when the answer could not be kept."""
        while not self._over:
            piece = await self._flow.next()
            made = self._way.feed(piece) if piece else self._way.rest()
            self._over = not piece
            if self._way.end is not None:
                end, self._way.end = self._way.end, None
                await self._keep(end)
            if made:
                return made
        return b""

    def abort(self) -> None:
        """The client left."""
        self._flow.abort()

    def cut(self, error: MeshError) -> bytes:
        """The gateway breaks it off."""
        return self._flow.cut(error)


def kept_flow(gate: Gate, flow: Flow, request: Request, keeping: Keeping, receipt: Receipt) -> KeptFlow:
    """The stream of an answer that is kept."""

    async def put(body: bytes) -> None:
        await keep(gate, keeping, body, receipt.model)

    return KeptFlow(flow, renaming(request, keeping), put)
