"""Teams, users and limits: made, changed and removed, each act with its entry in the audit log."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from meshwright.ledger.allowing import allowed, named, party
from meshwright.ledger.audit.acts import record
from meshwright.ledger.issuing import SHELL, owner_of
from meshwright.store import allowances, keys, parties
from meshwright.store.database import Database
from meshwright.store.rows import Party
from meshwright.types.errors import InvalidRequest, NotFound
from meshwright.types.principal import Bounds

ALL = Bounds()
"""Everything may be used."""


def put_party(
    database: Database,
    kind: str,
    name: str,
    limits: Sequence[str] = (),
    bounds: Bounds = ALL,
    *,
    new: bool = True,
    actor: str = SHELL,
    clock: Callable[[], float] = time.time,
) -> Party:
    """A team or a user (`kind`) with limits and bounds; `new` False: it may be there already, and is changed.

    Raises InvalidRequest, StoreError.
    """
    made = party(kind, name, clock(), bounds)
    granted = allowed(made.id, limits)
    with database.alone() as transaction:
        before = parties.get(transaction, made.id)
        if before is not None:
            if new:
                raise InvalidRequest(
                    f'There is a {kind} "{name}" already.', fix=f"`mesh limits {made.id}` changes its limits."
                )
            made = msgspec.structs.replace(made, created=before.created)
        parties.put(transaction, made)
        allowances.put(transaction, granted)
        detail = {"limits": list(limits), "bounds": msgspec.to_builtins(bounds)}
        record(transaction, actor, f"{kind}.{'changed' if before else 'created'}", made.id, detail=detail, clock=clock)
    return made


def remove_party(
    database: Database, kind: str, name: str, *, actor: str = SHELL, clock: Callable[[], float] = time.time
) -> None:
    """Without it; none of its keys may work any more. Raises NotFound, InvalidRequest, StoreError."""
    id = f"{kind}:{name}"
    with database.alone() as transaction:
        members = [key.id for key in keys.every(transaction) if key.revoked is None and name == getattr(key, kind)]
        if members:
            raise InvalidRequest(
                f'"{name[:100]}" has {len(members)} keys that work.',
                fix=f"First revoke {', '.join(members[:5])}.",
            )
        if not parties.remove(transaction, id):
            raise NotFound(f'There is no {kind} "{name[:100]}".', fix=f"`mesh {kind}s` lists them.")
        allowances.remove(transaction, id)
        record(transaction, actor, f"{kind}.removed", id, clock=clock)


def change_limits(
    database: Database,
    whose: str,
    limits: Sequence[str] = (),
    without: Sequence[str] = (),
    *,
    actor: str = SHELL,
    clock: Callable[[], float] = time.time,
) -> str:
    """Set some limits of "gateway", "team:NAME", "user:NAME" or a key, take some away; whose they are.

    Raises NotFound, InvalidRequest, StoreError.
    """
    gone = [named(name) for name in without]
    with database.alone() as transaction:
        owner = owner_of(transaction, whose, clock())
        granted = allowed(owner, limits)
        for measure, window in gone:
            allowances.remove(transaction, owner, measure, window)
        allowances.put(transaction, granted)
        if granted or gone:
            detail = {"set": list(limits), "without": list(without)}
            record(transaction, actor, "limits.changed", owner, detail=detail, clock=clock)
    return owner
