"""`mesh models`: what can be asked for, what is known of it and by whom, and what will retire."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from meshwright.catalog.cards import card
from meshwright.catalog.facts import providers, sheet
from meshwright.cli.output import ConfigFile, Json, err, out, print_json, print_table, told
from meshwright.cli.provenance import Known, Line, known
from meshwright.cli.session import control_of, session
from meshwright.kernel.snapshot import Snapshot
from meshwright.server.control import Control
from meshwright.types.errors import InvalidRequest
from meshwright.types.model import Model
from meshwright.types.money import dollars

_SPAN = re.compile(r"(\d{1,4})([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


def models(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SEARCH]|show ID", help='Only names that contain this; "show ID" tells all of one.'),
    ] = None,
    retiring: Annotated[
        str, typer.Option("--retiring", metavar="TIME", help="Those that retire within 90d, 12w, 3m or 1y.")
    ] = "",
    everywhere: Annotated[bool, typer.Option("--all", help="With --retiring: the whole catalogue.")] = False,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """List the models and routes that are served now; `show ID` tells every fact and who says so."""
    with told(as_json):
        match words or []:
            case ["show", name]:
                _show(known(name, _served(config)), as_json)
            case [] if retiring:
                _retiring(retiring, everywhere, config, as_json)
            case [] | [_]:
                _list((words or [""])[0], config, as_json)
            case _:
                raise InvalidRequest(f"`mesh models {' '.join(words or ())}` has too many words.", fix="Quote them.")


def _list(search: str, config: Path | None, as_json: bool) -> None:
    snapshot = asyncio.run(_snapshot(control_of(config)))
    found = [one.model for name, one in snapshot.deployments.items() if search.lower() in name.lower()]
    routes = {name: policy for name, policy in snapshot.names.items() if not policy.named}
    if as_json:
        print_json({"routes": routes, "models": found})
        return
    out.print("[bold]Routes[/]  " + ", ".join(name for name in routes if not name.startswith("route/")) + "\n")
    print_table(("model", "window", "in / out per million tokens", "abilities"), list(map(_row, found)))
    if not found:
        err.print(f'No served model is called like "{search}". `mesh providers` shows which providers need a key.')
        err.print("`mesh models show ID` tells of any other.")


def _row(model: Model) -> tuple[str, ...]:
    price = model.prices[0] if model.prices else None
    cost = "unknown" if price is None else f"{_dollars(price.input)} / {_dollars(price.output)}"
    window = "unknown" if model.window is None else f"{model.window:,}"
    return model.name, window, cost, ", ".join(name for name, can in model.abilities.items() if can) or "unknown"


def _dollars(amount: int | None) -> str:
    return "unknown" if amount is None else f"${dollars(amount)}"


def _show(facts: Known, as_json: bool) -> None:
    if as_json:
        print_json(facts)
        return
    out.print(f"[bold]{facts.model}[/]  {facts.kind}, {'served' if facts.served else 'not served'}\n")
    print_table(("fact", "value", "agree", "source", "date", "others say"), list(map(_line, facts.lines)))


def _line(line: Line) -> tuple[str, ...]:
    others = "; ".join(
        f"{other.value} ({other.source}, {other.date}{', doubted' if other.doubted else ''})" for other in line.others
    )
    agree = f"{line.agreeing} of {line.asked}" if line.agreeing else ""
    return line.fact, line.value, agree, line.source, line.date, others


def _retiring(span: str, everywhere: bool, config: Path | None, as_json: bool) -> None:
    until = datetime.now(UTC).date() + _time(span)
    served = _served(config)
    among = _catalogue() if everywhere else served.values()
    found = sorted(retire_by(among, until), key=lambda model: (model.retires, model.name))
    if as_json:
        rows = [
            {"model": one.name, "retires": one.retires, "successor": one.successor, "served": one.name in served}
            | {"claims": {name: one.claims[name] for name in ("retires", "successor") if name in one.claims}}
            for one in found
        ]
        print_json({"until": until.isoformat(), "models": rows})
        return
    head = ("model", "retires", "source", "successor", "source", "served")
    print_table(head, [_leaving(model, model.name in served) for model in found])
    if not found:
        where = "models of the catalogue" if everywhere else "served models"
        err.print(f"No retirement by {until} is known among {where}." + ("" if everywhere else " --all: every model."))


def _leaving(model: Model, served: bool) -> tuple[str, ...]:
    sources = [model.claims[name].source if name in model.claims else "" for name in ("retires", "successor")]
    successor = model.successor or "unknown"
    return model.name, model.retires, sources[0], successor, sources[1], "yes" if served else "no"


def retire_by(models: Iterable[Model], until: date) -> list[Model]:
    """Those whose day of retirement is known and not after `until`, also those whose day has passed."""
    return [model for model in models if model.retires and model.retires <= until.isoformat()]


def _catalogue() -> list[Model]:
    """Every model that had not retired when the catalogue was made."""
    sheets = [found for name in providers() if (found := sheet(name))]
    return [card(of, facts) for of in sheets for facts in of.models if facts.retires and not facts.gone]


def _time(span: str) -> timedelta:
    match = _SPAN.fullmatch(span.strip().lower())
    if match is None:
        raise InvalidRequest(f'"{span}" is no length of time.', field="--retiring", fix="Write 90d, 12w, 3m or 1y.")
    return timedelta(days=int(match[1]) * _DAYS[match[2]])


def _served(config: Path | None) -> Mapping[str, Model]:
    snapshot = asyncio.run(_snapshot(control_of(config)))
    return {name: one.model for name, one in snapshot.deployments.items()}


async def _snapshot(control: Control) -> Snapshot:
    async with session(control) as opened:
        return opened.kernel.snapshot
