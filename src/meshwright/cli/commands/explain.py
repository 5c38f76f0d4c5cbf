"""`mesh explain ID`: why a request went where it went, and what came of it."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from meshwright.cli.explaining import tell_feedback, tell_trace
from meshwright.cli.output import ConfigFile, Json, out, print_json, told
from meshwright.cli.session import control_of
from meshwright.ledger.prompts import prompt_of
from meshwright.store import decisions, feedback
from meshwright.store.rows import Feedback
from meshwright.types.errors import NotFound


def explain(
    id: Annotated[str, typer.Argument(help="The decision's or its answer's id, or \"last\".")] = "last",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Explain a decision: what was seen, who was rejected and why, what was predicted, what happened."""
    with told(as_json):
        control = control_of(config)
        with control.database.read() as transaction:
            if id == "last":
                trace = decisions.latest(transaction)
            else:
                trace = decisions.get(transaction, id) or decisions.answered(transaction, id, None)
            found = feedback.of(transaction, trace.id) if trace is not None else ()
            prompt = prompt_of(transaction, trace.id) if trace is not None else None
        if trace is None:
            raise NotFound(f'There is no decision "{id}".', fix="Its id is the x-mesh-decision header of the answer.")
        if as_json:
            print_json({**msgspec.to_builtins(trace), "prompt": prompt, "feedback": [_plain(one) for one in found]})
        else:
            tell_trace(trace)
            if prompt is not None:
                out.print(f"\nIt asked (redacted): {prompt}", markup=False)
            tell_feedback(found)


def _plain(one: Feedback) -> dict[str, object]:
    """What was found out, without what is kept for learning."""
    kept = ("n", "sketch", "decision")
    return {name: value for name, value in msgspec.structs.asdict(one).items() if name not in kept}
