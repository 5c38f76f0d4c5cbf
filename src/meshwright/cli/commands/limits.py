"""`mesh limits`: how much the gateway, a team, a user or a key may use, and how much of it they have."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
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
from meshwright.cli.output import ConfigFile, Json, out, print_json, print_table, told
from meshwright.cli.session import actor, control_of, here
from meshwright.ledger.allowing import GATEWAY, amount_told
from meshwright.ledger.lost import Lives, Spent, free_life, lives
from meshwright.ledger.ruling import change_limits
from meshwright.store import allowances
from meshwright.store.database import Database
from meshwright.types.errors import InvalidRequest
from meshwright.types.principal import Allowance


def limits(
    whose: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WHOSE]|leases|free LIFE",
            help='gateway, team:NAME, user:NAME or a key; else all of them. "leases": what processes have borrowed; '
            '"free LIFE": end what a lost machine has borrowed.',
            show_default=False,
        ),
    ] = None,
    budget: Budget = "",
    per: Window = "month",
    rpm: Requests = "",
    tpm: Tokens = "",
    concurrent: Concurrent = "",
    limit: Limits = None,
    without: Annotated[
        list[str] | None, typer.Option(metavar="WHAT", help="Take a limit away: money/month, requests/minute.")
    ] = None,
    spent: Annotated[
        Spent, typer.Option(help="With free: charge all that is held, or what is known to have been under way.")
    ] = "all",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Show limits and how they stand; set some of the gateway's, a team's, a user's or a key's."""
    with told(as_json):
        database = control_of(config).database
        words = whose or []
        if words[:1] in (["leases"], ["free"]):
            _lent(database, here(config).journal, words, spent, as_json)
            return
        if len(words) > 1:
            raise InvalidRequest(
                f'"{words[1][:50]}" is one too many.', fix="Name one: gateway, team:NAME, user:NAME or a key."
            )
        said = said_limits(budget, per, rpm, tpm, concurrent, limit)
        owner = change_limits(database, words[0] if words else GATEWAY, said, without or (), actor=actor())
        everyone = not (words or said or without)
        with database.read() as transaction:
            owners = [one.owner for one in allowances.every(transaction)] if everyone else [owner]
            found = standings(transaction, owners)
        if as_json:
            print_json([*map(standing_row, found)])
        else:
            print_standings(found)


def _lent(database: Database, journal: Path, words: list[str], spent: Spent, as_json: bool) -> None:
    """`leases` and `free LIFE`."""
    if words[0] == "leases" and len(words) == 1:
        found = lives(database, journal)
        if as_json:
            print_json(found)
        elif not found:
            out.print("Nothing is lent.")
        else:
            print_table(
                ("life", "began (UTC)", "borrowed last", "journal", "whose", "what", "held", "written off"),
                [row for one in found for row in _rows(one)],
            )
        return
    if words[0] != "free" or len(words) != 2:
        raise InvalidRequest(
            "It is not clear which lease is meant.", fix="`mesh limits leases`, then `mesh limits free LIFE`."
        )
    freed = free_life(database, words[1], journal, spent, actor=actor())
    if as_json:
        print_json(freed)
        return
    out.print(f"{freed.life} holds nothing any more; {freed.interrupted} requests had been under way.")
    for account, amount in freed.charged.items():
        out.print(f"  {account}: {amount:,} charged, until its journal says what was spent")


def _rows(one: Lives) -> list[tuple[str, ...]]:
    where = "here" if one.here else "elsewhere"
    times = [datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") for at in (one.began, one.renewed)]
    return [
        (
            one.life,
            *times,
            where,
            lease.owner,
            f"{lease.measure}/{lease.per}",
            *(
                amount_told(Allowance(lease.owner, lease.measure, lease.per, 0), n)
                for n in (lease.held, lease.written_off)
            ),
        )
        for lease in one.leases
    ]
