"""A panel: all steps at once, then a vote, a judge who picks, or somebody who makes one answer of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from meshwright.kernel.arrival import Reply, Whole
from meshwright.kernel.work import NO_ANSWER, Run, Work, deliver, said, whole
from meshwright.routing.joining import drafts_request, judge_request, picked, vote
from meshwright.routing.policy import Policy
from meshwright.types.decision import Note, Plan
from meshwright.types.errors import MeshError, NoCandidate


async def run_panel(work: Work, plan: Plan, policy: Policy, run: Run) -> Reply:
    """The joined answer. Members that fail are left out; below `least` answers the last member's error is raised.

    A judge or a fuser that fails is replaced by a vote. When the client leaves, all of them are cancelled.
    """
    least = max(1, int(plan.settings.get("least", 1)))
    if len(plan.steps) < least:
        # Answers that will not do need not be paid.
        decision = work.recording.decision
        raise NoCandidate(
            f'"{policy.name}" needs {least} answers, and {len(plan.steps)} of its steps can serve this request.',
            decision.rejected if decision is not None else {},
            fix="Lower the route's `least`, or see with `mesh explain` why its other steps cannot.",
        )
    answers, failed = await _ask_all(work.held("member"), plan, policy, run)
    if len(answers) < least:
        raise failed or NoCandidate("The panel has fewer steps than it needs answers.", {})
    join = plan.settings.get("join", "vote")
    if len(answers) == 1:
        work.note(Note(kind="vote", about=answers[0].receipt.model, told="the only answer that came"))
        return deliver(work, answers[0])
    if plan.by is not None and policy.by is not None and join != "vote":
        try:
            if join == "fuse":
                return await _fused(work, answers, plan.by, policy.by, run)
            return deliver(work, await _judged(work, answers, plan.by, policy.by, run))
        except NO_ANSWER as error:
            work.note(
                Note(kind="vote", about=policy.by.name, told=f"it did not {join} ({said(error)}); a vote instead")
            )
    won, told = vote([answer.response for answer in answers])
    work.note(Note(kind="vote", about=answers[won].receipt.model, told=told))
    return deliver(work, answers[won])


async def _ask_all(held: Work, plan: Plan, policy: Policy, run: Run) -> tuple[list[Whole], MeshError | None]:
    """The answers that came, in the order of the steps, and the last error."""
    came: dict[int, Whole] = {}
    failed: list[MeshError] = []

    async def one(at: int, step: Plan) -> None:
        try:
            came[at] = await whole(run, held, step, policy.steps[step.step])
        except MeshError as error:
            failed.append(error)

    try:
        # A group waits for all it has cancelled, so that each attempt is settled before the request is.
        async with asyncio.TaskGroup() as group:
            for at, step in enumerate(plan.steps):
                group.create_task(one(at, step))
    except ExceptionGroup as several:
        raise several.exceptions[0] from several  # a fault of ours: the trace shall name it, not the group
    return [came[at] for at in sorted(came)], failed[-1] if failed else None


async def _judged(work: Work, answers: Sequence[Whole], by: Plan, policy: Policy, run: Run) -> Whole:
    request = judge_request(work.request, [answer.response for answer in answers])
    verdict = await whole(run, work.asking(request, "judge"), by, policy)
    choice = picked(verdict.response.text, len(answers))
    if choice is None:
        choice, told = vote([answer.response for answer in answers])
        work.note(Note(kind="judge", about=verdict.receipt.model, told=f"it named no answer; {told}"))
    else:
        told = f"it chose the answer of {answers[choice].receipt.model}, of {len(answers)}"
        work.note(Note(kind="judge", about=verdict.receipt.model, told=told))
    return answers[choice]


async def _fused(work: Work, answers: Sequence[Whole], by: Plan, policy: Policy, run: Run) -> Reply:
    request = drafts_request(work.request, [answer.response for answer in answers])
    reply = await run(work.asking(request, "fuse"), by, policy)
    names = ", ".join(answer.receipt.model for answer in answers)
    work.note(Note(kind="fuse", about=policy.name, told=f"made of the answers of {names}"))
    return reply
