"""A stream that broke after it had begun: somebody goes on with it, or begins again and says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import msgspec

from meshwright.kernel.attempt import SOON, answered
from meshwright.kernel.failing import BROKE, another_may_help, free
from meshwright.kernel.max_cost import afford
from meshwright.kernel.plans.going_on import GoingOn, primed
from meshwright.kernel.plans.said import Said, said_in
from meshwright.kernel.record import OpenAttempt
from meshwright.kernel.shaped import formed
from meshwright.kernel.signals import Hold
from meshwright.kernel.snapshot import Deployment
from meshwright.kernel.streams.listening import Listening
from meshwright.kernel.streams.metering import metered
from meshwright.kernel.streams.paths import Translated
from meshwright.kernel.streams.stream import Stream, Taken
from meshwright.kernel.work import Work
from meshwright.resilience.kinds import MANNERS, kind_of
from meshwright.routing.choose import ineligible
from meshwright.routing.policy import UNSEEN, Policy
from meshwright.types.content import Message, Text
from meshwright.types.decision import Note, NoteKind
from meshwright.types.errors import (
    LimitReached,
    MeshError,
    PriceUnknown,
    StreamCut,
    UpstreamError,
    UpstreamTimeout,
)
from meshwright.types.request import Request
from meshwright.wire.dialect import StreamEncoder
from meshwright.wire.sealing import encoder_for_client
from meshwright.wire.tools_abroad import sendable

MOST = 2
"""How often a stream is gone on with."""
GO_ON = (
    "Your answer above was interrupted by a fault of the line. Go on with it exactly where it breaks off, in the "
    "middle of a sentence if need be. Do not repeat any of it, and say nothing about the interruption."
)
AGAIN = "\n\n[The answer broke off here. It begins again:]\n\n"
"""What a client sees where an answer begins again; the words before it are then to be disregarded."""
PREFILL = "prefill"
"""The quirk of providers that go on with an assistant's last message."""


class Rescuer:
    """Finds somebody for one stream. `others` are the models that come after its own in the chain."""

    def __init__(self, work: Work, policy: Policy, deployment: Deployment, others: Sequence[Deployment]) -> None:
        self._work = work
        self._policy = policy
        self._broken = deployment
        self._others = list(others)
        self._signals = work.kernel.signals
        self._times = 0

    async def find(self, stream: Stream, error: UpstreamError) -> Taken | None:
        """Who goes on, with his first words; None when nobody does, and the note says why."""
        if self._times >= MOST:
            return self._nobody(f"it was gone on with {MOST} times already")
        self._times += 1
        try:
            said, encoder = self._so_far(stream)
        except MeshError as unreadable:
            return self._nobody(f"what it had said cannot be read: {unreadable.message}")
        hindrance = said.hindrance or ("its form would not hold" if formed(self._work.request) else "")
        if hindrance:
            return self._nobody(hindrance)
        for deployment in self._candidates(error):
            turn = await self._signals.turns.take(min(self._signals.health.queue_seconds, self._work.left))
            if turn is None:
                return self._nobody("the budget of second attempts is spent")
            try:
                if self._work.left < SOON:
                    return self._nobody("the request's own time is over")
                return await self._taken(deployment, said, encoder)
            except (LimitReached, PriceUnknown) as short:
                self._work.note(Note(kind="passed_over", about=deployment.key, told=short.message))
            except UpstreamError as failed:
                if not another_may_help(failed) and self._restarting:
                    break
            finally:
                turn.over()
        return self._nobody("nobody else could")

    @property
    def _restarting(self) -> bool:
        return self._policy.failing.on_break == "restart"

    def _so_far(self, stream: Stream) -> tuple[Said, StreamEncoder]:
        """What was said, and an encoder of the client's that knows it."""
        path = stream.path.inner if isinstance(stream.path, Listening) else stream.path
        if isinstance(path, GoingOn):
            return path.said, path.encoder
        dialect, arrival = self._broken.speaking(self._work.arrival.dialect), self._work.arrival
        deltas = dialect.dialect.stream_decoder(dialect.target).feed(b"".join(stream.kept))
        if isinstance(path, Translated):
            return said_in(deltas), path.encoder
        return said_in(deltas), primed(encoder_for_client(arrival.dialect, arrival.request), deltas)

    def _candidates(self, error: UpstreamError) -> Iterator[Deployment]:
        """The models that come next, each of which may be asked now; and the broken one itself, if it may be."""
        kind = kind_of(error)
        again = [self._broken] if kind is not None and MANNERS[kind].again else []
        for model in (*self._others, *again):
            signal = self._signals.read().get(model.model.name, UNSEEN)
            decision = self._work.recording.decision
            seen = decision.features if decision is not None else None
            reason = ineligible(model.model, seen, self._policy, signal) if seen is not None else ""
            reason = reason or self._signals.shut(model)
            if reason:
                self._work.note(Note(kind="passed_over", about=model.key, told=reason))
            else:
                yield model

    async def _taken(self, deployment: Deployment, said: Said, encoder: StreamEncoder) -> Taken:
        """The first words of one who goes on. Raises UpstreamError; his attempt is then written down."""
        work = self._work
        opened = OpenAttempt(work.recording, deployment.model, work.role)
        asking = await afford(work.asking(self._request(deployment, said)), deployment.model, opened)
        hold = self._signals.begin(deployment)
        spoken = deployment.speaking(work.arrival.dialect)
        try:
            taken = await self._opened(spoken, said, encoder, opened, hold, asking.request)
        except UpstreamError as error:
            hold.failed(error)
            opened.close(None, error.code, error.message, unpriced="" if free(error) else BROKE)
            raise
        except BaseException:
            hold.let_go()
            opened.close(None, "cancelled", unpriced=BROKE)
            raise
        kind: NoteKind = "restarted" if self._restarting else "continued"
        told = f"after {len(said.text)} characters of {self._broken.key}"
        work.note(Note(kind=kind, about=deployment.key, told=told))
        self._broken = deployment
        self._others = [one for one in self._others if one is not deployment]
        return msgspec.structs.replace(taken, first=self._mark(kind, deployment, said) + taken.first)

    async def _opened(
        self,
        deployment: Deployment,
        said: Said,
        encoder: StreamEncoder,
        opened: OpenAttempt,
        hold: Hold,
        asked: Request,
    ) -> Taken:
        failing = self._policy.failing
        asked, renamed = sendable(asked, deployment.dialect.name)
        request = deployment.dialect.encode_request(asked, deployment.target)
        opened.adaptations += (*renamed, *request.adaptations)
        patience = min(deployment.first_token or failing.first_token, self._work.left)
        answer = await answered(self._work, deployment, request.body, opened, patience)
        path = GoingOn(
            deployment.dialect.stream_decoder(deployment.target), encoder, said, AGAIN if self._restarting else ""
        )
        first = b""
        try:
            async with asyncio.timeout(patience):
                while not first and not path.complete:
                    data = await answer.next()
                    if not data:
                        raise StreamCut("The provider's stream ended before it began.")
                    first += path.feed(data)
        except TimeoutError:
            answer.abort()
            told = f"{deployment.model.name} brought nothing useful within {patience:g} s."
            raise UpstreamTimeout(told, "first_token") from None
        except BaseException:
            answer.abort()
            raise
        return Taken(path, opened, answer, hold, first, metered(self._work.kernel, opened, deployment))

    def _request(self, deployment: Deployment, said: Said) -> Request:
        """The question again; to go on, with what was said: as its own beginning where that is understood."""
        request = msgspec.structs.replace(self._work.request, source=None)
        if self._restarting or not said.text:
            return request
        begun = Message("assistant", (Text(said.text),))
        if PREFILL in deployment.target.quirks:
            return msgspec.structs.replace(request, messages=(*request.messages, begun))
        return msgspec.structs.replace(request, messages=(*request.messages, begun, Message("user", (Text(GO_ON),))))

    def _mark(self, kind: str, deployment: Deployment, said: Said) -> bytes:
        """A comment in the stream, which clients skip; only server-sent events have any."""
        if self._work.arrival.dialect.event_stream != "text/event-stream":
            return b""
        name = "".join(letter if letter.isprintable() else "?" for letter in deployment.key)
        return f": x-mesh-{kind}: {name} after {len(said.text)} characters\n\n".encode()

    def _nobody(self, why: str) -> Taken | None:
        self._work.note(Note(kind="not_resumed", about=self._broken.key, told=why))
        return None
