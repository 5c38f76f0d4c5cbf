"""What carries out a plan: the request as it now stands, and where to write down what happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from meshwright.kernel.arrival import Arrival, Reply, Streaming, Whole
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import Recording
from meshwright.kernel.snapshot import Snapshot
from meshwright.routing.policy import Policy
from meshwright.types.content import Message
from meshwright.types.decision import Note, Plan
from meshwright.types.errors import LimitReached, MeshError, NoCandidate, UpstreamError
from meshwright.types.request import Request
from meshwright.types.response import Response
from meshwright.wire.dialect import Encoded
from meshwright.wire.fold import unfold
from meshwright.wire.sealing import SIGNING, encode_for_client, encoder_for_client

NO_ANSWER = (UpstreamError, NoCandidate, LimitReached)
"""What a step of a plan may end with, so that another step can still answer."""


class Work(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One request under way. `role` says what its answers are for, see `types.decision.Attempt`."""

    kernel: Kernel
    snapshot: Snapshot
    arrival: Arrival
    recording: Recording
    role: str = ""
    seen: tuple[Message, ...] = ()
    """The messages that the decision's features are of."""
    until: float = float("inf")
    """When the whole request must be over, on the clock of the signals."""

    @property
    def left(self) -> float:
        """Seconds that the request has left."""
        return self.until - self.kernel.signals.now()

    @property
    def request(self) -> Request:
        """The request as it now stands."""
        return self.arrival.request

    def asking(self, request: Request, role: str = "") -> Work:
        """The same for a changed request."""
        arrival = msgspec.structs.replace(self.arrival, request=request)
        return msgspec.structs.replace(self, arrival=arrival, role=role or self.role)

    def held(self, role: str) -> Work:
        """The same, with the answer in one piece, to be looked at before the client gets it."""
        request = self.request
        if request.stream:
            request = msgspec.structs.replace(request, stream=False, stream_usage=False, source=None)
        return self.asking(request, role)

    def note(self, note: Note) -> None:
        """Write it on the trace."""
        self.recording.notes.append(note)


Run = Callable[[Work, Plan, Policy], Awaitable[Reply]]
"""Carries out a plan: the runner of each kind gets this for its steps."""


async def whole(run: Run, work: Work, plan: Plan, policy: Policy) -> Whole:
    """The answer of a held plan. Raises what `run` raises."""
    reply = await run(work, plan, policy)
    if isinstance(reply, Whole):
        return reply
    if isinstance(reply, Streaming):
        reply.flow.abort()
    raise AssertionError("a held request is answered in one piece")


def deliver(work: Work, answer: Whole) -> Whole:
    """An answer that was held, as the client asked for it; from now on it is the one that was served."""
    work.recording.served = answer.receipt.model
    work.recording.first_byte = work.recording.elapsed()
    ready = encoded(work.arrival, answer.response)
    known = [one for one in answer.receipt.adaptations if one not in ready.adaptations]
    receipt = msgspec.structs.replace(answer.receipt, adaptations=(*known, *ready.adaptations))
    return Whole(answer.response, ready.body, receipt)


def encoded(arrival: Arrival, response: Response) -> Encoded:
    """An answer in one piece for this client: one that asked for a stream gets all its events at once."""
    if arrival.answer_id and (response.source is None or response.source.dialect != arrival.dialect.name):
        response = msgspec.structs.replace(response, id=arrival.answer_id)
    if not arrival.request.stream:
        if arrival.dialect.name in SIGNING:
            return encode_for_client(arrival.dialect, response, arrival.request)
        return arrival.dialect.encode_response(response, arrival.request)
    encoder = encoder_for_client(arrival.dialect, arrival.request)
    body = encoder.feed(unfold(response))
    return Encoded(body, tuple(encoder.adaptations))


def said(error: MeshError) -> str:
    """An error in a note."""
    return f"{error.code}: {error.message}"[:500]
