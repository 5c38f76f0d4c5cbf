"""`mesh router`: what the router has learned, and how another would have done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from meshwright.cli.learning import known, learning, tell_known
from meshwright.cli.output import ConfigFile, Json, out, print_json, told
from meshwright.cli.replaying import tell_replay
from meshwright.cli.reporting import tell_report
from meshwright.cli.session import actor, control_of, here, other_snapshot
from meshwright.kernel.learning import router_files
from meshwright.kernel.learning.replaying import Replayed, replay
from meshwright.kernel.learning.reporting import report, scores
from meshwright.ledger.spans import span
from meshwright.routing.what_if import what_if
from meshwright.server.control import Control
from meshwright.server.learning import forget
from meshwright.store import decisions, feedback
from meshwright.types.decision import Trace
from meshwright.types.errors import InvalidRequest
from meshwright.types.model import bare

MOST = 100_000
"""Requests of the log that are looked at, the newest: some hundred megabytes of memory."""


def router(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[report|fit FILE|export FILE|import FILE|revert|replay|forget]",
            help="FILE of fit: outcomes, JSONL; of export and import: weights.",
        ),
    ] = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back, such as 24h or 7d.")] = "7d",
    other: Annotated[
        Path | None, typer.Option("--with", metavar="FILE", help="With replay: the mesh.toml of the other policy.")
    ] = None,
    principal: Annotated[str, typer.Option(help="With forget: only what this principal said.")] = "",
    model: Annotated[str, typer.Option("--model", "-m", help="With forget: only what is about this model.")] = "",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Show, fit, export, import, revert or forget what the router goes by; replay the log with another policy."""
    with told(as_json):
        asked = words or ["report"]
        database, served = lambda: control_of(config).database, lambda: asyncio.run(_served(control_of(config)))
        if learning(asked, here(config).router, database, served, as_json):
            return
        control, begin = control_of(config), time.time() - span(since)
        if asked == ["report"]:
            _report(control, begin, as_json)
            return
        if asked == ["forget"]:
            count = forget(control.database, since=begin, principal=principal, model=model, actor=actor())
            if as_json:
                print_json({"forgotten": count})
            else:
                out.print(f"{count:,} outcomes are not learned from any more.", markup=False)
            return
        if asked != ["replay"]:
            raise InvalidRequest(
                f"`mesh router {' '.join(asked)}` is not understood.",
                fix="`report`, `fit FILE`, `export FILE`, `import FILE`, `revert`, `replay --with FILE`, or `forget`.",
            )
        found = asyncio.run(_replayed(control, begin, other))
        result = what_if(found.rows)
        if as_json:
            print_json({**msgspec.structs.asdict(result), "shares": found.shares, "left_out": found.left_out})
        else:
            tell_replay(result, found)


async def _served(control: Control) -> frozenset[str]:
    """The bare names of all models that are served."""
    async with other_snapshot(control, None) as snapshot:
        return frozenset(
            bare(name) for one in snapshot.deployments.values() for name in (one.model.name, one.model.upstream)
        )


async def _replayed(control: Control, since: float, other: Path | None) -> Replayed:
    traces, judged = _log(control, since)
    async with other_snapshot(control, other) as snapshot:
        return replay(traces, snapshot, judged)


def _log(control: Control, since: float) -> tuple[Sequence[Trace], Mapping[str, float]]:
    """The newest requests since then, and what their answers were worth."""
    control.import_journal()
    with control.database.read() as transaction:
        traces = decisions.recent(transaction, MOST, since=since)
        found = feedback.scored(transaction, since)
    return traces, scores(traces, found, control.config.learning.labels)


def _report(control: Control, since: float, as_json: bool) -> None:
    """What is known, and how routing has been doing since then."""
    made = report(*_log(control, since))
    folder = control.places.router
    gains = router_files.gains(folder)
    if as_json:
        learned, left = ([], {}) if gains is None else (gains.models, gains.left)
        print_json({**known(folder), "here": learned, "left": left, "report": made})
    else:
        tell_known(folder)
        tell_report(made, gains)
