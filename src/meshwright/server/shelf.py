"""What a worker keeps for its callers: work with the database, in a thread and only for those who ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from meshwright.server.database import Opening

if TYPE_CHECKING:
    from meshwright.server.shelving import Shelving

T = TypeVar("T")


class Shelf:
    """`await shelf(lambda room: room.answer(owner, id))` runs the lambda in a thread. Raises what it raises."""

    def __init__(self, database: Opening) -> None:
        self._database = database
        self._room: Shelving | None = None

    async def __call__(self, work: Callable[[Shelving], T]) -> T:
        """Do it; what was begun is done to its end, even if the caller is cancelled meanwhile."""
        return await asyncio.to_thread(self._run, work)

    def _run(self, work: Callable[[Shelving], T]) -> T:
        if self._room is None:
            from meshwright.server.shelving import Shelving  # with SQLAlchemy: see server.database

            self._room = Shelving(self._database())
        return work(self._room)
