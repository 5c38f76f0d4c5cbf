"""`mesh models`: what can be asked for."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from meshwright.cli.output import ConfigFile, Json, err, out, print_json, print_table, told
from meshwright.cli.session import control_of, session
from meshwright.kernel.snapshot import Snapshot
from meshwright.server.control import Control
from meshwright.types.model import Model
from meshwright.types.money import dollars


def models(
    search: Annotated[str, typer.Argument(help="Only names that contain this.")] = "",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """List the models and routes that are served now."""
    with told(as_json):
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


def _row(model: Model) -> tuple[str, ...]:
    price = model.prices[0] if model.prices else None
    cost = (
        "unknown"
        if price is None or price.input is None
        else f"${dollars(price.input)} / ${dollars(price.output or 0)}"
    )
    window = "unknown" if model.window is None else f"{model.window:,}"
    return model.name, window, cost, ", ".join(name for name, can in model.abilities.items() if can) or "unknown"


async def _snapshot(control: Control) -> Snapshot:
    async with session(control) as opened:
        return opened.kernel.snapshot
