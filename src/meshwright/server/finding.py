"""A decision by its id, or by that of its answer: from this worker's memory, else from the database."""

from __future__ import annotations

import asyncio
import re
import time

from meshwright.server.gate import Gate
from meshwright.types.decision import Trace
from meshwright.types.errors import NotFound
from meshwright.types.principal import Principal

PATIENCE = 11
LOOK_SECONDS = 0.1
FRESH_SECONDS = 10.0
IMPORTED_SECONDS = 0.5
"""How long it takes until what a worker has done is in the database, when all is well."""
_ID = re.compile(r"dec_([0-9a-f]{11})[0-9a-f]{16}")


async def found(gate: Gate, principal: Principal, name: str) -> Trace:
    """The trace of that decision. Others' are as good as not there, but for administrators. Raises NotFound."""
    trace = gate.kernel.recent.get(name) or await _stored(gate, name)
    if trace is None or not _may_see(principal, trace):
        raise NotFound(
            f'There is no decision "{name[:100]}".',
            fix="Its id is the x-mesh-decision header of the answer; see GET /v1/decisions.",
        )
    return trace


async def of_answer(gate: Gate, principal: Principal, name: str) -> Trace:
    """The same, by the decision's id or by that of the answer that it led to. Raises NotFound."""
    if _ID.fullmatch(name):
        return await found(gate, principal, name)
    mine = None if principal.may("admin") else principal.id
    for trace in reversed(gate.kernel.recent.values()):
        if _may_see(principal, trace) and _is_answer(trace, name):
            return trace
    for seconds in (0.0, IMPORTED_SECONDS):  # it may have been made by another worker just now
        await asyncio.sleep(seconds)
        stored = await gate.stored.answered(name, mine)
        if stored is not None:
            return stored
    raise NotFound(
        f'There is no decision and no answer "{name[:100]}".',
        field="id",
        fix="Send the x-mesh-decision header of the answer, or the answer's own id.",
    )


def _is_answer(trace: Trace, name: str) -> bool:
    if trace.answer:
        return trace.answer == name
    return any(one.upstream_id == name and one.model == trace.served for one in trace.attempts)


async def _stored(gate: Gate, name: str) -> Trace | None:
    """The trace from the database; one of the last seconds may still be on its way there from another worker."""
    tries = PATIENCE if _is_fresh(name) else 1
    for left in reversed(range(tries)):
        trace = await gate.stored.trace(name)
        if trace is not None or not left:
            return trace
        await asyncio.sleep(LOOK_SECONDS)
    return None


def _is_fresh(name: str) -> bool:
    """Whether an id says that it was made in the last seconds (see kernel.record.decision_id)."""
    match = _ID.fullmatch(name)
    return match is not None and -FRESH_SECONDS < time.time() - int(match[1], 16) / 1000 < FRESH_SECONDS


def _may_see(principal: Principal, trace: Trace) -> bool:
    return principal.id == trace.principal or principal.may("admin")
