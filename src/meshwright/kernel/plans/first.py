"""First: one step after the other, until one answers."""

from __future__ import annotations

from meshwright.kernel.arrival import Reply
from meshwright.kernel.failing import another_may_help
from meshwright.kernel.work import NO_ANSWER, Run, Work
from meshwright.routing.policy import Policy
from meshwright.types.decision import Plan
from meshwright.types.errors import LimitReached, NoCandidate, UpstreamError


async def run_first(work: Work, plan: Plan, policy: Policy, run: Run) -> Reply:
    """The first step's answer that comes. Raises the last step's error, or that of a request that was refused."""
    failed: UpstreamError | NoCandidate | LimitReached | None = None
    for step in plan.steps:
        try:
            return await run(work, step, policy.steps[step.step])
        except NO_ANSWER as error:
            failed = error
            if isinstance(error, UpstreamError) and not another_may_help(error):
                break
    assert failed is not None  # a plan has at least one step
    raise failed
