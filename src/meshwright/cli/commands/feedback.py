"""`mesh feedback ID`: say how good an answer was."""

from __future__ import annotations

from time import time
from typing import Annotated

import typer

from meshwright.cli.output import ConfigFile, Json, out, print_json, told
from meshwright.cli.session import control_of
from meshwright.ledger.feedback import Said, rows
from meshwright.store import decisions
from meshwright.store import feedback as stored
from meshwright.types.errors import NotFound
from meshwright.types.principal import LOCAL


def feedback(
    id: Annotated[str, typer.Argument(help="The decision's or the answer's id, or \"last\".")],
    thumbs: Annotated[str | None, typer.Option(metavar="up|down", help="Good or bad.")] = None,
    score: Annotated[float | None, typer.Option(help="How good, from 0 to 1.")] = None,
    correction: Annotated[str | None, typer.Option(help="What the answer should have been.")] = None,
    label: Annotated[str | None, typer.Option(help="A word of your own; learning.labels may give it a score.")] = None,
    model: Annotated[str, typer.Option("--model", "-m", help="Which of several answers is meant.")] = "",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Say how good an answer was; the router learns from it."""
    with told(as_json):
        control = control_of(config)
        control.import_journal()
        with control.database.begin() as transaction:
            trace = (
                decisions.latest(transaction)
                if id == "last"
                else decisions.get(transaction, id) or decisions.answered(transaction, id, None)
            )
            if trace is None:
                raise NotFound(
                    f'There is no decision and no answer "{id}".',
                    fix="A decision's id is the x-mesh-decision header of its answer.",
                )
            said = Said(id=id, thumbs=thumbs, score=score, correction=correction, label=label, model=model)
            found = rows(trace, said, LOCAL.id, time(), control.config.learning.labels)
            changed = stored.put(transaction, found)
        if as_json:
            kept = [
                {"kind": row.kind, "score": row.score, "changed": new} for row, new in zip(found, changed, strict=True)
            ]
            print_json({"decision": trace.id, "model": found[0].model, "kept": kept})
        else:
            new = ", ".join(row.kind for row, fresh in zip(found, changed, strict=True) if fresh) or "nothing new"
            out.print(f"{trace.id}, {found[0].model}: {new}", markup=False)
