"""One worker process: the data plane. It reads what the control plane publishes and never writes but to its journal."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import msgspec

from meshwright.kernel.build.snapshot import build
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.learning import router_files
from meshwright.kernel.published import Published, read_published
from meshwright.kernel.record import new_id
from meshwright.kernel.snapshot import Snapshot
from meshwright.ledger.journal import Journal
from meshwright.ledger.purse import Purse
from meshwright.net.choose import OneTransport
from meshwright.net.tokens import Tokens
from meshwright.providers.builtin.transport import BuiltinTransport
from meshwright.server.again import tell
from meshwright.server.claims import Claims
from meshwright.server.database import Opening
from meshwright.server.document import document
from meshwright.server.endpoints import ENDPOINTS
from meshwright.server.gate import CUT, Gate, Page
from meshwright.server.lending import Lending, keep_tidy
from meshwright.server.metrics import Metrics
from meshwright.server.places import Places
from meshwright.server.recalling import Behind
from meshwright.server.rsgi import RsgiApp
from meshwright.server.shelf import Shelf
from meshwright.server.stored import stored
from meshwright.server.trouble import Trouble
from meshwright.types.errors import MeshError, StoreError

if TYPE_CHECKING:
    from meshwright.server.desk import Desk

LOOK_SECONDS = 0.25
SYNC_SECONDS = 0.1
LEAVE_SECONDS = 1.0
LIVES_SECONDS = 0.5
SETTLE_SECONDS = 3.0
GOOD_BYE_SECONDS = 3.0
_log = logging.getLogger("meshwright.worker")


class Worker:
    """Builds one worker's gate on its event loop, keeps it up to date, and takes it down."""

    def __init__(self, places: Places, environment: Mapping[str, str], page: Page) -> None:
        self._places = places
        self._environment = environment
        self._name = f"w{os.getpid()}"
        self._transport = OneTransport()
        self._tokens = Tokens(self._transport)
        self._stamp = self._stat()
        self._gains_stamp = self._stat_gains()
        published = read_published(places.published)
        settings = published.config
        self._builtin = (
            BuiltinTransport(time.time, new_id, limit=settings.builtin.seconds) if settings.builtin.enabled else None
        )
        self._journal = Journal(places.journal, self._name, rotate_bytes=int(settings.journal.rotate_mb * 1024 * 1024))
        self._sync = settings.journal.sync == "power"
        metrics = Metrics()
        database = Opening(settings.store.url, places.database)
        self._purse = Purse(Lending(database, self._journal.life))
        kernel = Kernel(self._build(published), self._journal, (metrics.trace,), self._purse)
        shelf = Shelf(database)
        kernel.behind = Behind(shelf)
        self.gate = Gate(
            kernel,
            settings.server,
            metrics,
            stored(database),
            shelf=shelf,
            page=page,
            desk=_desk(settings.store.url or "", places),
            document=document(ENDPOINTS),
            others=self._others,
            audit_keys=places.audit,
            journal=places.journal,
        )
        if settings.server.workers > 1:
            self.gate.claims = Claims(places.claims, self._name, partial(tell, self.gate))
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin the chores."""
        chores = [self._look(), self._leave_metrics(), self._tokens.keep_fresh(), keep_tidy(self._purse)]
        if self._sync:
            chores.append(keep_synced(self._journal))
        if (control := parent_process()) is not None:
            chores.append(_outlive_nobody(control))
        self._tasks = [loop.create_task(chore) for chore in chores]

    def drain(self, stop: Callable[[], object]) -> None:
        """Told to stop: refuse what is new; granian waits for what runs, and at the end of its time it is cut off.

        `stop` tells granian, which carries no message of a WebSocket from then on: conversations get their good-bye
        before.
        """
        if not self.gate.draining:
            self.gate.draining = True
            asyncio.get_running_loop().call_later(self.gate.settings.drain_seconds, self.gate.cut_off)
            if self.gate.talks:
                self._tasks.append(asyncio.get_running_loop().create_task(self._say_good_bye(stop)))
                return
        stop()

    async def _say_good_bye(self, stop: Callable[[], object]) -> None:
        talks = tuple(self.gate.talks)
        for task in talks:
            task.cancel(CUT)
        await asyncio.wait(talks, timeout=GOOD_BYE_SECONDS)
        stop()

    async def stop(self) -> None:
        """The connections are closed: let what is left settle, then close what is open."""
        self.gate.draining = True
        for task in self._tasks:
            task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.gate.idle.wait(), SETTLE_SECONDS)
        await self.gate.kernel.aside.close(0)
        if self.gate.claims is not None:
            self.gate.claims.close()
        self._leave()
        self._tokens.close()
        await self._transport.close()
        if self._builtin is not None:
            await self._builtin.close()
        self._journal.close()

    def _build(self, published: Published) -> Snapshot:
        snapshot = build(published, self._environment, self._transport, self._builtin, self._tokens)
        return msgspec.structs.replace(snapshot, gains=router_files.gains(self._places.router))

    def _stat(self) -> tuple[int, int]:
        stat = self._places.published.stat()
        return stat.st_ino, stat.st_mtime_ns

    def _stat_gains(self) -> tuple[int, int]:
        try:
            stat = (self._places.router / router_files.GAINS).stat()
        except FileNotFoundError:
            return 0, 0
        return stat.st_ino, stat.st_mtime_ns

    async def _look(self) -> None:
        """Take a new snapshot when one was published, whole or not at all; give up bodies that do not come."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.gate.give_up()
            try:
                stamp = self._stat()
                if stamp != self._stamp:
                    self._stamp = stamp
                    self.gate.kernel.snapshot = self._build(read_published(self._places.published))
                elif (stamp := self._stat_gains()) != self._gains_stamp:
                    self._gains_stamp = stamp
                    kernel, learned = self.gate.kernel, router_files.gains(self._places.router)
                    kernel.snapshot = msgspec.structs.replace(kernel.snapshot, gains=learned)
            except (MeshError, OSError) as error:
                _log.error("the published state is refused, the old one stays: %s", error)

    async def _leave_metrics(self) -> None:
        while True:
            await asyncio.sleep(LEAVE_SECONDS)
            self._leave()

    def _leave(self) -> None:
        """Leave this worker's numbers where the others find them."""
        metrics = self.gate.metrics
        rows = [
            [[name, list(series.items())] for name, series in metrics.counters.items()],
            [[name, list(series.items())] for name, series in metrics.histograms.items()],
        ]
        fresh = self._places.metrics / f"{self._name}.new"
        try:
            self._places.metrics.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.msgpack.encode(rows))
            fresh.replace(fresh.with_suffix(".metrics"))
        except OSError as error:
            _log.error("metrics cannot be left: %s", error)

    def _others(self) -> list[Metrics]:
        """What the other workers last left."""
        found = []
        for file in self._places.metrics.glob("*.metrics"):
            if file.stem != self._name:
                with suppress(OSError, msgspec.DecodeError):  # it may be replaced while we look
                    found.append(_read(file))
        return found


async def keep_synced(journal: Journal, seconds: float = SYNC_SECONDS) -> None:
    """Put the journal on the disk itself again and again; what fails is told, and tried again. Never ends."""
    trouble = Trouble(_log, "the journal is not on the disk yet")
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(journal.sync)
        except StoreError as error:
            trouble.error(error)
        else:
            trouble.over()


async def _outlive_nobody(control: BaseProcess) -> None:
    """End when the control plane is gone without a word: who starts it again finds the port and the leases free."""
    while control.is_alive():  # noqa: ASYNC110  # nothing tells of the death of a parent
        await asyncio.sleep(LIVES_SECONDS)
    _log.error("the control plane has died: this worker finishes what it has begun, and ends")
    os.kill(os.getpid(), signal.SIGTERM)


def _desk(url: str, places: Places) -> Callable[[], Desk]:
    """Files and batches, from the first time that somebody asks for them."""
    opened: list[Desk] = []

    def desk() -> Desk:
        if not opened:
            # Imported here because SQLAlchemy takes 20 MiB and 0.2 s that a worker whom nobody asks never needs.
            from meshwright.server.desk import Desk
            from meshwright.store.database import Database, sqlite_url

            opened.append(Desk(Database(url or sqlite_url(places.database))))
        return opened[0]

    return desk


_Rows = list[tuple[str, list[tuple[tuple[tuple[str, str], ...], Any]]]]


def _read(file: Path) -> Metrics:
    counters, histograms = msgspec.msgpack.decode(file.read_bytes(), type=tuple[_Rows, _Rows])
    metrics = Metrics()
    for name, series in counters:
        metrics.counters[name].update(series)
    metrics.histograms |= {name: dict(series) for name, series in histograms}
    return metrics


def _on_signals(loop: asyncio.AbstractEventLoop, drain: Callable[[Callable[[], object]], None]) -> None:
    """Call `drain` at SIGTERM and SIGINT, with what granian does then: it does not tell when it begins to stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def told(
            signum: int, frame: FrameType | None, before: Callable[[int, FrameType | None], Any] | int | None = before
        ) -> None:
            stop = partial(before, signum, frame) if callable(before) else _nothing
            loop.call_soon_threadsafe(drain, stop)

        signal.signal(number, told)


def _nothing() -> None:
    """Nobody else wanted the signal."""


def _leave_alone_what_stays() -> None:
    """Take the snapshot out of the garbage collector's rounds: thousands of objects that stay, scanned for nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def load(places: Places, environment: Mapping[str, str], page: Page) -> RsgiApp:
    """The application of one worker, for granian's loader."""
    running: list[Worker] = []

    def open_gate(loop: asyncio.AbstractEventLoop) -> Gate:
        worker = Worker(places, environment, page)
        worker.start(loop)
        _on_signals(loop, worker.drain)
        running.append(worker)
        _leave_alone_what_stays()
        return worker.gate

    def close_gate(loop: asyncio.AbstractEventLoop, _gate: Gate) -> None:
        loop.run_until_complete(running[0].stop())

    return RsgiApp(open_gate, close_gate)
