"""`mesh route`: decide, and do not call."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from meshwright.cli.explaining import tell_decision
from meshwright.cli.output import ConfigFile, Json, out, print_json, told
from meshwright.cli.session import control_of, session
from meshwright.kernel.counting import counted
from meshwright.kernel.decide import decide
from meshwright.server.control import Control
from meshwright.types.content import Message, Text
from meshwright.types.decision import Decision
from meshwright.types.request import Request

APART = "Decided here: what a running gateway has timed and who rests there does not count. POST /v1/route asks it."


def route(
    question: Annotated[str, typer.Argument(help="What would be asked.")],
    model: Annotated[str, typer.Option("--model", "-m", help="A model, an alias or a route.")] = "auto",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Show which model would answer, and why."""
    with told(as_json):
        decision = asyncio.run(
            _decide(control_of(config), Request(model=model, messages=(Message("user", (Text(question),)),)))
        )
        if as_json:
            print_json(decision)
        else:
            tell_decision(decision)
            out.print(f"[dim]{APART}[/]")


async def _decide(control: Control, request: Request) -> Decision:
    async with session(control, request.model) as opened:
        snapshot = opened.kernel.snapshot
        counts = await counted(snapshot, request, request.model, limited=False)
        return decide(snapshot, {}, request, counted=counts)
