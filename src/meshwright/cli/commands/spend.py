"""`mesh spend`: where each cent went."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from meshwright.cli.bars import bars
from meshwright.cli.output import ConfigFile, Json, out, print_json, print_table, told
from meshwright.cli.reconciling import read_file, tell_lines
from meshwright.cli.session import control_of
from meshwright.ledger.reconciling import reconcile
from meshwright.ledger.spans import span
from meshwright.ledger.spending import GROUPS, Group, spent, total
from meshwright.types.errors import InvalidRequest


def spend(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[reconcile FILE.csv]", help="FILE: what a provider lets you download."),
    ] = None,
    by: Annotated[str, typer.Option(metavar="GROUP", help=f"One of {', '.join(GROUPS)}.")] = "model",
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back, such as 24h, 30d or 1y.")] = "30d",
    only: Annotated[
        list[str] | None, typer.Option(metavar="GROUP=VALUE", help="Leave out the rest, as in --only task=code.")
    ] = None,
    provider: Annotated[str, typer.Option(help="With reconcile: whose file it is.")] = "",
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=NAME", help="With reconcile: a column, as day=…, model=…, input=…, output=…, cost=…."
        ),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="With reconcile: the share that ours may be off.", min=0.0, max=1.0)
    ] = 0.01,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Show what was spent and on what; calls without a known price are counted, never taken for free."""
    with told(as_json):
        match words or []:
            case []:
                pass
            case ["reconcile", file] if provider:
                told_by = read_file(Path(file), column or ())
                with control_of(config).database.read() as transaction:
                    tell_lines(reconcile(transaction, provider, told_by, tolerance), as_json)
                return
            case other:
                raise InvalidRequest(
                    f"`mesh spend {' '.join(other)}` is not understood.",
                    fix="`mesh spend --by model`, or `mesh spend reconcile FILE.csv --provider openai`.",
                )
        begin = time.time() - span(since)
        wanted = dict(map(_wanted, only or ()))
        control = control_of(config)
        with control.database.read() as transaction:
            groups = spent(transaction, by, begin, only=wanted)
        if as_json:
            print_json({"by": by, "since": begin, "groups": groups, "total": total(groups)})
        elif not groups:
            out.print(f"Nothing was asked in the last {since}.", markup=False)
        else:
            _tell(by, since, groups)


def _wanted(text: str) -> tuple[str, str]:
    group, sign, value = text.partition("=")
    if not sign:
        raise InvalidRequest(
            f'"{text[:60]}" leaves nothing out.', field="only", fix="Write --only model=PROVIDER/NAME."
        )
    return group, value


def _tell(by: str, since: str, groups: Sequence[Group]) -> None:
    drawn = bars([group.cost_nano for group in groups])
    print_table(
        (by, "USD", "", "requests", "calls", "tokens in", "tokens out"),
        [
            (
                group.title or "-",
                _cost(group),
                bar,
                *(f"{n:,}" for n in (group.requests, group.calls, group.input_tokens, group.output_tokens)),
            )
            for group, bar in zip(groups, drawn, strict=True)
        ],
    )
    whole = total(groups)
    out.print(f"\n{whole.cost_usd} USD in the last {since}.", markup=False)
    if whole.unpriced:
        aside = f"; budgets count {whole.counted_usd} USD for them" if whole.counted_nano else ""
        out.print(f"What {whole.unpriced:,} calls cost is not known, and not in these sums{aside}.", markup=False)


def _cost(group: Group) -> str:
    """The known cost, and how many calls are not in it."""
    if not group.unpriced:
        return group.cost_usd
    known = f"{group.cost_usd} + " if group.cost_nano else ""
    return f"{known}{group.unpriced:,} unknown"
