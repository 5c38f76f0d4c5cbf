"""Carrying out a decision's plan: each kind of plan has its runner, and runs its steps by them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from meshwright.kernel.arrival import Arrival, Reply
from meshwright.kernel.bounds import bounded
from meshwright.kernel.decide import meant
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.plans.advisor import run_advisor
from meshwright.kernel.plans.cascade import run_cascade
from meshwright.kernel.plans.chain import run_chain
from meshwright.kernel.plans.first import run_first
from meshwright.kernel.plans.panel import run_panel
from meshwright.kernel.plans.shadow import run_shadow
from meshwright.kernel.record import Recording
from meshwright.kernel.shaped import formed, run_shaped
from meshwright.kernel.snapshot import Snapshot
from meshwright.kernel.work import Run, Work
from meshwright.routing.policy import Policy
from meshwright.types.decision import Plan, PlanKind

Runner = Callable[[Work, Plan, Policy, Run], Awaitable[Reply]]
RUNNERS: Mapping[PlanKind, Runner] = {
    "chain": run_chain,
    "first": run_first,
    "cascade": run_cascade,
    "panel": run_panel,
    "shadow": run_shadow,
    "advisor": run_advisor,
}


def call(kernel: Kernel, snapshot: Snapshot, arrival: Arrival, recording: Recording) -> Awaitable[Reply]:
    """The plan's answer. Raises the last UpstreamError when nobody answers, NotCarried, NoCandidate."""
    decision = recording.decision
    assert decision is not None
    policy = snapshot.names.get(decision.asked) or meant(snapshot, decision.asked)[0]
    if decision.bounds:
        policy = bounded(policy, decision.bounds)
    if snapshot.health is not kernel.signals.health:
        kernel.signals.adopt(snapshot.health)
    seconds = policy.failing.total if arrival.seconds is None else min(arrival.seconds, policy.failing.total)
    recording.counted = True
    kernel.signals.turns.begin()
    work = Work(
        kernel=kernel,
        snapshot=snapshot,
        arrival=arrival,
        recording=recording,
        seen=arrival.request.messages,
        until=kernel.signals.now() + seconds,
    )
    if formed(arrival.request) or arrival.request.tools:
        return run_shaped(work, decision.plan, policy, run)
    return run(work, decision.plan, policy)


def run(work: Work, plan: Plan, policy: Policy) -> Awaitable[Reply]:
    """Carry out one plan. `policy` is the one that it was made by: its bounds hold at every fallback."""
    return RUNNERS[plan.kind](work, plan, policy, run)
