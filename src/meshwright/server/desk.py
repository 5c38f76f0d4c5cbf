"""Files and batches for the endpoints: each call is one transaction, on a thread.

A worker imports this when the first of them is asked for: the database toolkit takes 20 MiB and 0.2 s that a worker
whom nobody asks never needs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from meshwright.store import batches, files
from meshwright.store.database import Database, Transaction
from meshwright.store.rows import Batch, CountedBatch, StoredFile
from meshwright.workflows.batches.finish import result_line

T = TypeVar("T")
RESULTS = 64
"""Lines of results in a piece."""


class Desk:
    """What is kept of files and batches. Every method raises StoreError; `owner` sees only what is the owner's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep_file(self, file: StoredFile, pieces: Iterable[bytes]) -> StoredFile:
        """Keep a file; the record with its size."""
        return await self._do(lambda transaction: files.put(transaction, file, pieces))

    async def file(self, id: str, owner: str) -> StoredFile | None:
        """A file's record."""
        return await self._do(lambda transaction: files.get(transaction, id, owner))

    async def files(self, owner: str, limit: int, after: str, purpose: str, newest_first: bool) -> list[StoredFile]:
        """Records of files in order of time."""
        return await self._do(
            lambda transaction: files.page(transaction, owner, limit, after, purpose, newest_first=newest_first)
        )

    async def remove_file(self, id: str, owner: str) -> bool:
        """Forget a file; False when there was none."""
        return await self._do(lambda transaction: files.remove(transaction, id, owner))

    def piece(self, id: str, n: int) -> bytes:
        """The n-th piece of a file, b"" after the last. Blocks."""
        with self._database.read() as transaction:
            return files.piece(transaction, id, n)

    async def keep_batch(self, batch: Batch, rows: Sequence[tuple[str, bytes]] = ()) -> None:
        """Keep a new batch, with its rows where they are known already."""

        def keep(transaction: Transaction) -> None:
            batches.put(transaction, batch)
            batches.add_rows(transaction, batch.id, rows)

        await self._do(keep)

    async def batch(self, id: str, owner: str) -> CountedBatch | None:
        """A batch."""

        def find(transaction: Transaction) -> CountedBatch | None:
            found = batches.get(transaction, id, owner)
            return None if found is None else (found, batches.counts(transaction, [id])[id])

        return await self._do(find)

    async def batches(self, owner: str, kind: str, limit: int, after: str = "", before: str = "") -> list[CountedBatch]:
        """Batches, newest first."""

        def find(transaction: Transaction) -> list[CountedBatch]:
            found = batches.page(transaction, owner, kind, limit, after, before)
            counted = batches.counts(transaction, [batch.id for batch in found])
            return [(batch, counted[batch.id]) for batch in found]

        return await self._do(find)

    async def cancel(self, id: str, owner: str) -> CountedBatch | None:
        """Begin nothing more of it; one that is over stays as it is."""

        def cancel(transaction: Transaction) -> None:
            found = batches.get(transaction, id, owner)
            if found is not None and found.status in ("validating", "in_progress"):
                batches.change(transaction, id, status="cancelling", cancelling=time.time())

        await self._do(cancel)
        return await self.batch(id, owner)

    async def remove_batch(self, id: str, owner: str) -> bool:
        """Forget a batch with its rows; False when there was none."""
        return await self._do(lambda transaction: batches.remove(transaction, id, owner))

    def results(self, batch: Batch, n: int) -> bytes:
        """The n-th piece of a finished batch's results, a line for each row; b"" after the last. Blocks."""
        with self._database.read() as transaction:
            found = batches.between(transaction, batch.id, n * RESULTS, (n + 1) * RESULTS)
            return b"".join(result_line(batch, row) for row in found)

    async def _do(self, work: Callable[[Transaction], T]) -> T:
        def run() -> T:
            with self._database.begin() as transaction:
                return work(transaction)

        return await asyncio.to_thread(run)
