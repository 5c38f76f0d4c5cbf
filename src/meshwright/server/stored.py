"""Reading the database from a worker, in a thread, and only for people who look at decisions."""

from __future__ import annotations

import asyncio

from meshwright.server.database import Opening
from meshwright.server.gate import Reading
from meshwright.types.decision import Trace


def stored(database: Opening) -> Reading:
    """How this worker reads decisions."""

    def get(id: str) -> Trace | None:
        from meshwright.store import decisions  # as late as the database itself

        with database().read() as transaction:
            return decisions.get(transaction, id)

    def latest(limit: int, principal: str | None) -> list[Trace]:
        from meshwright.store import decisions  # as late as the database itself

        with database().read() as transaction:
            return list(decisions.recent(transaction, limit, principal=principal))

    def by_answer(id: str, principal: str | None) -> Trace | None:
        from meshwright.store import decisions  # as late as the database itself

        with database().read() as transaction:
            return decisions.answered(transaction, id, principal)

    async def trace(id: str) -> Trace | None:
        return await asyncio.to_thread(get, id)

    async def recent(limit: int, principal: str | None) -> list[Trace]:
        return await asyncio.to_thread(latest, limit, principal)

    async def answered(id: str, principal: str | None) -> Trace | None:
        return await asyncio.to_thread(by_answer, id, principal)

    return Reading(trace, recent, answered)
