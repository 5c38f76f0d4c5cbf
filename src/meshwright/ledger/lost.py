"""Leases of a machine that is gone, journal and all: who holds what, and ending it by an act of a person.

A lease ends by itself when its journal is imported. Where that will not happen, or not soon, it can be ended here.
What it holds is charged as if all of it had been spent, for nobody knows better; if the journal comes after all, what
it says takes the place of that. Who does know better (the provider's bill, say) can have only what is known charged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from meshwright.ledger.audit.acts import record
from meshwright.ledger.importing import interrupt
from meshwright.ledger.lines import segments
from meshwright.store import accounts
from meshwright.store.database import Database
from meshwright.store.rows import Lease
from meshwright.types.errors import InvalidRequest, NotFound

Spent = Literal["all", "known"]


class Lives(msgspec.Struct, frozen=True):
    """One life of a writer and what it holds. `began`: seconds since 1970; `here`: its journal is on this machine."""

    life: str
    writer: str
    began: float
    renewed: float
    here: bool
    leases: tuple[Lease, ...]


class Freed(msgspec.Struct, frozen=True):
    """What ending a life's leases came to: charged by account, and how many requests had been under way."""

    life: str
    charged: dict[str, int]
    interrupted: int


def lives(database: Database, journal: Path) -> tuple[Lives, ...]:
    """Every life that holds something, the one that borrowed last at the end. Raises StoreError."""
    with database.read() as transaction:
        found = [one for one in accounts.every_lease(transaction) if one.held or one.written_off]
    here = _here(journal)
    by: dict[str, list[Lease]] = {}
    for one in found:
        by.setdefault(one.life, []).append(one)
    told = [
        Lives(life, life.partition("-")[2], _began(life), max(one.renewed for one in of), life in here, tuple(of))
        for life, of in by.items()
    ]
    return tuple(sorted(told, key=lambda one: one.renewed))


def free_life(
    database: Database, life: str, journal: Path, spent: Spent, *, actor: str, clock: Callable[[], float] = time.time
) -> Freed:
    """End the leases of a life. `spent`: charge "all" that it holds, or only what is "known" to be under way.

    Raises NotFound, InvalidRequest where the journal is on this machine, StoreError.
    """
    if life in _here(journal):
        raise InvalidRequest(
            f"The journal of {life[:100]} is on this machine.",
            fix="Nothing is lost: it is imported, and its leases end, once that process has ended and `mesh up` runs.",
        )
    with database.alone() as transaction:
        if not any(one.life == life for one in accounts.every_lease(transaction)):
            raise NotFound(f'Nothing is lent to "{life[:100]}".', fix="`mesh limits leases` lists who holds what.")
        interrupted = interrupt(transaction, life)
        charged: dict[str, int] = {}
        if spent == "all":
            charged = {account: amount for account, amount in accounts.write_off(transaction, life).items() if amount}
        else:
            accounts.free(transaction, life)
        detail = {"spent": spent, "charged": charged, "interrupted": interrupted}
        record(transaction, actor, "lease.freed", life, detail=detail, clock=clock)
    return Freed(life, charged, interrupted)


def _here(journal: Path) -> frozenset[str]:
    return frozenset(one.life for one in segments(journal)) if journal.is_dir() else frozenset()


def _began(life: str) -> float:
    """A life is named by the millisecond in which it began."""
    try:
        return int(life[:12], 16) / 1000
    except ValueError:
        return 0.0
