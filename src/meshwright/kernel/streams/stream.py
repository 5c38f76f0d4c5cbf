"""An answer in pieces, from its first bytes to its end; it settles itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from meshwright.kernel.arrival import Arrival
from meshwright.kernel.failing import BROKE, CUT, LEFT, LOST, NO_USAGE, PASSED
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import OpenAttempt
from meshwright.kernel.shaped import formed, verdict
from meshwright.kernel.signals import Hold
from meshwright.kernel.snapshot import Deployment
from meshwright.kernel.streams.listening import Listening
from meshwright.kernel.streams.metering import Meter, metered
from meshwright.kernel.streams.paths import PassedThrough, Path, Translated
from meshwright.net.transport import Answer
from meshwright.types.errors import (
    LimitReached,
    MeshError,
    StoreError,
    StreamCut,
    UpstreamError,
    UpstreamProtocol,
    UpstreamTimeout,
)
from meshwright.wire.sse import UNSOUND

MOST = 8 * 1024 * 1024
"""Bytes that are kept of a stream which somebody else may have to go on with; of a longer one nobody can."""


class Taken(msgspec.Struct, frozen=True, eq=False):
    """What goes on with a stream that broke: another attempt, with its first bytes for the client."""

    path: Path
    attempt: OpenAttempt
    answer: Answer
    hold: Hold
    first: bytes
    meter: Meter | None = None


Rescue = Callable[["Stream", UpstreamError], Awaitable[Taken | None]]
"""Finds somebody to go on; None when nobody can."""


class Stream:
    """One answer on its way to one client. It settles itself: at its end, at a break, or when the client leaves.

    `hold` hears how the deployment did; None where the answer says nothing of that. `unpriced` is why the cost of a
    complete answer without usage is not known, "" when nothing is owed. `finishes`: the answer is read to its end when
    the client leaves.
    """

    def __init__(
        self,
        kernel: Kernel,
        path: Path,
        attempt: OpenAttempt,
        answer: Answer,
        *,
        hold: Hold | None,
        unpriced: str = NO_USAGE,
        rescue: Rescue | None = None,
        finishes: bool = False,
        meter: Meter | None = None,
    ) -> None:
        self.path = path
        self.kept: list[bytes] = []
        """What the provider sent and the client has, while a rescue may need it."""
        self._kernel = kernel
        self._attempt = attempt
        self._recording = attempt.recording
        self._answer = answer
        self._hold = hold
        self._unpriced = unpriced
        self._rescue = rescue
        self._finishes = finishes
        self._meter = meter
        self._size = 0
        self._first = b""
        self._over = False
        self._closed = False

    async def open(self, useful: re.Pattern[bytes] | None = None) -> None:
        """Wait for the first bytes that are for the client, and for something `useful` among them.

        Until then, whatever breaks is an UpstreamError.
        """
        while not self._over:
            data = await self._answer.next()
            if not data and not self.path.complete:
                raise StreamCut("The provider's stream ended before it began.")
            self._first += self.path.feed(data) if data else self._end()
            if self._meter is not None and not self.path.ended:
                await self._meter.hear(data)
            if self.path.failed:
                raise UpstreamProtocol(f"The provider's stream began with an error: {self.path.failed}")
            if self._rescue is not None and data:
                self._keep(data)
            if self._first and (useful is None or self.path.complete or useful.search(data)):
                break
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
                piece = self.path.feed(data) if data else self._end()
                if self._rescue is not None:
                    if self.path.ended and self.path.failed not in ("", UNSOUND):
                        raise UpstreamProtocol(f"The provider's stream ended in an error: {self.path.failed}")
                    self._keep(data)
                if self._meter is not None and not self.path.ended:
                    await self._meter.hear(data)
            except LimitReached as error:
                self._stop(error, error.code, error.message, PASSED)
                return self._said(error)
            except UpstreamError as error:
                if self._was_all(error):
                    return self._finish()
                if piece := await self._broken(error):
                    return piece
                continue
            if self.path.ended:
                self._close_if_ended()
            if piece:
                return piece
        return b""

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        self.kept.append(data)
        if self._size > MOST:
            self._rescue, self.kept = None, []

    def _end(self) -> bytes:
        """The connection says that it was all. If the dialect does not, it was cut."""
        if not self.path.complete:
            raise StreamCut("The provider's stream ended before the answer was complete.")
        return self._finish()

    def _was_all(self, error: UpstreamError) -> bool:
        """Whether the connection broke when the provider had said how the answer ended, and owed its end mark only."""
        said = self.path.complete and self.path.came_to is not None
        return said and not self.path.failed and isinstance(error, StreamCut | UpstreamTimeout)

    def _finish(self) -> bytes:
        piece = self.path.finish()
        self._close()
        return piece

    def _close_if_ended(self) -> None:
        if self.path.ended and not self._over:
            self._close()

    def _close(self) -> None:
        """All is there: settle before the last bytes leave, and let the connection end in its own time."""
        self._over = True
        failed = self.path.failed
        if self._hold is not None:
            if failed:
                self._hold.let_go()
            else:
                self._hold.answered(self.path.usage)
        try:
            self._settle("ok" if not failed else "upstream_error", failed, self._unpriced)
        except StoreError:
            self._answer.abort()
            raise
        self._answer.release()

    async def _broken(self, error: UpstreamError) -> bytes:
        """It broke after it had begun: somebody goes on, or say so in the client's dialect. Never a clean finish."""
        if self._hold is not None:
            self._hold.failed(error)
        self._answer.abort()
        self._end_attempt(error.code, error.message, BROKE)
        taken = await self._rescue(self, error) if self._rescue is not None else None
        if taken is not None:
            self.path, self._attempt, self._answer, self._hold = taken.path, taken.attempt, taken.answer, taken.hold
            self._meter = taken.meter
            self._closed = False
            self._recording.served = taken.attempt.model.name
            if self.path.ended:
                self._close()
            return taken.first
        self._stop(error, error.code, error.message, BROKE)
        return self._said(error)

    def _said(self, error: MeshError) -> bytes:
        """The in-band error. Raises StreamCut where there is no way to say it."""
        said = self.path.fail(error)
        if said is None:
            raise StreamCut(f"The provider's answer broke off: {error.message}")
        return said

    def abort(self) -> None:
        """The client left: stop the provider, settle; or hear it out first, where it charges for all of it anyway."""
        if self._over:
            return
        if self._finishes and not self._closed:
            self._over = True
            if self._kernel.aside.start(self._hear_out()):
                return
        self._stop(GeneratorExit(), "cancelled", "", LEFT)

    def drop(self) -> None:
        """Another answer won: stop this one, and write its attempt down. The request goes on."""
        if not self._over:
            self._over = True
            self._answer.abort()
            if self._hold is not None:
                self._hold.let_go()
            self._end_attempt("cancelled", "", LOST)

    async def _hear_out(self) -> None:
        """Read what nobody waits for any more, for its usage."""
        try:
            while not self.path.ended and (data := await self._answer.next()):
                self.path.feed(data)
        except UpstreamError:
            pass  # then its usage stays unknown
        finally:
            self._stop(GeneratorExit(), "cancelled", "", LEFT)

    def cut(self, error: MeshError) -> bytes:
        """We break it off ourselves: stop the provider, settle if that is not done; gives the in-band error."""
        if not self._over:
            self._stop(GeneratorExit(error.message), "cancelled", "", CUT)
        elif not isinstance(error, StoreError):
            return b""  # all of it is on its way to the client
        return self.path.fail(error) or b""

    def _stop(self, why: BaseException, outcome: str, error: str, unpriced: str) -> None:
        self._over = True
        self._answer.abort()
        if self._hold is not None:
            self._hold.let_go()
        self._recording.failed(why)
        self._settle(outcome, error, unpriced)

    def _end_attempt(self, outcome: str, error: str, unpriced: str) -> None:
        """Write the attempt down, once."""
        if self._closed:
            return
        self._closed = True
        self._attempt.upstream_id = self.path.upstream_id
        self._attempt.finish = self.path.came_to or ""
        self._attempt.adaptations += self.path.adaptations
        usage = self.path.usage
        self._attempt.close(usage, outcome, error, unpriced="" if usage else unpriced)

    def _settle(self, outcome: str, error: str, unpriced: str) -> None:
        self._end_attempt(outcome, error, unpriced)
        if outcome != "ok" and self._recording.outcome == "ok":
            self._recording.outcome, self._recording.error = outcome, error[:2000]
        self._kernel.settle(self._recording)


async def open_flow(
    kernel: Kernel,
    deployment: Deployment,
    arrival: Arrival,
    attempt: OpenAttempt,
    answer: Answer,
    hold: Hold,
    first_token: float | None = None,
    rescue: Rescue | None = None,
) -> Stream:
    """A stream whose first bytes are there. Raises UpstreamError while another model can still take over.

    `first_token`: seconds since the attempt began in which something useful must have come.
    """
    same = deployment.dialect is arrival.dialect
    path: Path = PassedThrough(deployment, arrival) if same else Translated(deployment, arrival, attempt.recording)
    request = arrival.request
    if formed(request) or request.tools:
        told = partial(verdict, attempt.recording, request, model=deployment.model.name)
        path = Listening(path, deployment.dialect.stream_decoder(deployment.target), told)
    meter = metered(kernel, attempt, deployment)
    stream = Stream(kernel, path, attempt, answer, hold=hold, rescue=rescue, finishes=deployment.finishes, meter=meter)
    # Who may have to be gone on with must have said something: an encoder cannot be told of what has no words.
    useful = deployment.dialect.useful if first_token is not None or rescue is not None else None
    if first_token is None:
        await stream.open(useful)
    else:
        try:
            async with asyncio.timeout(max(0.0, hold.began + first_token - kernel.signals.now())):
                await stream.open(useful)
        except TimeoutError:
            told_by = f"{deployment.model.name} brought nothing useful within {first_token:g} s"
            raise UpstreamTimeout(f"{told_by}.", "first_token") from None
    hold.first = kernel.signals.now() - hold.began
    hold.flowing = True
    return stream
