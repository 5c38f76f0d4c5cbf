"""An answer in pieces: passed through when both sides speak the same dialect, translated when they do not."""

from __future__ import annotations

from meshwright.kernel.arrival import Arrival
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import OpenAttempt, Recording
from meshwright.kernel.snapshot import Deployment
from meshwright.net.transport import Answer
from meshwright.types.errors import MeshError, StoreError, StreamCut, UpstreamError, UpstreamProtocol
from meshwright.types.request import Adaptation
from meshwright.types.response import Began, Delta, Ended, Failed, Finished, UsageDelta
from meshwright.types.usage import Usage
from meshwright.wire.dialect import StreamEncoder

NO_USAGE = "the provider told no usage"
LEFT = "the client left before the provider told the usage"
CUT = "the gateway was stopped before the provider told the usage"


class PassedThrough:
    """Same dialect on both sides: the provider's bytes, whole events only, listened to on their way."""

    def __init__(self, deployment: Deployment, arrival: Arrival) -> None:
        self._tap = deployment.dialect.tap(arrival.request)
        self._encoder = deployment.dialect.stream_encoder(arrival.request)

    def feed(self, data: bytes) -> bytes:
        """The client's bytes."""
        return self._tap.feed(data)

    @property
    def ended(self) -> bool:
        """The end mark has passed. A failure that the provider reported in-band has passed through as it was."""
        return self._tap.ended

    @property
    def complete(self) -> bool:
        """Nothing is missing, though the end mark may be."""
        return self._tap.ended or self._tap.finish is not None

    @property
    def failed(self) -> str:
        """An in-band error's message."""
        return self._tap.failed

    @property
    def usage(self) -> Usage | None:
        """The provider's count."""
        return self._tap.usage

    @property
    def upstream_id(self) -> str:
        """The provider's id of the answer."""
        return self._tap.id

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """Nothing is translated, nothing is adapted."""
        return ()

    def fail(self, error: MeshError) -> bytes:
        """The in-band error."""
        return self._encoder.fail(error)

    def finish(self) -> bytes:
        """What is still owed to the client when the provider left out the end mark."""
        return b"" if self._tap.ended else self._encoder.feed((Ended(),))


class Translated:
    """Two dialects: events to deltas to events."""

    def __init__(self, deployment: Deployment, arrival: Arrival) -> None:
        self._decoder = deployment.dialect.stream_decoder(deployment.target)
        self._encoder: StreamEncoder = arrival.dialect.stream_encoder(arrival.request)
        self.usage: Usage | None = None
        self.upstream_id = ""
        self.failed = ""
        self.ended = False
        self.complete = False

    def feed(self, data: bytes) -> bytes:
        """The client's bytes."""
        deltas = self._decoder.feed(data)
        for delta in deltas:
            self._note(delta)
        return self._encoder.feed(deltas) if deltas else b""

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """What the client's dialect could not carry so far."""
        return tuple(self._encoder.adaptations)

    def _note(self, delta: Delta) -> None:
        if isinstance(delta, UsageDelta):
            self.usage = delta.usage
        elif isinstance(delta, Began):
            self.upstream_id = delta.id
            self.usage = delta.usage or self.usage
        elif isinstance(delta, Finished):
            self.complete = True
        elif isinstance(delta, Failed):
            self.failed = delta.message
            self.ended = True
        elif isinstance(delta, Ended):
            self.ended = self.complete = True

    def fail(self, error: MeshError) -> bytes:
        """The in-band error."""
        return self._encoder.fail(error)

    def finish(self) -> bytes:
        """The client's end mark when the provider left out its own."""
        return b"" if self.ended else self._encoder.feed((Ended(),))


class Stream:
    """One answer on its way to one client. It settles itself: at its end, at a break, or when the client leaves."""

    def __init__(
        self,
        kernel: Kernel,
        path: PassedThrough | Translated,
        recording: Recording,
        attempt: OpenAttempt,
        answer: Answer,
    ) -> None:
        self._kernel = kernel
        self._path = path
        self._recording = recording
        self._attempt = attempt
        self._answer = answer
        self._first = b""
        self._over = False

    async def open(self) -> None:
        """Wait for the first bytes that are for the client. Until then, whatever breaks is an UpstreamError."""
        while not self._first:
            data = await self._answer.next()
            if not data:
                raise StreamCut("The provider's stream ended before it began.")
            self._first = self._path.feed(data)
            if self._path.failed:
                raise UpstreamProtocol(f"The provider's stream began with an error: {self._path.failed}")
        self._recording.first_byte = self._recording.elapsed()
        self._recording.served = self._attempt.model.name
        self._recording.stage("first_byte")
        self._close_if_ended()

    async def next(self) -> bytes:
        """The next bytes for the client, b"" at the end."""
        if self._first:
            first, self._first = self._first, b""
            return first
        while not self._over:
            try:
                data = await self._answer.next()
                piece = self._path.feed(data) if data else self._end()
            except UpstreamError as error:
                return self._broken(error)
            self._close_if_ended()
            if piece:
                return piece
        return b""

    def _end(self) -> bytes:
        """The connection says that it was all. If the dialect does not, it was cut."""
        if not self._path.complete:
            raise StreamCut("The provider's stream ended before the answer was complete.")
        piece = self._path.finish()
        self._close()
        return piece

    def _close_if_ended(self) -> None:
        if self._path.ended and not self._over:
            self._close()

    def _close(self) -> None:
        """All is there: settle before the last bytes leave, and let the connection end in its own time."""
        self._over = True
        failed = self._path.failed
        try:
            self._settle("ok" if not failed else "upstream_error", failed, NO_USAGE)
        except StoreError:
            self._answer.abort()
            raise
        if not failed:
            name, began = self._attempt.model.name, self._attempt.began
            first = None if self._recording.first_byte is None else self._recording.first_byte - began
            self._kernel.signals.answered(name, first, self._recording.elapsed() - began)
        self._answer.release()

    def _broken(self, error: UpstreamError) -> bytes:
        """It broke after it had begun: say so in the client's dialect. Never a clean finish."""
        self._over = True
        self._answer.abort()
        self._kernel.signals.failed(self._attempt.model.name, error)
        self._recording.failed(error)
        self._settle(error.code, error.message, "the stream broke before the provider told the usage")
        return self._path.fail(error)

    def abort(self) -> None:
        """The client left: stop the provider, settle."""
        if not self._over:
            self._stop(GeneratorExit(), LEFT)

    def cut(self, error: MeshError) -> bytes:
        """We break it off ourselves: stop the provider, settle if that is not done; gives the in-band error."""
        if not self._over:
            self._stop(GeneratorExit(error.message), CUT)
        elif not isinstance(error, StoreError):
            return b""  # all of it is on its way to the client
        return self._path.fail(error)

    def _stop(self, why: GeneratorExit, unpriced: str) -> None:
        self._over = True
        self._answer.abort()
        self._recording.failed(why)
        self._settle("cancelled", "", unpriced)

    def _settle(self, outcome: str, error: str, unpriced: str) -> None:
        self._attempt.upstream_id = self._path.upstream_id
        self._attempt.adaptations += self._path.adaptations
        usage = self._path.usage
        self._attempt.close(usage, outcome, error, unpriced="" if usage else unpriced)
        if outcome != "ok" and self._recording.outcome == "ok":
            self._recording.outcome, self._recording.error = outcome, error[:2000]
        self._kernel.settle(self._recording)


async def open_flow(
    kernel: Kernel, deployment: Deployment, arrival: Arrival, recording: Recording, attempt: OpenAttempt, answer: Answer
) -> Stream:
    """A stream whose first bytes are there. Raises UpstreamError while another model can still take over."""
    same = deployment.dialect is arrival.dialect
    path = PassedThrough(deployment, arrival) if same else Translated(deployment, arrival)
    stream = Stream(kernel, path, recording, attempt, answer)
    await stream.open()
    return stream
