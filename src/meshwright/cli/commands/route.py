"""`mesh route`: decide, and do not call."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from meshwright.cli.explaining import tell_decision
from meshwright.cli.output import ConfigFile, Json, print_json, told
from meshwright.cli.session import control_of, session
from meshwright.kernel.decide import decide
from meshwright.types.content import Message, Text
from meshwright.types.decision import Decision
from meshwright.types.request import Request


def route(
    question: Annotated[str, typer.Argument(help="What would be asked.")],
    model: Annotated[str, typer.Option("--model", "-m", help="A model, an alias or a route.")] = "auto",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Show which model would answer, and why."""
    with told(as_json):
        decision = asyncio.run(_decide(config, Request(model=model, messages=(Message("user", (Text(question),)),))))
        if as_json:
            print_json(decision)
        else:
            tell_decision(decision)


async def _decide(config: Path | None, request: Request) -> Decision:
    async with session(control_of(config)) as opened:
        return decide(opened.kernel.snapshot, {}, request)
