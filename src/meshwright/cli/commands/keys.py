"""`mesh keys`: who may use this gateway."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Annotated

import typer

from meshwright.cli.output import ConfigFile, Json, err, out, print_json, print_table, told
from meshwright.cli.session import control_of
from meshwright.ledger.issuing import Issued, issue, revoke, rotate, span
from meshwright.ledger.keys import MasterKey, replace_master
from meshwright.store import keys as stored
from meshwright.store.database import Database
from meshwright.store.rows import Key
from meshwright.types.errors import InvalidRequest


def keys(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[create NAME|rotate KEY|revoke KEY]", help="KEY is an id, a beginning or a name."),
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="With create: inference (the default), admin or *.")
    ] = None,
    expires: Annotated[str, typer.Option(metavar="TIME", help="With create: works for 24h, 30d or 1y.")] = "",
    overlap: Annotated[str, typer.Option(metavar="TIME", help="With rotate: the old one still works for 24h.")] = "",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """List the keys; make, replace or revoke one. A running gateway takes it within a second."""
    with told(as_json):
        match words or []:
            case []:
                _list(_database(config), as_json)
            case ["create", name]:
                lasting = span(expires) if expires else None
                _tell(issue(_database(config), name, scopes=scope or ("inference",), lasting=lasting), as_json)
            case ["rotate", "master"] if not overlap:
                _tell_master(replace_master(_database(config)), as_json)
            case ["rotate", which]:
                fresh, old = rotate(_database(config), which, overlap=span(overlap) if overlap else 0.0)
                _tell(fresh, as_json, old)
            case ["revoke", which]:
                gone = revoke(_database(config), which)
                if as_json:
                    print_json(_row(gone))
                else:
                    out.print(f"{gone.id} ({gone.name}) no longer works.")
            case other:
                raise InvalidRequest(
                    f"`mesh keys {' '.join(other)}` is not understood.",
                    fix='`mesh keys create "NAME"`, `mesh keys rotate KEY`, `mesh keys revoke KEY`, or `mesh keys`.',
                )


def _database(config: Path | None) -> Database:
    return control_of(config).database


def _list(database: Database, as_json: bool) -> None:
    with database.read() as transaction:
        found = stored.every(transaction)
    if as_json:
        print_json([_row(key) for key in found])
        return
    head = ("id", "name", "begins", "scopes", "made", "state")
    print_table(head, [(k.id, k.name, f"{k.prefix}…", ", ".join(k.scopes), _day(k.created), _state(k)) for k in found])


def _tell(issued: Issued, as_json: bool, old: Key | None = None) -> None:
    if as_json:
        print_json({"key": issued.key, **_row(issued.record)} | ({"replaces": _row(old)} if old else {}))
        return
    out.print(issued.key, markup=False)
    err.print(f"This is {issued.record.id} ({issued.record.name}). It is shown now and never again.")
    if old is not None:
        err.print(f"{old.id}: {_state(old)}.")


def _tell_master(made: MasterKey, as_json: bool) -> None:
    assert made.key is not None  # it was made just now
    _tell(Issued(made.key, made.record), as_json)
    if os.environ.get("MESH_MASTER_KEY"):
        err.print("MESH_MASTER_KEY is set: the next start makes that one the master key again.")


def _row(key: Key) -> dict[str, object]:
    """What may be told of a key: everything but its hash."""
    return {
        "id": key.id,
        "name": key.name,
        "principal": key.owner,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "created": key.created,
        "expires": key.expires,
        "revoked": key.revoked,
        "state": _state(key),
    }


def _state(key: Key) -> str:
    if key.revoked is not None:
        return f"revoked {_day(key.revoked)}"
    if key.expires is None:
        return "works"
    return f"{'works until' if key.expires > time() else 'expired'} {_day(key.expires)}"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
