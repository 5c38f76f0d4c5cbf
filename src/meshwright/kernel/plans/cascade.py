"""A cascade: an answer that the gate does not believe is kept back, and the next step is asked."""

from __future__ import annotations

from meshwright.kernel.arrival import Reply, Whole
from meshwright.kernel.failing import another_may_help
from meshwright.kernel.plans.first import run_first
from meshwright.kernel.work import NO_ANSWER, Run, Work, deliver, said, whole
from meshwright.routing.calibrate import KEPT_BACK
from meshwright.routing.gate.gate import judge
from meshwright.routing.policy import Policy
from meshwright.types.decision import Note, Plan
from meshwright.types.errors import NotCarried, UpstreamError


async def run_cascade(work: Work, plan: Plan, policy: Policy, run: Run) -> Reply:
    """The first answer that the gate believes, else the last step's, unjudged. Every attempt is paid and on the trace.

    When a later step fails, the likeliest of the answers kept back is given after all: better than an error.
    """
    if work.request.stream and plan.settings.get("stream") == "pass":
        work.note(Note(kind="gate", about=policy.name, told="the answer is streamed as it comes; no gate"))
        return await run_first(work, plan, policy, run)
    threshold = float(plan.settings.get("threshold", 0.0))
    held = work.held("held")
    kept: list[tuple[float, Whole]] = []
    for at, step in enumerate(plan.steps):
        inner = policy.steps[step.step]
        last = at + 1 == len(plan.steps)
        try:
            if last:
                return await run(work, step, inner)
            answer = await whole(run, held, step, inner)
        except (*NO_ANSWER, NotCarried) as error:
            if kept:
                work.note(Note(kind="gate", about=inner.name, told=f"it did not answer ({said(error)})"))
                if last:
                    break
                continue
            if last or isinstance(error, NotCarried):
                raise
            if isinstance(error, UpstreamError) and not another_may_help(error):
                raise
            continue
        judged = judge(work.request, answer.response)
        good = judged.probability >= threshold
        told = f"{judged.told}; {'given to the client' if good else KEPT_BACK}"
        note = Note(kind="gate", about=answer.receipt.model, told=told, value=judged.probability, signs=judged.signs)
        work.note(note)
        if good:
            return deliver(work, answer)
        kept.append((judged.probability, answer))
    return deliver(work, max(kept, key=lambda one: one[0])[1])
