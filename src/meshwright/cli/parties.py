"""What `mesh teams` and `mesh users` share: both are parties with limits and bounds of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from meshwright.cli.limiting import bounds_told, print_standings, standing_row, standings
from meshwright.cli.output import out, print_json, print_table
from meshwright.cli.session import actor, control_of
from meshwright.ledger.ruling import put_party, remove_party
from meshwright.store import keys, parties
from meshwright.types.errors import InvalidRequest, NotFound
from meshwright.types.principal import Bounds


def run(
    kind: str, words: Sequence[str], said: Sequence[str], bounds: Bounds, config: Path | None, as_json: bool
) -> None:
    """`mesh teams` with these words, or `mesh users`. Raises InvalidRequest, NotFound, StoreError."""
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
    if told := bounds_told(found.bounds):
        out.print(f"Only {told}.", markup=False)
    print_standings(limits)


def _list(kind: str, config: Path | None, as_json: bool) -> None:
    with control_of(config).database.read() as transaction:
        found = [one for one in parties.every(transaction) if one.id.startswith(f"{kind}:")]
        limits = standings(transaction, [one.id for one in found])
    if as_json:
        of = {one.id: [standing_row(each) for each in limits if each.owner == one.id] for one in found}
        print_json([{"id": one.id, "bounds": one.bounds, "limits": of[one.id]} for one in found])
        return
    told = {one.id: ", ".join(f"{each.measure}/{each.per}" for each in limits if each.owner == one.id) for one in found}
    print_table((kind, "limits", "only"), [(one.id, told[one.id], bounds_told(one.bounds)) for one in found])


def _missing(kind: str, name: str) -> NotFound:
    return NotFound(f'There is no {kind} "{name[:100]}".', fix=f"`mesh {kind}s` lists them.")
