"""Running batches beside the control plane: with a kernel of its own, and only while there is one to run."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from meshwright.kernel.build.snapshot import build
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.published import read_published
from meshwright.kernel.record import new_id
from meshwright.kernel.snapshot import Snapshot
from meshwright.ledger.bank import Bank
from meshwright.ledger.journal import Journal
from meshwright.ledger.purse import Purse
from meshwright.net.choose import OneTransport
from meshwright.net.tokens import Tokens
from meshwright.providers.builtin.transport import BuiltinTransport
from meshwright.server.lending import keep_tidy
from meshwright.server.places import Places
from meshwright.store import batches, files
from meshwright.store.database import Database
from meshwright.workflows.batches.run import Runner, keep_running


def due(database: Database) -> bool:
    """Whether there is a batch to run. Raises StoreError."""
    with database.read() as transaction:
        return batches.unfinished(transaction)


def forget_files(database: Database) -> None:
    """Remove files whose time is over. Raises StoreError."""
    with database.begin() as transaction:
        files.expire(transaction, time.time())


async def run_batches(
    places: Places, environment: Mapping[str, str], database: Database, stopping: Callable[[], bool]
) -> None:
    """Run what there is, with what is published at the time. Raises StoreError, ConfigError."""
    published = read_published(places.published)
    settings = published.config
    transport = OneTransport()
    tokens = Tokens(transport)  # one for all snapshots, so that a renewal asks for no token again
    builtin = BuiltinTransport(time.time, new_id, limit=settings.builtin.seconds) if settings.builtin.enabled else None
    journal = Journal(places.journal, f"batches{os.getpid()}")
    chore: asyncio.Task[None] | None = None
    try:

        def built() -> Snapshot:
            return build(read_published(places.published), environment, transport, builtin, tokens)

        purse = Purse(Bank(lambda: database, journal.life))
        kernel = Kernel(built(), journal, purse=purse)
        chore = asyncio.create_task(keep_tidy(purse))
        stamp = _stamp(places.published)

        def renew() -> None:
            nonlocal stamp
            if (now := _stamp(places.published)) != stamp:
                stamp = now
                kernel.snapshot = built()

        name = f"{socket.gethostname()[:60]}-{os.getpid()}-{secrets.token_hex(4)}"
        runner = Runner(kernel, database, name, settings.batches.concurrency)
        await keep_running(runner, stopping, renew)
    finally:
        if chore is not None:
            chore.cancel()
        tokens.close()
        await transport.close()
        if builtin is not None:
            await builtin.close()
        journal.close()


def _stamp(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_ino, stat.st_mtime_ns
