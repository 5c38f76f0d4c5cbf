"""What `mesh teams` and `mesh users` share: both are parties with limits and bounds of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
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
from meshwright.cli.output import ConfigFile, Json, out, print_json, print_table, told
from meshwright.cli.session import actor, control_of
from meshwright.ledger.ruling import put_party, remove_party
from meshwright.store import keys, parties
from meshwright.types.errors import InvalidRequest, NotFound
from meshwright.types.principal import Bounds

Words = Annotated[list[str] | None, typer.Argument(metavar="[create NAME|show NAME|remove NAME]")]


def command(kind: str) -> Callable[..., None]:
    """The command of a kind of party, "team" or "user"."""

    def over_many(
        words: Words = None,
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
        config: ConfigFile = None,
        as_json: Json = False,
    ) -> None:
        with told(as_json):
            said = said_limits(budget, per, rpm, tpm, concurrent, limit)
            _run(kind, words or (), said, said_bounds(models, routes, providers, endpoints, regions), config, as_json)

    over_many.__doc__ = f"List the {kind}s; make, show or remove one. What a {kind} may use its keys may use together."
    return over_many


def _run(
    kind: str, words: Sequence[str], said: Sequence[str], bounds: Bounds, config: Path | None, as_json: bool
) -> None:
    match words:
        case []:
            _list(kind, config, as_json)
        case ["create", name]:
            put_party(control_of(config).database, kind, name, said, bounds, actor=actor())
            _show(kind, name, config, as_json)
        case ["show", name]:
            _show(kind, name, config, as_json)
        case ["remove", name]:
            remove_party(control_of(config).database, kind, name, actor=actor())
            if not as_json:
                out.print(f"{name} is gone.", markup=False)
        case other:
            raise InvalidRequest(
                f"`mesh {kind}s {' '.join(other)}` is not understood.",
                fix=f"`mesh {kind}s create NAME`, `mesh {kind}s show|remove NAME`, or `mesh {kind}s`.",
            )


def _show(kind: str, name: str, config: Path | None, as_json: bool) -> None:
    with control_of(config).database.read() as transaction:
        found = parties.get(transaction, f"{kind}:{name}")
        if found is None:
            raise _missing(kind, name)
        members = [key for key in keys.every(transaction) if getattr(key, kind) == name]
        limits = standings(transaction, [found.id])
    if as_json:
        row = {"id": found.id, "created": found.created, "bounds": found.bounds, "keys": [key.id for key in members]}
        print_json({**row, "limits": [*map(standing_row, limits)]})
        return
    out.print(f"{found.id}, keys: {', '.join(f'{key.id} ({key.name})' for key in members) or 'none'}", markup=False)
    if only := bounds_told(found.bounds):
        out.print(f"Only {only}.", markup=False)
    print_standings(limits)


def _list(kind: str, config: Path | None, as_json: bool) -> None:
    with control_of(config).database.read() as transaction:
        found = [one for one in parties.every(transaction) if one.id.startswith(f"{kind}:")]
        limits = standings(transaction, [one.id for one in found])
    if as_json:
        of = {one.id: [standing_row(each) for each in limits if each.owner == one.id] for one in found}
        print_json([{"id": one.id, "bounds": one.bounds, "limits": of[one.id]} for one in found])
        return
    said = {one.id: ", ".join(f"{each.measure}/{each.per}" for each in limits if each.owner == one.id) for one in found}
    print_table((kind, "limits", "only"), [(one.id, said[one.id], bounds_told(one.bounds)) for one in found])


def _missing(kind: str, name: str) -> NotFound:
    return NotFound(f'There is no {kind} "{name[:100]}".', fix=f"`mesh {kind}s` lists them.")
