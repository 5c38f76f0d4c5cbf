"""Administration for the endpoints: every act is a transaction with its entry in the audit log. For a thread.

A worker imports this when the first of them is asked for, as with `shelving`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from meshwright.ledger.allowing import GATEWAY
from meshwright.ledger.audit.reading import Shown, shown
from meshwright.ledger.audit.verify import Report, verify
from meshwright.ledger.issuing import Issued, Terms, issue, revoke, rotate
from meshwright.ledger.lost import free_life, lives
from meshwright.ledger.ruling import change_limits, put_party, remove_party
from meshwright.ledger.spending import Group, spent, total
from meshwright.store import accounts, allowances, audit, decisions, keys, parties
from meshwright.store.database import Database, Transaction
from meshwright.store.rows import Key, Party
from meshwright.types.decision import Trace
from meshwright.types.errors import InvalidRequest, NotFound, PermissionDenied
from meshwright.types.principal import Bounds, Principal


class Office:
    """What may be ruled here. Whoever acts is on the audit log; nobody gives away more than he has."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keys(self) -> list[dict[str, Any]]:
        """All keys, revoked ones too, without their secrets."""
        with self._database.read() as transaction:
            return [_key(key) for key in keys.every(transaction)]

    def key(self, which: str) -> dict[str, Any]:
        """A key that works, and how its own limits stand. Raises NotFound."""
        with self._database.read() as transaction:
            found = _working(transaction, which)
            return {**_key(found), "limits": _standings(transaction, f"key:{found.owner}")}

    def make_key(
        self, by: Principal, name: str, scopes: Sequence[str], lasting: float | None, told: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A new key, with its secret, for the only time. `told` are the members of its Terms."""
        _may_grant(by, scopes)
        terms = Terms(**told)
        return _told(issue(self._database, name, scopes=scopes, lasting=lasting, terms=terms, actor=by.id))

    def rotate_key(self, by: Principal, which: str, overlap: float) -> dict[str, Any]:
        """Another key in the place of one, with its secret, for the only time."""
        self._may_touch(by, which)
        fresh, old = rotate(self._database, which, overlap=overlap, actor=by.id)
        return {**_told(fresh), "replaces": _key(old)}

    def revoke_key(self, by: Principal, which: str) -> dict[str, Any]:
        """The key, which no longer works."""
        self._may_touch(by, which)
        return _key(revoke(self._database, which, actor=by.id))

    def parties(self, kind: str) -> list[dict[str, Any]]:
        """All teams, or all users."""
        with self._database.read() as transaction:
            found = [one for one in parties.every(transaction) if one.id.startswith(f"{kind}:")]
            return [_party(transaction, one) for one in found]

    def party(self, kind: str, name: str) -> dict[str, Any]:
        """One of them. Raises NotFound."""
        with self._database.read() as transaction:
            found = parties.get(transaction, f"{kind}:{name}")
            if found is None:
                raise NotFound(f'There is no {kind} "{name[:100]}".', fix=f"GET /admin/v1/{kind}s lists them.")
            members = [key.id for key in keys.every(transaction) if getattr(key, kind) == name]
            return {**_party(transaction, found), "keys": members}

    def put_party(self, by: Principal, kind: str, name: str, limits: Sequence[str], bounds: Bounds) -> dict[str, Any]:
        """One that is new, or changed."""
        put_party(self._database, kind, name, limits, bounds, new=False, actor=by.id)
        return self.party(kind, name)

    def remove_party(self, by: Principal, kind: str, name: str) -> None:
        """Without it."""
        remove_party(self._database, kind, name, actor=by.id)

    def limits(self, whose: str = "") -> list[dict[str, Any]]:
        """How the limits stand, of all or of one. Raises NotFound."""
        with self._database.read() as transaction:
            owner = _owner(transaction, whose) if whose else ""
            owners = [owner] if owner else list(dict.fromkeys(one.owner for one in allowances.every(transaction)))
            return [row for one in owners for row in _standings(transaction, one)]

    def change_limits(
        self, by: Principal, whose: str, limits: Sequence[str], without: Sequence[str]
    ) -> list[dict[str, Any]]:
        """How they stand afterwards."""
        with self._database.read() as transaction:
            _owner(transaction, whose)
        change_limits(self._database, whose, limits, without, actor=by.id)
        return self.limits(whose)

    def leases(self, journal: Path) -> list[dict[str, Any]]:
        """Who has borrowed what."""
        return [msgspec.to_builtins(one) for one in lives(self._database, journal)]

    def free_leases(self, by: Principal, life: str, journal: Path, spent: str) -> dict[str, Any]:
        """End what a life has borrowed. Raises NotFound, InvalidRequest."""
        if spent not in ("all", "known"):
            raise InvalidRequest(f'"{spent[:50]}" cannot be charged.', field="spent", fix='Write "all" or "known".')
        freed = free_life(self._database, life, journal, "all" if spent == "all" else "known", actor=by.id)
        return dict(msgspec.to_builtins(freed))

    def spent(
        self, by: str, since: float | None, until: float | None, only: dict[str, str]
    ) -> tuple[Sequence[Group], Group]:
        """Groups, and all of them together."""
        with self._database.read() as transaction:
            groups = spent(transaction, by, since, until, only)
        return groups, total(groups)

    def audit(self, limit: int, before: int | None, act: str) -> list[Shown]:
        """The latest entries, newest first."""
        with self._database.read() as transaction:
            return shown(transaction, audit.latest(transaction, limit, before, act))

    def verify(self, folder: Path) -> Report:
        """Whether the audit log is sound."""
        return verify(self._database, folder)

    def decisions(self, limit: int, **which: Any) -> Sequence[Trace]:
        """The latest traces, newest first (see store.decisions.recent)."""
        with self._database.read() as transaction:
            return decisions.recent(transaction, limit, **which)

    def _may_touch(self, by: Principal, which: str) -> None:
        with self._database.read() as transaction:
            _may_grant(by, _working(transaction, which).scopes)


def _working(transaction: Transaction, id: str) -> Key:
    """The key of that id, which works: programs go by ids, for a name may mean several. Raises NotFound."""
    found = keys.get(transaction, id)
    if found is None or found.revoked is not None or (found.expires is not None and found.expires <= time.time()):
        raise NotFound(f'No key that works has the id "{id[:100]}".', fix="GET /admin/v1/keys lists them.")
    return found


def _owner(transaction: Transaction, whose: str) -> str:
    """Whose limits those are: the gateway's, a party's, a key's by its id. Raises NotFound."""
    if whose == GATEWAY or parties.get(transaction, whose) is not None:
        return whose
    if whose.startswith(("team:", "user:")):
        raise NotFound(f'There is no {whose[:4]} "{whose[5:105]}".', fix=f"GET /admin/v1/{whose[:4]}s lists them.")
    return f"key:{_working(transaction, whose).owner}"


def _may_grant(by: Principal, scopes: Sequence[str]) -> None:
    """Raises PermissionDenied: who may administrate keys must not come to more by it."""
    if beyond := [scope for scope in scopes if not by.may(scope)]:
        raise PermissionDenied(
            f'The key "{by.name}" may not rule over keys with the scope "{beyond[0][:40]}".',
            fix="Use a key that has that scope itself, or the master key.",
        )


def _key(key: Key) -> dict[str, Any]:
    """What may be told of a key: everything but its hash."""
    told = msgspec.structs.asdict(key)
    del told["hash"]
    return {**told, "principal": key.owner}


def _told(issued: Issued) -> dict[str, Any]:
    return {"key": issued.key, **_key(issued.record)}


def _party(transaction: Transaction, party: Party) -> dict[str, Any]:
    standing = _standings(transaction, party.id)
    return {"id": party.id, "created": party.created, "bounds": party.bounds, "limits": standing}


def _standings(transaction: Transaction, owner: str) -> list[dict[str, Any]]:
    """Limits as they stand now; amounts of money are nano-dollars."""
    found = accounts.standing(transaction, allowances.every(transaction, owner), time.time())
    return [{**msgspec.structs.asdict(one), "left": one.left} for one in found]
