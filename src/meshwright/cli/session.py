"""The whole gateway inside one command, without a server: for `ask`, `route` and everything that looks."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from meshwright.kernel.build.snapshot import build
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.learning import router_files
from meshwright.kernel.record import new_id
from meshwright.kernel.snapshot import Snapshot
from meshwright.ledger.bank import Bank
from meshwright.ledger.journal import Journal
from meshwright.ledger.purse import Purse
from meshwright.net.choose import OneTransport
from meshwright.providers.builtin import meaning
from meshwright.providers.builtin.transport import BuiltinTransport
from meshwright.routing.policy import Policy
from meshwright.server.control import Control, load_config
from meshwright.server.places import Places, places
from meshwright.server.supervise import open_control

ASIDE_SECONDS = 60.0
"""How long copies of a request may take after its answer is there."""


class Session(msgspec.Struct, frozen=True, eq=False):
    """A kernel of our own, with the control plane beside it."""

    kernel: Kernel
    control: Control


def actor() -> str:
    """Who runs this command, for the audit log: "shell:" and the account's name."""
    number = os.getuid()
    try:
        return f"shell:{pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"shell:{number}"


def here(config: Path | None) -> Places:
    """Where this user's state and configuration are."""
    return places(os.environ, config)


def control_of(config: Path | None) -> Control:
    """The control plane, its database migrated, engines looked for. Raises ConfigError, StoreError."""
    place = here(config)
    control, _ = open_control(place, os.environ, load_config(place.config, os.environ))
    return control


@asynccontextmanager
async def session(control: Control, asked: str = "") -> AsyncIterator[Session]:
    """Build a kernel; when it closes, what was asked is in the database. `asked` is the model or route that will be."""
    published = control.state()
    transport = OneTransport()
    settings = control.config.builtin
    builtin = BuiltinTransport(time.time, new_id, limit=settings.seconds) if settings.enabled else None
    journal = Journal(control.places.journal, f"cli{os.getpid()}")
    gains = router_files.gains(control.places.router)
    snapshot = msgspec.structs.replace(build(published, os.environ, transport, builtin), gains=gains)
    if (policy := snapshot.names.get(asked)) is not None and _compares(policy):
        meaning.load()  # a second, which only those pay who compare by it
    kernel = Kernel(snapshot, journal, purse=Purse(Bank(lambda: control.database, journal.life)))
    try:
        yield Session(kernel, control)
    finally:
        await kernel.aside.close(ASIDE_SECONDS)
        journal.close()
        await transport.close()
        if builtin is not None:
            await builtin.close()
        control.import_journal()


@asynccontextmanager
async def other_snapshot(control: Control, file: Path | None) -> AsyncIterator[Snapshot]:
    """The snapshot that another mesh.toml means (None: our own), with the same keys and engines; nothing is served.

    Raises ConfigError.
    """
    published = control.state()
    if file is not None:
        published = msgspec.structs.replace(published, config=load_config(file, os.environ))
    transport = OneTransport()
    settings = published.config.builtin
    builtin = BuiltinTransport(time.time, new_id, limit=settings.seconds) if settings.enabled else None
    try:
        yield build(published, os.environ, transport, builtin)
    finally:
        await transport.close()
        if builtin is not None:
            await builtin.close()


def _compares(policy: Policy) -> bool:
    """Whether it, or a route within it, goes by examples."""
    below = (*policy.steps, *((policy.by,) if policy.by is not None else ()))
    return any(policy.examples) or any(map(_compares, below))
