"""The database behind each worker's kept answers: asked in a thread, only for routes that say so."""

from __future__ import annotations

import logging
from time import time

from meshwright.kernel.kept.answers import Entry
from meshwright.server.shelf import Shelf
from meshwright.store.rows import Recalled
from meshwright.types.errors import StoreError

_log = logging.getLogger("meshwright.server")


class Behind:
    """What `kernel.kernel.Behind` asks for."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def get(self, key: bytes) -> Entry | None:
        """The entry that another worker, or an earlier life of this one, has kept. A failure is a miss, in the log."""
        try:
            found = await self._shelf(lambda room: room.recall(key.hex(), time()))
        except StoreError as error:
            _log.error("kept answers cannot be read: %s", error)
            return None
        return None if found is None else Entry(found.body, found.model, found.cost_nano, found.at, found.until)

    async def put(self, key: bytes, entry: Entry, owner: str) -> None:
        """Keep it for all workers. A failure is in the log, and costs nobody an answer."""
        row = Recalled(
            id=key.hex(),
            owner=owner,
            at=entry.at,
            until=entry.until,
            model=entry.model,
            cost_nano=entry.cost,
            body=entry.body,
        )
        try:
            await self._shelf(lambda room: room.remember(row))
        except StoreError as error:
            _log.error("an answer could not be kept: %s", error)
