"""Passing a request on as it is: where Meshwright adds nothing but its caller's name, limits and a line in the ledger.

The bytes of both bodies, the status and the query are the provider's and the client's own. The order is that of
`handle`: admit, choose, call, settle.
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from meshwright.kernel.arrival import Failure, Flow
from meshwright.kernel.forward_to import JSON_KIND, Parcel, addressed
from meshwright.kernel.forward_usage import Listening, usage_of
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import OpenAttempt, Recording
from meshwright.kernel.snapshot import Deployment
from meshwright.net.transport import Answer, Call, Endpoint
from meshwright.types.errors import (
    ConnectFailed,
    InvalidRequest,
    MeshError,
    StoreError,
    StreamCut,
    UpstreamError,
    UpstreamProtocol,
    UpstreamStatus,
)
from meshwright.types.usage import Usage
from meshwright.wire import CODECS

WHOLE = 1024 * 1024
"""An answer whose announced length is at most this is read before it is passed on, in bytes; others flow."""
MAX_COUNTED = 64 * 1024 * 1024
MAX_ERROR = 64 * 1024
NO_USAGE = "the provider told no usage"
BROKE = "the call broke off; the provider may charge for it"
LEFT = "the client left before the answer was complete"
EVENTS = "text/event-stream"
_SAFE = "/:@!$&'()*+,;=-._~"
_FREE = frozenset({"GET", "HEAD", "DELETE"})


class Passed(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """The provider's answer: its status, all its headers, and its body, whole or on its way."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | Flow
    decision: str
    served: str


async def forward(kernel: Kernel, parcel: Parcel) -> Passed | Failure:
    """Pass one request on. Whatever happens is on its trace, and in the journal before the answer's end is told.

    Raises what is nobody's fault but ours, and CancelledError when the client left.
    """
    recording = Recording(parcel.principal.id, "forward", f"{parcel.method} /v1{parcel.path}"[:300])
    flowing = False
    try:
        kernel.journal.begin(recording.id, recording.at, recording.principal)
        recording.stage("admit")
        to = addressed(kernel.snapshot, parcel)
        endpoint = _endpoint(to.deployment, parcel)
        recording.stage("route")
        passed = await _send(kernel, to.deployment, endpoint, parcel, to.body, recording)
        flowing = not isinstance(passed.body, bytes)
        return passed
    except MeshError as error:
        recording.failed(error)
        return Failure(error, recording.id)
    except BaseException as error:
        recording.failed(error)
        raise
    finally:
        if not flowing:
            kernel.settle(recording)


def _endpoint(deployment: Deployment, parcel: Parcel) -> Endpoint:
    """The address below the provider's own. Raises InvalidRequest for a path that could lead out of it.

    The path was decoded before it was matched with an endpoint and its scope; it is encoded anew, so that the provider
    sees the path that was checked and no other.
    """
    for segment in parcel.path[1:].split("/"):
        if segment.partition(";")[0] in ("", ".", "..") or "\\" in segment or not segment.isprintable():
            raise InvalidRequest(
                "The path has an empty segment, one that is . or .., a backslash or a control character.",
                fix="Send the id as the provider gave it.",
            )
    url = deployment.provider.base_url.rstrip("/") + quote(parcel.path, safe=_SAFE)
    if parcel.query:
        url += "?" + parcel.query.replace("#", "%23")
    prepared = deployment.endpoint
    headers = tuple((name, value) for name, value in prepared.headers if name != "content-type")
    return Endpoint(url, headers, parcel.method, prepared.proxy, prepared.ca_file, once=True)


async def _send(
    kernel: Kernel, deployment: Deployment, endpoint: Endpoint, parcel: Parcel, body: bytes, recording: Recording
) -> Passed:
    attempt = OpenAttempt(recording, deployment.model)
    try:
        answer = await deployment.transport.send(Call(endpoint, body, parcel.headers, deployment.deadlines))
        try:
            attempt.answering(answer.status)
            recording.stage("upstream")
            recording.status, recording.first_byte = answer.status, attempt.first_byte
            recording.served = attempt.model.name
            attempt.upstream_id = answer.headers.get("x-request-id", "")[:200]
            await _check(deployment, answer)
            return await _passed(kernel, parcel, answer, attempt)
        except BaseException:
            answer.abort()
            raise
    except UpstreamError as error:
        free = parcel.method in _FREE or isinstance(error, ConnectFailed | UpstreamStatus)
        attempt.close(None, error.code, error.message, unpriced="" if free else BROKE)
        raise
    except BaseException as error:
        fault = MeshError.code if isinstance(error, Exception) else "cancelled"
        attempt.close(None, error.code if isinstance(error, MeshError) else fault, str(error), unpriced=BROKE)
        raise


async def _check(deployment: Deployment, answer: Answer) -> None:
    """Raises UpstreamError for the answers that are about us and not about the request."""
    name = deployment.provider.name
    if 300 <= answer.status < 400:
        where = answer.headers.get("location", "nowhere")
        raise UpstreamProtocol(f"{name} redirects to {where[:200]}; redirects are not followed.")
    if answer.status in (401, 403):
        raise CODECS["openai_chat"].decode_error(answer.status, await answer.read(MAX_ERROR), None)


async def _passed(kernel: Kernel, parcel: Parcel, answer: Answer, attempt: OpenAttempt) -> Passed:
    headers = tuple(answer.headers.items())
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = answer.headers.get("content-length", "")
    counted = parcel.counts and kind == JSON_KIND
    recording = attempt.recording
    body: bytes | Flow
    if counted or answer.status >= 400 or parcel.method == "HEAD" or (length.isdigit() and int(length) <= WHOLE):
        body = await answer.read(MAX_COUNTED)
        usage = usage_of(body) if counted and answer.status < 400 else None
        _close(attempt, parcel, answer.status, usage)
    else:
        recording.stream = kind == EVENTS
        listening = Listening() if parcel.counts and recording.stream else None
        body = Passing(kernel, parcel, answer, attempt, listening)
        await body.open()
    return Passed(status=answer.status, headers=headers, body=body, decision=recording.id, served=attempt.model.name)


def _close(attempt: OpenAttempt, parcel: Parcel, status: int, usage: Usage | None) -> None:
    """The attempt is over, and the provider has answered all of it."""
    free = parcel.method in _FREE or status >= 400
    outcome = "ok" if status < 400 else "upstream_error"
    attempt.close(usage, outcome, unpriced="" if free else NO_USAGE)
    attempt.recording.outcome = outcome


class Passing:
    """An answer on its way, as it comes. It settles itself: at its end, at a break, or when the client leaves."""

    def __init__(
        self, kernel: Kernel, parcel: Parcel, answer: Answer, attempt: OpenAttempt, listening: Listening | None
    ) -> None:
        self._kernel, self._parcel, self._answer, self._attempt = kernel, parcel, answer, attempt
        self._listening = listening
        self._recording = attempt.recording
        self._first = b""
        self._over = False

    async def open(self) -> None:
        """Wait for the first bytes: what breaks before them is an error with a status of its own."""
        self._first = await self._answer.next()
        self._recording.first_byte = self._recording.elapsed()
        if not self._first:
            self._end()

    async def next(self) -> bytes:
        """The next bytes, b"" at the end."""
        data, self._first = self._first, b""
        if self._over:
            return b""
        if not data:
            try:
                data = await self._answer.next()
            except UpstreamError as error:
                return self._broken(error)
        if not data:
            self._end()
        elif self._listening is not None:
            self._listening.feed(data)
        return data

    def _end(self) -> None:
        self._over = True
        usage = self._listening.usage if self._listening is not None else None
        _close(self._attempt, self._parcel, self._answer.status, usage)
        try:
            self._kernel.settle(self._recording)
        except StoreError:
            self._answer.abort()
            raise

    def _broken(self, error: UpstreamError) -> bytes:
        """It broke after it had begun. Events can say so; of anything else the end must not look like one."""
        self._stop(error, error.code, BROKE)
        if self._recording.stream:
            return self._said(error)
        raise StreamCut(f"The provider's answer broke off: {error.message}")

    def abort(self) -> None:
        """The client left: stop the provider, settle."""
        if not self._over:
            self._stop(GeneratorExit(), "cancelled", LEFT)

    def cut(self, error: MeshError) -> bytes:
        """The gateway breaks it off: the same, and the in-band error where there can be one."""
        if not self._over:
            self._stop(GeneratorExit(error.message), "cancelled", BROKE)
        elif not isinstance(error, StoreError):
            return b""
        return self._said(error) if self._recording.stream else b""

    def _said(self, error: MeshError) -> bytes:
        return b"\n\ndata: " + CODECS["openai_chat"].encode_error(error) + b"\n\n"

    def _stop(self, why: BaseException, outcome: str, unpriced: str) -> None:
        self._over = True
        self._answer.abort()
        self._recording.failed(why)
        usage = self._listening.usage if self._listening is not None else None
        self._attempt.close(usage, outcome, str(why), unpriced="" if usage else unpriced)
        self._kernel.settle(self._recording)
