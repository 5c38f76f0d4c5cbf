"""A judge's mark for a sample of answers, beside the request: nobody waits for it, and only the mark is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sized

import msgspec

from meshwright.kernel.arrival import Arrival, Failure, Reply, Streaming
from meshwright.kernel.call import run
from meshwright.kernel.ending import Ending
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import Recording
from meshwright.kernel.snapshot import Snapshot
from meshwright.kernel.streams.overheard import Overheard
from meshwright.kernel.work import Work, whole
from meshwright.ledger.evidence import JUDGE, PURSE
from meshwright.routing.choose import ineligible
from meshwright.routing.lots import draw
from meshwright.routing.marking import HIGHEST, mark, mark_request
from meshwright.routing.policy import UNSEEN, Policy
from meshwright.types.decision import Features, Note, Plan
from meshwright.types.errors import MeshError
from meshwright.types.model import Model
from meshwright.types.response import Response
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold

LARGE = 100_000
"""Bytes of a stream from which on it is read in a thread, so that others need not wait."""
_TWO_MODELS = ("continued", "restarted")
"""Notes of answers that are not one model's words."""
_NOTHING = Features(task="", sure=0.0, tasks={}, input_tokens=0)


def sample(
    kernel: Kernel, snapshot: Snapshot, arrival: Arrival, recording: Recording, reply: Reply, masks: Sized = ()
) -> Reply:
    """Have this answer judged, if the lot falls on it, there is money left, and the judge may see the conversation.

    A stream is judged when its client has all of it. `masks`: what a guard hid from the models of this request, which
    an answer with it put back would show. The reply goes on from here.
    """
    settings = snapshot.learning
    decision = recording.decision
    if (
        decision is None
        or decision.features is None
        or isinstance(reply, Failure)
        or not (isinstance(reply, Streaming) or recording.attempts)
        or draw(recording.id, JUDGE) >= settings.share
        or snapshot.gains is None
        or snapshot.gains.left.get(PURSE, 0) <= 0
    ):
        return reply
    judge = snapshot.deployment(settings.judge)
    if judge is None or not may_see(judge.model, snapshot.names.get(decision.asked)):
        return reply

    def begin(answer: Response | bytes) -> None:
        ended_well = recording.outcome == "ok" and not any(one.kind in _TWO_MODELS for one in recording.notes)
        if ended_well and not masks and judge.model.name != recording.served:
            kernel.aside.start(_judge(kernel, snapshot, arrival, recording, answer))

    if isinstance(reply, Streaming):
        return Streaming(Overheard(reply.flow, begin), reply.receipt)
    begin(reply.response)
    return reply


def may_see(judge: Model, policy: Policy | None) -> bool:
    """Whether a route's bounds on privacy, regions and licences let this model see what is asked over it."""
    if policy is None:
        return True
    for one in (*policy.within, *policy.every()):
        bounds = Policy(
            name=one.name, strategy="fixed", pool=(), regions=one.regions, privacy=one.privacy, licences=one.licences
        )
        if ineligible(judge, _NOTHING, bounds, UNSEEN):
            return False
    return True


async def _judge(
    kernel: Kernel, snapshot: Snapshot, arrival: Arrival, asked: Recording, answer: Response | bytes
) -> None:
    """Ask, read the mark, record it: a trace of its own, which names the request's and says nothing of its words."""
    if isinstance(answer, bytes):
        reading = (arrival, asked.served, answer)
        response = await asyncio.to_thread(_read, *reading) if len(answer) > LARGE else _read(*reading)
    else:
        response = answer
    if response is None:
        return
    judge = snapshot.learning.judge
    recording = Recording(JUDGE, arrival.dialect.name, JUDGE)
    recording.of = asked.id
    recording.decision = asked.decision
    request = mark_request(arrival.request, response)
    quiet = msgspec.structs.replace(
        arrival, request=request, strict=False, repair=None, forward=(), answer_id="", route=""
    )
    work = Work(kernel=kernel, snapshot=snapshot, arrival=quiet, recording=recording, role="judge")
    policy = Policy(name=judge, strategy="fixed", pool=(judge,), named=True)
    with Ending(kernel, recording):
        kernel.journal.begin(recording.id, recording.at, recording.principal)
        verdict = await whole(run, work, Plan((judge,)), policy)
        score = mark(verdict.response.text)
        told = f"{score * HIGHEST:.0f} of {HIGHEST}, by {judge}" if score is not None else f"{judge} gave no mark"
        work.note(Note(kind="judge", about=asked.served, told=told, value=score))


def _read(arrival: Arrival, served: str, data: bytes) -> Response | None:
    """A stream as its client got it, in one piece; None when it is not one to its end."""
    decoder = arrival.dialect.stream_decoder(Target(arrival.request.model, served))
    try:
        response = fold(decoder.feed(data))
    except MeshError:
        return None  # what cannot be read a second time has passed all the same, and is only not judged
    return response if decoder.ended else None
