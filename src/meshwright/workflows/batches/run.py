"""Runs batches: a few requests at a time, each result kept as soon as it is there, the files written at the end.

A result is one transaction that only changes a row that still waits; the files and the last status are another. So
whatever dies in between, each row is in the output once. A request that was under way when this process was killed is
sent again: nobody can know whether the provider has done it (see docs/decisions/0008).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from meshwright.kernel.kernel import Kernel
from meshwright.store import batches, files
from meshwright.store.database import Database
from meshwright.store.rows import Batch, BatchRow
from meshwright.types.errors import LimitReached, MeshError, StoreError, UpstreamStatus
from meshwright.workflows.batches import finish
from meshwright.workflows.batches.lines import LONGEST, anthropic_line, openai_line, read_rows
from meshwright.workflows.batches.row import Outcome, run_row

LOOK_SECONDS = 0.5
LEASE_SECONDS = 30.0
LONGEST_WAIT = 60.0
IDLE_SECONDS = 20.0
TRIES = 4
_log = logging.getLogger("meshwright.batches")


class Runner:
    """Works on every unfinished batch of the database, on one event loop. `name` tells runners apart.

    `concurrency` bounds the requests that are under way, over all batches.
    """

    def __init__(self, kernel: Kernel, database: Database, name: str, concurrency: int) -> None:
        self._kernel = kernel
        self._database = database
        self._name = name
        self._turns = asyncio.Semaphore(concurrency)
        self._concurrency = concurrency
        self._now: dict[str, Batch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def busy(self) -> bool:
        """Whether there is a batch to work on."""
        return bool(self._now or self._tasks)

    async def look(self) -> None:
        """Take what there is to do, and renew our hold on what we are doing. Raises StoreError."""
        claimed = await asyncio.to_thread(self._claim)
        self._now = {batch.id: batch for batch in claimed}
        for batch in claimed:
            if batch.id not in self._tasks:
                self._tasks[batch.id] = asyncio.create_task(self._work(batch.id))

    async def stop(self) -> None:
        """Cancel what is under way, so that it is settled; its rows wait for the next runner."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._release)

    def _claim(self) -> list[Batch]:
        with self._database.begin() as transaction:
            return batches.claim(transaction, self._name, time.time(), LEASE_SECONDS)

    def _release(self) -> None:
        with self._database.begin() as transaction:
            batches.release(transaction, self._name)

    async def _work(self, id: str) -> None:
        """One batch to its end. What fails here is tried again at the next look."""
        try:
            batch = self._now[id]
            if batch.status == "validating":
                await asyncio.to_thread(self._prepare, batch)
            elif self._stopped(id):
                await asyncio.to_thread(finish.finish, self._database, id)
            else:
                await self._rows(batch)
                if id in self._now:
                    await asyncio.to_thread(finish.finish, self._database, id)
        except StoreError as error:
            _log.error("batch %s: %s", id, error)
            await asyncio.sleep(LOOK_SECONDS)
        except Exception:  # noqa: BLE001  # logged with its trace; the other batches go on
            _log.exception("batch %s failed for now", id)
            await asyncio.sleep(LONGEST_WAIT)
        finally:
            self._tasks.pop(id, None)

    def _prepare(self, batch: Batch) -> None:
        """The rows of the input file, or what is wrong with it."""
        with self._database.begin() as transaction:
            lines = files.lines(transaction, batch.input_file, LONGEST)
            rows, problems = read_rows(lines, batch.endpoint)
            now = time.time()
            if problems:
                batches.change(transaction, batch.id, status="failed", ended=now, problems=finish.encoded(problems))
            else:
                batches.add_rows(transaction, batch.id, rows)
                batches.change(transaction, batch.id, status="in_progress", begun=now, total=len(rows))

    def _stopped(self, id: str) -> bool:
        """Whether nothing new is to be begun: cancelled, out of time, or no longer ours."""
        batch = self._now.get(id)
        return batch is None or batch.status == "cancelling" or batch.expires <= time.time()

    async def _rows(self, batch: Batch) -> None:
        """Every row that waits, as many at a time as there may be."""
        running: set[asyncio.Task[None]] = set()
        failed: list[BaseException] = []
        last = -1

        def over(task: asyncio.Task[None]) -> None:
            running.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                failed.append(error)

        try:
            while not failed and not self._stopped(batch.id):
                page = await asyncio.to_thread(self._waiting, batch.id, last)
                if not page:
                    break
                for row in page:
                    last = row.n
                    await self._turns.acquire()
                    if failed or self._stopped(batch.id):
                        self._turns.release()
                        break
                    task = asyncio.create_task(self._one(batch, row))
                    running.add(task)
                    task.add_done_callback(over)
            if running:
                await asyncio.wait(running)
                await asyncio.sleep(0)  # each has said how it ended
            if failed:
                raise failed[0]
        finally:
            left = list(running)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _waiting(self, id: str, after: int) -> list[BatchRow]:
        with self._database.read() as transaction:
            return batches.waiting(transaction, id, after, self._concurrency * 4)

    async def _one(self, batch: Batch, row: BatchRow) -> None:
        """One row: asked, asked again if that may help, and its result kept."""
        try:
            outcome = await self._asked(batch, row)
            if batch.kind == "anthropic":
                line = anthropic_line(row.custom_id, outcome.good, outcome.body)
            else:
                line = openai_line(batch.id, row.n, row.custom_id, outcome.status, outcome.decision, outcome.body)
            await self._kept(batch.id, row.n, "ok" if outcome.good else "failed", line)
        finally:
            self._turns.release()

    async def _kept(self, id: str, n: int, state: str, line: bytes) -> None:
        """Keep a result as soon as the database takes it: it is paid for, and until then nothing new is asked for."""
        while True:
            try:
                return await asyncio.to_thread(self._keep, id, n, state, line)
            except StoreError as error:
                _log.error("batch %s: the result of row %d waits: %s", id, n, error)
                await asyncio.sleep(LOOK_SECONDS)

    def _keep(self, id: str, n: int, state: str, line: bytes) -> None:
        with self._database.begin() as transaction:
            batches.finish_row(transaction, id, n, state, line)

    async def _asked(self, batch: Batch, row: BatchRow) -> Outcome:
        outcome = await run_row(self._kernel, batch.owner, batch.endpoint, row.body)
        for again in range(1, TRIES):
            if outcome.again is None or not await self._waited(batch.id, _pause(outcome.again, again)):
                break
            outcome = await run_row(self._kernel, batch.owner, batch.endpoint, row.body)
        return outcome

    async def _waited(self, id: str, seconds: float) -> bool:
        """Wait so long; False as soon as the batch is stopped."""
        until = time.monotonic() + seconds
        while not self._stopped(id):
            left = until - time.monotonic()
            if left <= 0:
                return True
            await asyncio.sleep(min(left, LOOK_SECONDS))
        return False


def _pause(error: MeshError, tries: int) -> float:
    """Seconds before the next try: what was asked for, else 1, 2, 4."""
    asked = error.retry_after if isinstance(error, UpstreamStatus | LimitReached) else None
    return min(asked if asked is not None else 2.0 ** (tries - 1), LONGEST_WAIT)


async def keep_running(runner: Runner, stopping: Callable[[], bool], renew: Callable[[], None]) -> None:
    """Work until told to stop, or until there has been nothing to do for a while. `renew` is called at every look."""
    idle = 0
    try:
        while idle * LOOK_SECONDS < IDLE_SECONDS and not stopping():
            try:
                renew()
                await runner.look()
            except MeshError as error:
                _log.error("batches: %s", error)
            idle = 0 if runner.busy else idle + 1
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await runner.stop()
