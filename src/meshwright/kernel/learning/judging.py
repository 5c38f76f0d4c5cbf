"""A judge's mark for a sample of answers, beside the request: nobody waits for it, and only the mark is kept."""

from __future__ import annotations

import msgspec

from meshwright.kernel.arrival import Arrival, Reply, Whole
from meshwright.kernel.call import run
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import Recording
from meshwright.kernel.snapshot import Snapshot
from meshwright.kernel.work import Work, whole
from meshwright.ledger.evidence import JUDGE, PURSE
from meshwright.routing.choose import ineligible
from meshwright.routing.lots import draw
from meshwright.routing.marking import HIGHEST, mark, mark_request
from meshwright.routing.policy import UNSEEN, Policy
from meshwright.types.decision import Features, Note, Plan
from meshwright.types.errors import MeshError
from meshwright.types.model import Model

_NOTHING = Features(task="", sure=0.0, tasks={}, input_tokens=0)


def sample(kernel: Kernel, snapshot: Snapshot, arrival: Arrival, recording: Recording, reply: Reply) -> None:
    """Have this answer judged, if the lot falls on it, there is money left, and the judge may see the conversation."""
    settings = snapshot.learning
    seen = recording.decision.features if recording.decision is not None else None
    if (
        seen is None
        or not isinstance(reply, Whole)
        or not recording.attempts
        or draw(recording.id, JUDGE) >= settings.share
        or snapshot.gains is None
        or snapshot.gains.left.get(PURSE, 0) <= 0
    ):
        return
    judge = snapshot.deployment(settings.judge)
    policy = snapshot.names.get(recording.decision.asked) if recording.decision is not None else None
    if judge is None or judge.model.name == reply.receipt.model or not may_see(judge.model, policy):
        return
    kernel.aside.start(_judge(kernel, snapshot, arrival, recording, reply))


def may_see(judge: Model, policy: Policy | None) -> bool:
    """Whether a route's bounds on privacy, regions and licences let this model see what is asked over it."""
    if policy is None:
        return True
    for one in (policy, *policy.within, *_below(policy)):
        bounds = Policy(
            name=one.name, strategy="fixed", pool=(), regions=one.regions, privacy=one.privacy, licences=one.licences
        )
        if ineligible(judge, _NOTHING, bounds, UNSEEN):
            return False
    return True


def _below(policy: Policy) -> tuple[Policy, ...]:
    steps = (*policy.steps, *((policy.by,) if policy.by is not None else ()))
    return (*steps, *(inner for step in steps for inner in _below(step)))


async def _judge(kernel: Kernel, snapshot: Snapshot, arrival: Arrival, asked: Recording, reply: Whole) -> None:
    """Ask, read the mark, record it: a trace of its own, which names the request's and says nothing of its words."""
    judge = snapshot.learning.judge
    recording = Recording(JUDGE, arrival.dialect.name, JUDGE)
    recording.of = asked.id
    recording.decision = asked.decision
    request = mark_request(arrival.request, reply.response)
    quiet = msgspec.structs.replace(
        arrival, request=request, strict=False, repair=None, forward=(), answer_id="", route=""
    )
    work = Work(kernel=kernel, snapshot=snapshot, arrival=quiet, recording=recording, role="judge")
    policy = Policy(name=judge, strategy="fixed", pool=(judge,), named=True)
    try:
        kernel.journal.begin(recording.id, recording.at, recording.principal)
        verdict = await whole(run, work, Plan((judge,)), policy)
        score = mark(verdict.response.text)
        told = f"{score * HIGHEST:.0f} of {HIGHEST}, by {judge}" if score is not None else f"{judge} gave no mark"
        work.note(Note(kind="judge", about=reply.receipt.model, told=told, value=score))
    except MeshError as error:
        recording.failed(error)
    except BaseException as error:
        recording.failed(error)
        raise
    finally:
        kernel.settle(recording)
