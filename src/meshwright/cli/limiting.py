"""Limits on the command line: the options that set them, and the table that shows how they stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from time import time
from typing import Annotated

import msgspec
import typer

from meshwright.cli.output import out, print_table
from meshwright.ledger.allowing import amount_told, bounds
from meshwright.store import accounts, allowances
from meshwright.store.database import Transaction
from meshwright.store.rows import Standing
from meshwright.types.principal import Allowance, Bounds

Budget = Annotated[str, typer.Option(metavar="DOLLARS", help="The most that may be spent, in each window of --per.")]
Window = Annotated[str, typer.Option("--per", help="The budget's window: minute, day, month or total.")]
Requests = Annotated[str, typer.Option("--rpm", metavar="N", help="Requests a minute.")]
Tokens = Annotated[str, typer.Option("--tpm", metavar="N", help="Tokens a minute, read and written.")]
Concurrent = Annotated[str, typer.Option(metavar="N", help="Requests at the same time.")]
Limits = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="WHAT=AMOUNT", help="Any other limit: requests/day=1000, tokens/month=5000000."),
]
Models = Annotated[list[str] | None, typer.Option("--models", metavar="NAMES", help="Only these: openai/*,groq/*.")]
Routes = Annotated[list[str] | None, typer.Option("--routes", metavar="NAMES", help="Only these routes.")]
Providers = Annotated[list[str] | None, typer.Option("--providers", metavar="NAMES", help="Only models of these.")]
Endpoints = Annotated[list[str] | None, typer.Option("--endpoints", metavar="PATHS", help="Only these: /v1/chat/*.")]
Regions = Annotated[list[str] | None, typer.Option("--regions", metavar="NAMES", help="Only models that answer there.")]

_WINDOWS = {"moment": "{}", "total": "{} in all", "minute": "{} a minute", "day": "{} a day", "month": "{} a month"}


def said_limits(
    budget: str, per: str, rpm: str, tpm: str, concurrent: str, limits: Sequence[str] | None
) -> tuple[str, ...]:
    """What the options say, each as "money/month=5"."""
    said = (
        (f"money/{per}", budget),
        ("requests/minute", rpm),
        ("tokens/minute", tpm),
        ("concurrent", concurrent),
    )
    return (*(f"{name}={amount}" for name, amount in said if amount), *(limits or ()))


def said_bounds(
    models: Sequence[str] | None,
    routes: Sequence[str] | None,
    providers: Sequence[str] | None,
    endpoints: Sequence[str] | None,
    regions: Sequence[str] | None,
) -> Bounds:
    """The bounds that the options say. Raises InvalidRequest."""
    return bounds(models or (), routes or (), providers or (), endpoints or (), regions or ())


def standings(transaction: Transaction, owners: Sequence[str]) -> tuple[Standing, ...]:
    """How the allowances of these owners stand now."""
    found = [one for owner in dict.fromkeys(owners) for one in allowances.every(transaction, owner)]
    return accounts.standing(transaction, found, time())


def print_standings(found: Sequence[Standing]) -> None:
    """A table of limits; `lent` is set aside for requests under way, or in reserve with a worker."""
    if not found:
        out.print("Nothing is limited.")
        return
    rows = []
    for one in found:
        what = Allowance(one.owner, one.measure, one.per, one.amount)
        told = [amount_told(what, number) for number in (one.amount, one.spent, one.held, one.left)]
        until = "" if one.until is None else datetime.fromtimestamp(one.until, UTC).strftime("%Y-%m-%d %H:%M")
        rows.append((one.owner, _WINDOWS[one.per].format(one.measure), *told, until))
    print_table(("whose", "what", "limit", "used", "lent", "left", "until (UTC)"), rows)


def standing_row(one: Standing) -> dict[str, object]:
    """A limit for scripts: amounts of money in nano-dollars."""
    return {**msgspec.structs.asdict(one), "left": one.left}


def bounds_told(bounds: Bounds) -> str:
    """What may be used, for people; "" when everything."""
    parts = [
        f"{name} {', '.join(values)}"
        for name in ("models", "routes", "providers", "endpoints", "regions")
        if (values := getattr(bounds, name))
    ]
    return "; ".join(parts)
