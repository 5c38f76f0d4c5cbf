"""Reading the database from a worker, in a thread, and only for people who look at decisions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from meshwright.kernel.published import Published
from meshwright.server.gate import Reading
from meshwright.server.places import Places
from meshwright.types.decision import Trace

if TYPE_CHECKING:
    from meshwright.store.database import Database


def stored(published: Published, places: Places) -> Reading:
    """How this worker reads decisions. The database is opened at the first look."""
    opened: list[Database] = []

    def database() -> Database:
        if not opened:
            # Imported here because SQLAlchemy takes 20 MiB and 0.2 s that a worker whom nobody asks never needs.
            from meshwright.store.database import Database, sqlite_url

            opened.append(Database(published.config.store.url or sqlite_url(places.database)))
        return opened[0]

    def get(id: str) -> Trace | None:
        from meshwright.store import decisions  # see above

        with database().read() as transaction:
            return decisions.get(transaction, id)

    def latest(limit: int, principal: str | None) -> list[Trace]:
        from meshwright.store import decisions  # see above

        with database().read() as transaction:
            return list(decisions.recent(transaction, limit, principal=principal))

    async def trace(id: str) -> Trace | None:
        return await asyncio.to_thread(get, id)

    async def recent(limit: int, principal: str | None) -> list[Trace]:
        return await asyncio.to_thread(latest, limit, principal)

    return Reading(trace, recent)
