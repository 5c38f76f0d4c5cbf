"""A shadow: the first step answers, and copies of the request run beside it for the record only."""

from __future__ import annotations

import msgspec

from meshwright.kernel.arrival import Reply
from meshwright.kernel.ending import Ending
from meshwright.kernel.record import Recording
from meshwright.kernel.set_aside import enter
from meshwright.kernel.work import Run, Work, whole
from meshwright.routing.gate.gate import judge
from meshwright.routing.policy import Policy
from meshwright.types.decision import Note, Plan


async def run_shadow(work: Work, plan: Plan, policy: Policy, run: Run) -> Reply:
    """The first step's answer. A copy never delays it, and is left out when too many copies run already."""
    for at, step in enumerate(plan.steps[1:], 1):
        inner = policy.steps[step.step]
        recording = _beside(work, at, step)
        told = f"a copy was sent, see {recording.id}"
        if not work.kernel.aside.start(_copy(work, step, inner, run, recording)):
            told = f"no copy was sent: {work.kernel.aside.most} are under way already"
        work.note(Note(kind="copy", about=inner.name, told=told))
    first = plan.steps[0]
    return await run(work, first, policy.steps[first.step])


def _beside(work: Work, at: int, step: Plan) -> Recording:
    """Where a copy is written down: by itself, but it names the request's."""
    asked = work.recording
    recording = Recording(asked.principal, asked.dialect, "shadow")
    recording.of = asked.id
    if asked.decision is not None:
        parts = asked.decision.parts
        part = parts[at] if at < len(parts) else asked.decision
        recording.decision = msgspec.structs.replace(
            part,
            features=asked.decision.features,
            snapshot=asked.decision.snapshot,
            signals=asked.decision.signals,
            plan=step,
        )
    return recording


async def _copy(work: Work, step: Plan, policy: Policy, run: Run, recording: Recording) -> None:
    """Ask, judge, record; the answer itself is thrown away."""
    kernel = work.kernel
    copy = msgspec.structs.replace(work.held("copy"), recording=recording)
    with Ending(kernel, recording):
        kernel.journal.begin(recording.id, recording.at, recording.principal)
        await enter(kernel, work.arrival.principal, recording, counted=False)
        answer = await whole(run, copy, step, policy)
        judged = judge(copy.request, answer.response)
        note = Note(
            kind="gate", about=answer.receipt.model, told=judged.told, value=judged.probability, signs=judged.signs
        )
        copy.note(note)
