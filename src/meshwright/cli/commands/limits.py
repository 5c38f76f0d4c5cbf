"""`mesh limits`: how much the gateway, a team, a user or a key may use, and how much of it they have."""

from __future__ import annotations

from typing import Annotated

import typer

from meshwright.cli.limiting import (
    Budget,
    Concurrent,
    Limits,
    Requests,
    Tokens,
    Window,
    print_standings,
    said_limits,
    standing_row,
    standings,
)
from meshwright.cli.output import ConfigFile, Json, print_json, told
from meshwright.cli.session import actor, control_of
from meshwright.ledger.allowing import GATEWAY
from meshwright.ledger.ruling import change_limits
from meshwright.store import allowances


def limits(
    whose: Annotated[str, typer.Argument(help="gateway, team:NAME, user:NAME or a key; else all of them.")] = "",
    budget: Budget = "",
    per: Window = "month",
    rpm: Requests = "",
    tpm: Tokens = "",
    concurrent: Concurrent = "",
    limit: Limits = None,
    without: Annotated[
        list[str] | None, typer.Option(metavar="WHAT", help="Take a limit away: money/month, requests/minute.")
    ] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Show limits and how they stand; set some of the gateway's, a team's, a user's or a key's."""
    with told(as_json):
        database = control_of(config).database
        said = said_limits(budget, per, rpm, tpm, concurrent, limit)
        owner = change_limits(database, whose or GATEWAY, said, without or (), actor=actor())
        everyone = not (whose or said or without)
        with database.read() as transaction:
            owners = [one.owner for one in allowances.every(transaction)] if everyone else [owner]
            found = standings(transaction, owners)
        if as_json:
            print_json([*map(standing_row, found)])
        else:
            print_standings(found)
