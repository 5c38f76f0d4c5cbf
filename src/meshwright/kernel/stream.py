"""An answer in pieces, from its first bytes to its end; it settles itself."""

from __future__ import annotations

from functools import partial

from meshwright.kernel.arrival import Arrival
from meshwright.kernel.failing import BROKE, CUT, LEFT, NO_USAGE
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.listening import Listening
from meshwright.kernel.paths import PassedThrough, Path, Translated
from meshwright.kernel.record import OpenAttempt
from meshwright.kernel.shaped import formed, verdict
from meshwright.kernel.signals import Signals
from meshwright.kernel.snapshot import Deployment
from meshwright.net.transport import Answer
from meshwright.types.errors import MeshError, StoreError, StreamCut, UpstreamError, UpstreamProtocol


class Stream:
    """One answer on its way to one client. It settles itself: at its end, at a break, or when the client leaves.

    `signals` hear how the model did; None where the answer says nothing of that. `unpriced` is why the cost of a
    complete answer without usage is not known, "" when nothing is owed.
    """

    def __init__(
        self,
        kernel: Kernel,
        path: Path,
        attempt: OpenAttempt,
        answer: Answer,
        *,
        signals: Signals | None,
        unpriced: str = NO_USAGE,
    ) -> None:
        self._kernel = kernel
        self._path = path
        self._attempt = attempt
        self._recording = attempt.recording
        self._answer = answer
        self._signals = signals
        self._unpriced = unpriced
        self._first = b""
        self._over = False

    async def open(self) -> None:
        """Wait for the first bytes that are for the client. Until then, whatever breaks is an UpstreamError."""
        while not self._first and not self._over:
            data = await self._answer.next()
            if not data and not self._path.complete:
                raise StreamCut("The provider's stream ended before it began.")
            self._first = self._path.feed(data) if data else self._end()
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
            if self._path.ended:
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
            self._settle("ok" if not failed else "upstream_error", failed, self._unpriced)
        except StoreError:
            self._answer.abort()
            raise
        if self._signals is not None and not failed:
            name, began = self._attempt.model.name, self._attempt.began
            first = None if self._recording.first_byte is None else self._recording.first_byte - began
            self._signals.answered(name, first, self._recording.elapsed() - began)
        self._answer.release()

    def _broken(self, error: UpstreamError) -> bytes:
        """It broke after it had begun: say so in the client's dialect. Never a clean finish."""
        if self._signals is not None:
            self._signals.failed(self._attempt.model.name, error)
        self._stop(error, error.code, error.message, BROKE)
        said = self._path.fail(error)
        if said is None:
            raise StreamCut(f"The provider's answer broke off: {error.message}")
        return said

    def abort(self) -> None:
        """The client left: stop the provider, settle."""
        if not self._over:
            self._stop(GeneratorExit(), "cancelled", "", LEFT)

    def cut(self, error: MeshError) -> bytes:
        """We break it off ourselves: stop the provider, settle if that is not done; gives the in-band error."""
        if not self._over:
            self._stop(GeneratorExit(error.message), "cancelled", "", CUT)
        elif not isinstance(error, StoreError):
            return b""  # all of it is on its way to the client
        return self._path.fail(error) or b""

    def _stop(self, why: BaseException, outcome: str, error: str, unpriced: str) -> None:
        self._over = True
        self._answer.abort()
        self._recording.failed(why)
        self._settle(outcome, error, unpriced)

    def _settle(self, outcome: str, error: str, unpriced: str) -> None:
        self._attempt.upstream_id = self._path.upstream_id
        self._attempt.adaptations += self._path.adaptations
        usage = self._path.usage
        self._attempt.close(usage, outcome, error, unpriced="" if usage else unpriced)
        if outcome != "ok" and self._recording.outcome == "ok":
            self._recording.outcome, self._recording.error = outcome, error[:2000]
        self._kernel.settle(self._recording)


async def open_flow(
    kernel: Kernel, deployment: Deployment, arrival: Arrival, attempt: OpenAttempt, answer: Answer
) -> Stream:
    """A stream whose first bytes are there. Raises UpstreamError while another model can still take over."""
    same = deployment.dialect is arrival.dialect
    path: Path = PassedThrough(deployment, arrival) if same else Translated(deployment, arrival)
    request = arrival.request
    if formed(request) or request.tools:
        told = partial(verdict, attempt.recording, request, model=deployment.model.name)
        path = Listening(path, deployment.dialect.stream_decoder(deployment.target), told)
    stream = Stream(kernel, path, attempt, answer, signals=kernel.signals)
    await stream.open()
    return stream
