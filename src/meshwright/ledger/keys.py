"""The master key: made on the first start, told once, kept only as its hash."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from meshwright.ledger.audit.acts import record
from meshwright.ledger.digest import digest, fingerprint, new_key, shown
from meshwright.store import keys
from meshwright.store.database import Database, Transaction
from meshwright.store.rows import Key
from meshwright.types.errors import ConfigError, Problem

MASTER = "master"
"""The id of the master key and of its principal, whatever the key is at the time."""
SHORTEST = 4
"""Characters. On any address but loopback the configuration asks for 16 (see kernel.check_config)."""


class MasterKey(msgspec.Struct, frozen=True):
    """The master key as it is now. `created`: it was made just now, and `key` has it, for the only time. Else None."""

    created: bool
    key: str | None
    record: Key


def ensure_master(database: Database, given: str | None = None, *, clock: Callable[[], float] = time.time) -> MasterKey:
    """The master key that works from now on.

    `given` is the one from the configuration: it becomes the master key, in place of any other. Without one the stored
    one stays; when there is none, or it was revoked, a new one is made. Processes that start together agree on one.
    Raises ConfigError when `given` is too short or has white space in it, StoreError for the database.
    """
    if given is not None:
        _check(given)
    with database.alone() as transaction:
        stored = keys.get(transaction, MASTER)
        works = stored is not None and stored.revoked is None
        if stored is not None and works and (given is None or stored.hash == digest(given)):
            return MasterKey(False, None, stored)
        if given is not None:
            return MasterKey(False, None, _put(transaction, given, "start", clock))
        key = new_key()
        return MasterKey(True, key, _put(transaction, key, "start", clock))


def replace_master(database: Database, *, actor: str = "shell", clock: Callable[[], float] = time.time) -> MasterKey:
    """A new master key for one that was lost or told; the old one no longer works. Raises StoreError."""
    key = new_key()
    with database.alone() as transaction:
        return MasterKey(True, key, _put(transaction, key, actor, clock))


def _put(transaction: Transaction, key: str, actor: str, clock: Callable[[], float]) -> Key:
    made = Key(id=MASTER, prefix=shown(key), hash=digest(key), name="master key", scopes=("*",), created=clock())
    keys.put(transaction, made)
    record(transaction, actor, "key.master", MASTER, detail={"fingerprint": fingerprint(key)}, clock=clock)
    return made


def _check(given: str) -> None:
    if len(given) < SHORTEST:
        raise ConfigError([_problem(f"is shorter than {SHORTEST} characters")])
    if any(character.isspace() or not character.isprintable() for character in given):
        raise ConfigError([_problem("has white space or control characters in it")])


def _problem(message: str) -> Problem:
    return Problem(message, field="master_key", fix="Leave it out: one is made on the first start and printed once.")
