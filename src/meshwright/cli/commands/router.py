"""`mesh router`: what the router has learned, and how another would have done."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from meshwright.cli.learning import known, learning, tell_known
from meshwright.cli.output import ConfigFile, Json, out, print_json, told
from meshwright.cli.replaying import tell_replay
from meshwright.cli.reporting import tell_report
from meshwright.cli.session import actor, control_of, here, other_snapshot
from meshwright.kernel import router_files
from meshwright.kernel.replaying import Replayed, replay
from meshwright.kernel.reporting import report, scores
from meshwright.kernel.router_files import current
from meshwright.ledger.audit.acts import record
from meshwright.ledger.spans import span
from meshwright.routing.what_if import what_if
from meshwright.server.control import Control
from meshwright.server.learning import forget
from meshwright.store import decisions, feedback
from meshwright.types.errors import InvalidRequest

ACTS = {"fit": "router.fitted", "revert": "router.reverted"}
"""What is in the audit log of what is done to files, once it is done."""
MOST = 100_000
"""Requests of the log that are looked at, the newest: some hundred megabytes of memory."""


def router(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[report|fit FILE|export FILE|revert|replay|forget]", help="FILE of fit: outcomes, JSONL."
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
    """Show, fit, export, revert or forget what the learned router goes by; replay the log with another policy."""
    with told(as_json):
        asked = words or ["report"]
        if learning(asked, here(config).router, as_json):
            if asked[0] in ACTS:
                detail = {"version": current(here(config).router)}
                with control_of(config).database.begin() as transaction:
                    record(transaction, actor(), ACTS[asked[0]], "router", detail=detail)
            return
        if asked == ["report"]:
            _report(control_of(config), time.time() - span(since), as_json)
            return
        if asked == ["forget"]:
            count = forget(
                control_of(config).database, since=time.time() - span(since), principal=principal, model=model
            )
            if as_json:
                print_json({"forgotten": count})
            else:
                out.print(f"{count:,} outcomes are not learned from any more.", markup=False)
            return
        if asked != ["replay"]:
            raise InvalidRequest(
                f"`mesh router {' '.join(asked)}` is not understood.",
                fix="`mesh router`, `fit FILE`, `export FILE`, `revert`, `replay --with other.toml`, or `forget`.",
            )
        found = asyncio.run(_replayed(control_of(config), time.time() - span(since), other))
        result = what_if(found.rows)
        if as_json:
            print_json({**msgspec.structs.asdict(result), "shares": found.shares, "left_out": found.left_out})
        else:
            tell_replay(result, found)


async def _replayed(control: Control, since: float, other: Path | None) -> Replayed:
    control.import_journal()
    with control.database.read() as transaction:
        traces = decisions.recent(transaction, MOST, since=since)
        found = feedback.scored(transaction, since)
    judged = scores(traces, found, control.config.learning.labels)
    async with other_snapshot(control, other) as snapshot:
        return replay(traces, snapshot, judged)


def _report(control: Control, since: float, as_json: bool) -> None:
    """What is known, and how routing has been doing since then."""
    control.import_journal()
    with control.database.read() as transaction:
        traces = decisions.recent(transaction, MOST, since=since)
        found = feedback.scored(transaction, since)
    made = report(traces, scores(traces, found, control.config.learning.labels))
    folder = control.places.router
    gains = router_files.gains(folder)
    if as_json:
        here = [] if gains is None else [msgspec.to_builtins(one) for one in gains.models]
        print_json({**known(folder), "here": here, "left": gains.left if gains is not None else {}, "report": made})
    else:
        tell_known(folder)
        tell_report(made, gains)
