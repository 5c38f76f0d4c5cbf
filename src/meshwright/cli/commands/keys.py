"""`mesh keys`: who may use this gateway."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Annotated

import typer

from meshwright.cli.limiting import (
    Budget,
    Concurrent,
    Endpoints,
    Limits,
    Models,
    Providers,
    Regions,
    Requests,
    Routes,
    Tokens,
    Window,
    bounds_told,
    print_standings,
    said_bounds,
    said_limits,
    standing_row,
    standings,
)
from meshwright.cli.output import ConfigFile, Json, err, out, print_json, print_table, told
from meshwright.cli.session import actor, control_of
from meshwright.ledger.allowing import GATEWAY
from meshwright.ledger.issuing import Issued, Terms, issue, meant, revoke, rotate, working
from meshwright.ledger.keys import MasterKey, replace_master
from meshwright.ledger.spans import span
from meshwright.store import keys as stored
from meshwright.store.database import Database
from meshwright.store.rows import Key
from meshwright.types.errors import InvalidRequest


def keys(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[create NAME|show KEY|rotate KEY|revoke KEY]", help="KEY: an id, a beginning, a name."),
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="With create: inference (the default), admin or *.")
    ] = None,
    team: Annotated[str, typer.Option(metavar="NAME", help="With create: the team whose limits hold, too.")] = "",
    user: Annotated[str, typer.Option(metavar="NAME", help="With create: the user whose limits hold, too.")] = "",
    priority: Annotated[int, typer.Option(help="With create: higher goes first where requests wait.")] = 0,
    budget: Budget = "",
    per: Window = "month",
    rpm: Requests = "",
    tpm: Tokens = "",
    concurrent: Concurrent = "",
    limit: Limits = None,
    models: Models = None,
    routes: Routes = None,
    providers: Providers = None,
    endpoints: Endpoints = None,
    regions: Regions = None,
    expires: Annotated[str, typer.Option(metavar="TIME", help="With create: works for 24h, 30d or 1y.")] = "",
    overlap: Annotated[str, typer.Option(metavar="TIME", help="With rotate: the old one still works for 24h.")] = "",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """List the keys; make, show, replace or revoke one. A running gateway takes it within a second."""
    with told(as_json):
        match words or []:
            case []:
                _list(_database(config), as_json)
            case ["create", name]:
                terms = Terms(
                    team=team,
                    user=user,
                    priority=priority,
                    bounds=said_bounds(models, routes, providers, endpoints, regions),
                    limits=said_limits(budget, per, rpm, tpm, concurrent, limit),
                )
                lasting = span(expires) if expires else None
                scopes = scope or ("inference",)
                issued = issue(_database(config), name, scopes=scopes, lasting=lasting, terms=terms, actor=actor())
                _tell(issued, as_json)
            case ["show", which]:
                _show(control_of(config).database, which, as_json)
            case ["rotate", "master"] if not overlap:
                _tell_master(replace_master(_database(config), actor=actor()), as_json)
            case ["rotate", which]:
                fresh, old = rotate(_database(config), which, overlap=span(overlap) if overlap else 0.0, actor=actor())
                _tell(fresh, as_json, old)
            case ["revoke", which]:
                gone = revoke(_database(config), which, actor=actor())
                print_json(_row(gone)) if as_json else out.print(f"{gone.id} ({gone.name}) no longer works.")
            case other:
                raise InvalidRequest(
                    f"`mesh keys {' '.join(other)}` is not understood.",
                    fix='`mesh keys create "NAME"`, `mesh keys show|rotate|revoke KEY`, or `mesh keys`.',
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


def _show(database: Database, which: str, as_json: bool) -> None:
    """One key, and how every limit stands that holds for it."""
    with database.read() as transaction:
        found = meant(transaction, which, time())
        first = found[0]
        if any(key.owner != first.owner for key in found):
            working(transaction, which, time())  # raises: it means several
        owners = [f"key:{first.owner}", *([f"team:{first.team}"] if first.team else [])]
        limits = standings(transaction, [*owners, *([f"user:{first.user}"] if first.user else []), GATEWAY])
    if as_json:
        print_json({**_row(first), "keys": [_row(key) for key in found], "limits": [*map(standing_row, limits)]})
        return
    for key in found:
        out.print(
            f"{key.id} ({key.name}), begins {key.prefix}…, scope {', '.join(key.scopes)}: {_state(key)}", markup=False
        )
    if told := bounds_told(first.bounds):
        out.print(f"Only {told}.", markup=False)
    print_standings(limits)


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
        "team": key.team,
        "user": key.user,
        "priority": key.priority,
        "bounds": key.bounds,
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
