"""`mesh quote`: what a request will cost, before it is asked."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer

from meshwright.cli.output import ConfigFile, Json, out, print_json, print_table, told
from meshwright.cli.session import control_of, session
from meshwright.kernel.counting import counted
from meshwright.kernel.decide import decide
from meshwright.routing.calibrate import Learned
from meshwright.routing.quote import Priced, Quote
from meshwright.routing.quote import quote as quoted
from meshwright.server.calibrating import learned
from meshwright.server.control import Control
from meshwright.types.calibration import Kept
from meshwright.types.content import Message, Text
from meshwright.types.decision import Interval
from meshwright.types.errors import InvalidRequest
from meshwright.types.money import dollars
from meshwright.types.request import Request

SHOWN = 12


def quote(
    question: Annotated[str, typer.Argument(help="What would be asked.")] = "",
    model: Annotated[str, typer.Option("--model", "-m", help="A model, an alias or a route.")] = "auto",
    max_tokens: Annotated[int | None, typer.Option(help="The longest answer that would be asked for.", min=1)] = None,
    coverage: Annotated[bool, typer.Option("--coverage", help="How often such intervals have held here.")] = False,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Say what a request will cost, with an interval, for each model that could answer and for the plan chosen."""
    with told(as_json):
        control = control_of(config)
        known = learned(control.database)
        if coverage:
            _tell_coverage(known, as_json)
        elif not question:
            raise InvalidRequest("There is nothing to quote.", fix='`mesh quote "QUESTION"`, or --coverage.')
        else:
            message = Message("user", (Text(question),))
            request = Request(model=model, messages=(message,), max_tokens=max_tokens)
            found = asyncio.run(_quote(control, request, known))
            print_json(found) if as_json else _tell(found)


async def _quote(control: Control, request: Request, known: Learned) -> Quote:
    async with session(control) as opened:
        snapshot = opened.kernel.snapshot
        counts = await counted(snapshot, request, request.model, limited=True)
        return quoted(decide(snapshot, {}, request, counted=counts), known.calibration, snapshot.card)


def _tell(found: Quote) -> None:
    names = " → ".join(dict.fromkeys(found.plan.contacts()))
    out.print(f"{found.route} would ask {names}.", markup=False)
    out.print(f"It costs {_money(found.cost)}.\n", markup=False)
    shown = found.candidates[:SHOWN]
    rows = [(one.model, _read(one), _tokens(one.tokens), _money(one.cost), one.basis) for one in shown]
    print_table(("model", "tokens in", "tokens out", "USD", "by"), rows)
    if more := len(found.candidates) - SHOWN:
        out.print(f"and {more:,} more" if more > 0 else "", markup=False)
    for one in found.assumed:
        out.print(f"Assumed: {one}.", markup=False)
    if found.measured is not None:
        told = f"Intervals are meant to hold {found.nominal:.0%} of the time; here {found.measured:.1%} did"
        out.print(f"{told}, of {found.rows:,} answers.", markup=False)


def _money(interval: Interval | None) -> str:
    if interval is None:
        return "unknown"
    value, low, high = (dollars(round(amount)) for amount in (interval.value, interval.low, interval.high))
    return f"{value} ({low} to {high})"


def _read(one: Priced) -> str:
    if one.read is None:
        return "unknown"
    return f"{one.read:,}" if one.counted else f"about {one.read:,}"


def _tokens(interval: Interval | None) -> str:
    return "unknown" if interval is None else f"{interval.value:,.0f} ({interval.low:,.0f} to {interval.high:,.0f})"


def _tell_coverage(known: Learned, as_json: bool) -> None:
    calibration = known.calibration
    rows = {"all models, tokens": calibration.kept_tokens, "all models, cost": calibration.kept_cost, **known.by_model}
    if as_json:
        counts = {name: {**msgspec.structs.asdict(kept), "share": kept.share} for name, kept in rows.items()}
        print_json({"nominal": calibration.nominal, "kept": counts})
        return
    nominal = calibration.nominal
    told = [(name, f"{kept.rows:,}", f"{nominal:.0%}", *_held(kept, nominal)) for name, kept in rows.items()]
    print_table(("intervals of", "answers", "meant to hold", "held", "held / meant"), told)


def _held(kept: Kept, nominal: float) -> tuple[str, str]:
    share = kept.share
    return ("not seen", "") if share is None else (f"{share:.1%}", f"{share / nominal:.3f}")
