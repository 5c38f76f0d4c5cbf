"""Keys for people and programs: made, shown once, replaced with an overlap, revoked."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from meshwright.ledger.allowing import GATEWAY, allowed
from meshwright.ledger.audit.acts import record
from meshwright.ledger.digest import PREFIX, digest, new_key, shown
from meshwright.ledger.keys import MASTER
from meshwright.store import allowances, keys, parties
from meshwright.store.database import Database, Transaction
from meshwright.store.rows import Key
from meshwright.types.errors import InvalidRequest, NotFound
from meshwright.types.principal import Bounds

SHELL = "shell"
"""Who acts when nobody else is named: whoever may run `mesh` on this machine."""
SCOPES = ("inference", "admin", "*")
LONGEST_NAME = 100
SHORTEST_BEGINNING = 8
"""Characters of an id by which a key is found."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """On what terms a key is made: whose it is, what it may use (`limits` as in `ledger.allowing.allowed`)."""

    team: str = ""
    user: str = ""
    priority: int = 0
    bounds: Bounds = Bounds()
    limits: tuple[str, ...] = ()


USUAL = Terms()
"""Without limits."""


class Issued(msgspec.Struct, frozen=True):
    """A new key: `key` is told now and never again, `record` is what is kept of it."""

    key: str
    record: Key


def issue(
    database: Database,
    name: str,
    *,
    scopes: Sequence[str] = ("inference",),
    lasting: float | None = None,
    terms: Terms = USUAL,
    actor: str = SHELL,
    clock: Callable[[], float] = time.time,
) -> Issued:
    """A new key for `name`, which expires after `lasting` seconds (None: never).

    `actor` is who does it, for the audit log: a principal's id. Raises InvalidRequest, NotFound for a team or a user
    that is not there, StoreError.
    """
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise InvalidRequest(
            f"A key's name is 1 to {LONGEST_NAME} printable characters.", field="name", fix="Say who or what it is for."
        )
    if wrong := [scope for scope in scopes if scope not in SCOPES]:
        raise InvalidRequest(
            f'There is no scope "{wrong[0][:50]}".', field="scopes", fix=f"Choose among {', '.join(SCOPES)}."
        )
    if not scopes:
        raise InvalidRequest("A key without a scope opens nothing.", field="scopes", fix="Give it inference.")
    now = clock()
    expires = None if lasting is None else now + lasting
    with database.alone() as transaction:
        for kind, called in (("team", terms.team), ("user", terms.user)):
            if called:
                _known(transaction, f"{kind}:{called}")
        like = Key(
            id="",
            prefix="",
            hash=b"",
            name=name.strip(),
            scopes=tuple(dict.fromkeys(scopes)),
            created=now,
            expires=expires,
            team=terms.team,
            user=terms.user,
            priority=terms.priority,
            bounds=terms.bounds,
        )
        issued = _put(transaction, like)
        allowances.put(transaction, allowed(f"key:{issued.record.owner}", terms.limits))
        limits = {"limits": terms.limits} if terms.limits else {}
        _note(transaction, actor, "key.created", issued.record, clock, **limits)
        return issued


def rotate(
    database: Database,
    which: str,
    *,
    overlap: float = 0.0,
    actor: str = SHELL,
    clock: Callable[[], float] = time.time,
) -> tuple[Issued, Key]:
    """(a new key for the same principal, the old one, which works for `overlap` seconds more).

    What it spent and may do stays its principal's. The new key expires when the old one would have. Raises NotFound,
    InvalidRequest, StoreError.
    """
    now = clock()
    with database.alone() as transaction:
        old = working(transaction, which, now)
        if old.id == MASTER:
            raise InvalidRequest(
                "The master key is not replaced this way.", fix="Run `mesh keys rotate master`, without an overlap."
            )
        fresh = _put(transaction, msgspec.structs.replace(old, created=now, principal=old.owner))
        until = now + overlap if old.expires is None else min(now + overlap, old.expires)
        ending = msgspec.structs.replace(old, expires=until) if overlap else msgspec.structs.replace(old, revoked=now)
        keys.put(transaction, ending)
        _note(transaction, actor, "key.rotated", fresh.record, clock, replaces=old.id, overlap=overlap)
        return fresh, ending


def revoke(database: Database, which: str, *, actor: str = SHELL, clock: Callable[[], float] = time.time) -> Key:
    """The key, which no longer works. Raises NotFound, InvalidRequest, StoreError."""
    now = clock()
    with database.alone() as transaction:
        old = working(transaction, which, now)
        if old.id == MASTER:
            raise InvalidRequest("The master key cannot be revoked, or nobody could rule here.", fix="Replace it.")
        keys.revoke(transaction, old.id, now)
        _note(transaction, actor, "key.revoked", old, clock)
        return msgspec.structs.replace(old, revoked=now)


def _note(transaction: Transaction, actor: str, act: str, key: Key, clock: Callable[[], float], **more: Any) -> None:
    """The act in the audit log; what the key is called is its holder's affair."""
    detail = {"principal": key.owner, "scopes": key.scopes, "expires": key.expires, **more}
    detail |= {"team": key.team} if key.team else {}
    detail |= {"user": key.user} if key.user else {}
    if key.bounds != Bounds():
        detail["bounds"] = msgspec.to_builtins(key.bounds)
    record(transaction, actor, act, key.id, detail=detail, about=key.owner, private={"name": key.name}, clock=clock)


def _known(transaction: Transaction, party: str) -> str:
    """The team or user of that id. Raises NotFound when it is not there."""
    if parties.get(transaction, party) is None:
        kind, _, called = party.partition(":")
        raise NotFound(f'There is no {kind} "{called[:100]}".', fix=f"`mesh {kind}s create` makes it.")
    return party


def _put(transaction: Transaction, like: Key) -> Issued:
    """A new key that is otherwise like that one."""
    key = new_key()
    id = f"key_{secrets.token_hex(8)}"
    record = msgspec.structs.replace(like, id=id, prefix=shown(key), hash=digest(key), revoked=None)
    keys.put(transaction, record)
    return Issued(key, record)


def working(transaction: Transaction, which: str, now: float) -> Key:
    """The one key that still works and that `which` means, see `meant`. Raises NotFound, InvalidRequest for several."""
    found = meant(transaction, which, now)
    if len(found) > 1:
        raise InvalidRequest(
            f'"{which[:100]}" means {len(found)} keys.', fix=f"Give its id: {', '.join(key.id for key in found[:5])}."
        )
    return found[0]


def meant(transaction: Transaction, which: str, now: float) -> list[Key]:
    """The keys that still work and have that id, else that name or shown beginning, else whose id begins so.

    A whole key means itself. Raises NotFound.
    """
    works = [key for key in keys.every(transaction) if key.revoked is None]
    works = [key for key in works if key.expires is None or key.expires > now]
    found = [key for key in works if which == key.id or digest(which) == key.hash]
    found = found or [key for key in works if which and which in (key.prefix, key.name)]
    if not found and len(which) >= SHORTEST_BEGINNING:
        found = [key for key in works if key.id.startswith(which)]
    if not found:
        told = f"{which[:5]}…" if which.startswith(PREFIX) else which[:100]
        raise NotFound(f'No key that works is called "{told}".', fix="`mesh keys` lists them.")
    return found


def owner_of(transaction: Transaction, which: str, now: float) -> str:
    """Whose limits "gateway", "team:NAME", "user:NAME", or a key (see `meant`) means. Raises NotFound, InvalidRequest.

    A key and the one that takes its place have the same.
    """
    if which == GATEWAY:
        return which
    if which.startswith(("team:", "user:")):
        return _known(transaction, which)
    if which.startswith("key:") and any(key.owner == which[4:] for key in keys.every(transaction)):
        return which
    owners = {key.owner for key in meant(transaction, which, now)}
    return f"key:{owners.pop() if len(owners) == 1 else working(transaction, which, now).owner}"
