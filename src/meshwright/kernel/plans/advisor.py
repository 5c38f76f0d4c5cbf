"""An adviser: asked before the work, or to approve what came of it; the worker's answer is what the client gets."""

from __future__ import annotations

from meshwright.kernel.arrival import Reply, Whole
from meshwright.kernel.work import NO_ANSWER, Run, Work, deliver, said, whole
from meshwright.routing.advice import advice_request, approval_request, approved, with_advice, with_correction
from meshwright.routing.policy import Policy
from meshwright.types.content import ToolCall
from meshwright.types.decision import ITSELF, Note, Plan
from meshwright.types.errors import NotCarried


async def run_advisor(work: Work, plan: Plan, policy: Policy, run: Run) -> Reply:
    """The worker's answer, after advice at a point of its run, and once more if the adviser does not approve it.

    An adviser that fails holds nobody up. Raises what the worker's plan raises.
    """
    worker = plan.steps[0]
    inner = policy if worker.step == ITSELF else policy.steps[worker.step]
    if point := str(plan.settings.get("point", "")):
        work = await _advised(work, plan, policy, run, point)
    if not plan.settings.get("final", False):
        return await run(work, worker, inner)
    draft = await whole(run, work.held("held"), worker, inner)
    if any(isinstance(part, ToolCall) for choice in draft.response.choices for part in choice.message.parts):
        return deliver(work, draft)  # the run goes on; there is nothing to approve yet
    correction = await _correction(work, draft, plan, policy, run)
    if not correction:
        return deliver(work, draft)
    again = work.asking(with_correction(work.request, draft.response, correction))
    try:
        return await run(again, worker, inner)
    except (*NO_ANSWER, NotCarried) as error:
        work.note(Note(kind="approval", about=inner.name, told=f"it did not answer again ({said(error)})"))
        return deliver(work, draft)


async def _advised(work: Work, plan: Plan, policy: Policy, run: Run, point: str) -> Work:
    """The work with the adviser's words in its request; as it was when there are none."""
    assert plan.by is not None
    assert policy.by is not None
    try:
        advice = await whole(run, work.asking(advice_request(work.request, point), "advice"), plan.by, policy.by)
    except (*NO_ANSWER, NotCarried) as error:
        work.note(Note(kind="advice", about=policy.by.name, told=f"it did not answer ({said(error)})"))
        return work
    words = advice.response.text.strip()
    if not words:
        work.note(Note(kind="advice", about=advice.receipt.model, told="it had nothing to say"))
        return work
    work.note(Note(kind="advice", about=advice.receipt.model, told=f"advised the worker, because {point}"))
    return work.asking(with_advice(work.request, words))


async def _correction(work: Work, draft: Whole, plan: Plan, policy: Policy, run: Run) -> str:
    """What the adviser wants changed; "" when it approves, or cannot be asked."""
    assert plan.by is not None
    assert policy.by is not None
    request = approval_request(work.request, draft.response)
    try:
        verdict = await whole(run, work.asking(request, "approval"), plan.by, policy.by)
    except (*NO_ANSWER, NotCarried) as error:
        work.note(Note(kind="approval", about=policy.by.name, told=f"it did not answer ({said(error)})"))
        return ""
    good, words = approved(verdict.response.text)
    told = "approved the answer" if good else "did not approve: the worker is asked again"
    work.note(Note(kind="approval", about=verdict.receipt.model, told=told))
    return "" if good else words
