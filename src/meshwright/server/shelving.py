"""Kept answers, conversations and feedback in the database: each method is one transaction, called in a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from time import time

import msgspec
from msgspec import Raw

from meshwright.server.office import Office
from meshwright.store import answers, conversations, feedback, recalled
from meshwright.store.database import Database, Transaction
from meshwright.store.rows import Conversation, Feedback, KeptAnswer, KeptItem, Recalled
from meshwright.types.errors import NotFound
from meshwright.wire.openai_responses.resources import id_of, listed, output_of, remembered

MAX_HISTORY = 32 * 1024 * 1024
"""Bytes of a conversation that are put before a request."""
MAX_LOOKED, AT_ONCE = 500, 50
"""An item that a request only names is looked for in so many responses, of which so many are read together."""


class History(msgspec.Struct, frozen=True):
    """The items before a request, as a model gets them, and the ids of the answers that they come from."""

    items: tuple[Raw, ...]
    ancestors: tuple[str, ...] = ()


class Shelving:
    """The work of `server.shelf`. Every method raises StoreError; those that are given an owner see nobody else's."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.office = Office(database)

    def recall(self, id: str, now: float) -> Recalled | None:
        """An answer that may be given again."""
        with self._database.read() as transaction:
            return recalled.get(transaction, id, now)

    def remember(self, answer: Recalled) -> None:
        """Keep an answer that may be given again."""
        with self._database.begin() as transaction:
            recalled.put(transaction, answer)

    def history(self, owner: str, previous: str, conversation: str) -> History:
        """What was said before. Raises NotFound, TooLarge."""
        with self._database.read() as transaction:
            if conversation:
                kept = conversations.items(transaction, owner, conversation, MAX_HISTORY)
                return History(tuple(remembered(Raw(one.body), one.served) for one in kept))
            found = answers.chain(transaction, owner, previous, MAX_HISTORY) if previous else ()
        for answer in found:
            if answer.status in answers.OPEN:
                raise NotFound(
                    f"The response {answer.id} is still being made.",
                    field="previous_response_id",
                    fix="Go on from it when its status is completed.",
                )
        items: list[Raw] = []
        for answer in found:
            items += [remembered(item, "") for item in msgspec.json.decode(answer.request, type=list[Raw])]
            items += [remembered(item, answer.served) for item in output_of(answer.body)]
        return History(tuple(items), tuple(answer.id for answer in found))

    def items_by_id(self, owner: str, ids: Set[str]) -> dict[str, Raw]:
        """Items of the owner's newest responses, for a model that goes on from them; those that are not there are left
        out. What was made is looked for first, then what was asked, whose ids are those of its list."""
        found: dict[str, Raw] = {}
        with self._database.read() as transaction:
            after, looked = "", 0
            while looked < MAX_LOOKED and len(found) < len(ids):
                page = answers.page(transaction, owner, "response", limit=AT_ONCE, after=after, newest_first=True)
                for answer in page:
                    found = {**_items_of(answer, ids), **found}
                looked += len(page)
                if len(page) < AT_ONCE:
                    break
                after = page[-1].id
        return found

    def save(
        self,
        answer: KeptAnswer | None,
        labels: Mapping[str, str] | None,
        ancestors: Sequence[str],
        said: tuple[str, str, Sequence[KeptItem], float] | None,
    ) -> None:
        """Keep an answer; keep what it goes on from as long; put what was `said` (owner, id, ...) in a conversation."""
        with self._database.begin() as transaction:
            if answer is not None:
                answers.put(transaction, answer, labels)
                answers.renew(transaction, ancestors, answer.expires)
            if said is not None:
                conversations.append(transaction, *said)

    def finish(
        self,
        answer: KeptAnswer,
        ancestors: Sequence[str] = (),
        said: tuple[str, str, Sequence[KeptItem], float] | None = None,
        events: tuple[int, bytes] | None = None,
    ) -> bool:
        """The same for one that was made in the background; False when it was cancelled or deleted meanwhile."""
        with self._database.begin() as transaction:
            if events is not None and answers.touch(transaction, answer.id, time()):
                answers.add_events(transaction, answer.id, *events)
            if not answers.finish(transaction, answer):
                return False
            answers.renew(transaction, ancestors, answer.expires)
            if said is not None:
                conversations.append(transaction, *said)
            return True

    def alive(self, id: str, events: tuple[int, bytes] | None = None) -> bool:
        """Say that an answer is still being made, with its latest events; False when nobody wants it any more."""
        with self._database.begin() as transaction:
            wanted = answers.touch(transaction, id, time())
            if wanted and events is not None:
                answers.add_events(transaction, id, *events)
            return wanted

    def events(self, owner: str, id: str, after: int) -> tuple[KeptAnswer | None, tuple[tuple[int, bytes], ...]]:
        """The answer, and its rows of events after number `after`."""
        with self._database.read() as transaction:
            answer = answers.get(transaction, owner, id)
            return answer, answers.events(transaction, id, after) if answer is not None else ()

    def answer(self, owner: str, id: str, kind: str) -> KeptAnswer:
        """One answer. Raises NotFound."""
        with self._database.read() as transaction:
            return _found(transaction, owner, id, kind)

    def remove(self, owner: str, id: str, kind: str) -> None:
        """Delete it. Raises NotFound."""
        with self._database.begin() as transaction:
            _found(transaction, owner, id, kind)
            answers.remove(transaction, owner, id)

    def chats(
        self, owner: str, limit: int, after: str, newest_first: bool, model: str, labels: Mapping[str, str]
    ) -> tuple[KeptAnswer, ...]:
        """One page of the owner's chats. Raises NotFound."""
        with self._database.read() as transaction:
            return answers.page(
                transaction,
                owner,
                "chat",
                limit=limit,
                after=after,
                newest_first=newest_first,
                model=model,
                labels=labels,
            )

    def relabel(self, answer: KeptAnswer, labels: Mapping[str, str]) -> None:
        """Replace an answer and what it is found by. Raises NotFound."""
        with self._database.begin() as transaction:
            _found(transaction, answer.owner, answer.id, answer.kind)
            answers.put(transaction, answer, labels)

    def begin_conversation(self, conversation: Conversation, items: Sequence[KeptItem]) -> None:
        """A new conversation with its first items."""
        with self._database.begin() as transaction:
            conversations.put(transaction, conversation)
            conversations.append(transaction, conversation.owner, conversation.id, items, conversation.expires)

    def conversation(self, owner: str, id: str) -> Conversation:
        """Its head. Raises NotFound."""
        with self._database.read() as transaction:
            return conversations.get(transaction, owner, id)

    def describe(self, owner: str, id: str, metadata: bytes) -> Conversation:
        """Replace its metadata. Raises NotFound."""
        with self._database.begin() as transaction:
            return conversations.update_metadata(transaction, owner, id, metadata)

    def forget(self, owner: str, id: str) -> None:
        """Delete it. Raises NotFound."""
        with self._database.begin() as transaction:
            conversations.remove(transaction, owner, id)

    def append(self, owner: str, id: str, items: Sequence[KeptItem], expires: float) -> None:
        """Add items. Raises NotFound, TooLarge."""
        with self._database.begin() as transaction:
            conversations.append(transaction, owner, id, items, expires)

    def items(self, owner: str, id: str, limit: int, after: str, newest_first: bool) -> tuple[KeptItem, ...]:
        """One page of its items. Raises NotFound."""
        with self._database.read() as transaction:
            return conversations.page(transaction, owner, id, limit=limit, after=after, newest_first=newest_first)

    def item(self, owner: str, id: str, item_id: str) -> KeptItem:
        """One of its items. Raises NotFound."""
        with self._database.read() as transaction:
            return conversations.item(transaction, owner, id, item_id)

    def remove_item(self, owner: str, id: str, item_id: str) -> Conversation:
        """Delete one of its items. Raises NotFound."""
        with self._database.begin() as transaction:
            return conversations.remove_item(transaction, owner, id, item_id)

    def keep_feedback(self, found: Sequence[Feedback]) -> list[bool]:
        """Keep what was said of an answer; whether each changed anything."""
        with self._database.begin() as transaction:
            return feedback.put(transaction, found)


def _items_of(answer: KeptAnswer, ids: Set[str]) -> dict[str, Raw]:
    """Those of the items of a response, asked or made, that have one of these ids."""
    found = {}
    if any(id.encode() in answer.body for id in ids):
        made = ((id_of(item), remembered(item, answer.served)) for item in output_of(answer.body))
        found = {id: item for id, item in made if id in ids}
    if len(found) < len(ids):
        asked = msgspec.json.decode(answer.request, type=list[Raw])
        named = ((listed(item, answer.id, place)[0], item) for place, item in enumerate(asked))
        found = {id: remembered(item, "") for id, item in named if id in ids} | found
    return found


def _found(transaction: Transaction, owner: str, id: str, kind: str) -> KeptAnswer:
    answer = answers.get(transaction, owner, id)
    if answer is None or answer.kind != kind:
        what = "response" if kind == "response" else "chat completion"
        raise NotFound(f'There is no stored {what} "{id[:100]}".', fix="It may be deleted or expired, or another's.")
    return answer
