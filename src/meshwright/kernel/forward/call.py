"""Passing a request on as it is: where Meshwright adds nothing but its caller's name, limits and a line in the ledger.

The bytes of both bodies, the status and the query are the provider's and the client's own. The order is that of
`handle`: admit, choose, call, settle.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from meshwright.guards.rule import Rule
from meshwright.kernel.arrival import Failure, Flow
from meshwright.kernel.bounds import check_deployment
from meshwright.kernel.check import check_body, check_form, check_passed, check_unseen, rules_of
from meshwright.kernel.ending import Ending
from meshwright.kernel.failing import NO_USAGE, close_failed, refused
from meshwright.kernel.forward.target import FORM, JSON_KIND, Addressed, Parcel, addressed, boundary_of
from meshwright.kernel.forward.usage import Listening, usage_of
from meshwright.kernel.guarding import Guarding
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import OpenAttempt, Recording
from meshwright.kernel.set_aside import AROUND, enter, longest, promised, reserve
from meshwright.kernel.snapshot import Deployment
from meshwright.kernel.streams.stream import Stream
from meshwright.net.transport import Answer, Call, Endpoint
from meshwright.types.errors import InvalidRequest, MeshError, NotFound, PermissionDenied
from meshwright.types.request import Adaptation
from meshwright.types.usage import Usage
from meshwright.wire import CODECS

WHOLE = 1024 * 1024
"""An answer whose announced length is at most this is read before it is passed on, in bytes; others flow."""
MAX_COUNTED = 64 * 1024 * 1024
OPENAI = CODECS["openai_chat"]
EVENTS = "text/event-stream"
VECTORS = "/embeddings"
"""The one path here whose calls write nothing."""
_SAFE = "/:@!$&'()*+,;=-._~"
_FREE = frozenset({"GET", "HEAD", "DELETE"})


class Passed(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """The provider's answer: its status, all its headers, and its body, whole or on its way."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | Flow
    decision: str
    served: str
    adaptations: tuple[Adaptation, ...] = ()


async def forward(kernel: Kernel, parcel: Parcel) -> Passed | Failure:
    """Pass one request on. Whatever happens is on its trace, and in the journal before the answer's end is told.

    Raises what is nobody's fault but ours, and CancelledError when the client left.
    """
    recording = Recording(parcel.principal.id, "forward", f"{parcel.method} /v1{parcel.path}"[:300])
    with Ending(kernel, recording) as ending:
        kernel.journal.begin(recording.id, recording.at, recording.principal)
        recording.stage("admit")
        await enter(kernel, parcel.principal, recording)
        guarding = rules_of(kernel.snapshot, "", parcel.principal)
        if guarding is not None and parcel.body:
            parcel = msgspec.structs.replace(parcel, body=_checked(guarding, parcel, recording))
        to = addressed(kernel.snapshot, parcel)
        _check(kernel, parcel, to)
        if parcel.max_cost is not None and parcel.method not in _FREE:
            _check_cost(parcel, to)
        endpoint = _endpoint(to.deployment, parcel)
        recording.stage("route")
        answered = guarding is not None and guarding.answered
        passed = await _send(kernel, to.deployment, endpoint, parcel, to.body, recording, answered or ())
        ending.flowing = not isinstance(passed.body, bytes)
        if guarding is not None and answered and isinstance(passed.body, bytes) and passed.status < 400:
            passed = _gone_over(guarding, passed, recording)
        return passed
    return ending.failure()


def _checked(guarding: Guarding, parcel: Parcel, recording: Recording) -> bytes:
    """The body as it may go on. Raises Blocked."""
    if parcel.media == JSON_KIND:
        return check_body(guarding, parcel.body, recording)
    if parcel.media == FORM and (boundary := boundary_of(parcel.kind)):
        return check_form(guarding, parcel.body, boundary, recording)
    check_unseen(guarding.asked, f"a body of {parcel.media[:80] or 'unknown kind'}", "user", recording)
    return parcel.body


def _gone_over(guarding: Guarding, passed: Passed, recording: Recording) -> Passed:
    """An answer as it may leave. Raises Blocked; it has been paid for."""
    assert isinstance(passed.body, bytes)
    body = check_passed(guarding, passed.body, recording)
    if body is passed.body:
        return passed
    headers = tuple(one for one in passed.headers if one[0].lower() not in ("content-length", "etag", "content-md5"))
    return msgspec.structs.replace(passed, body=body, headers=headers)


def _readable(kind: str, coding: str) -> bool:
    """Whether guards can read an answer of this media type and coding, when all of it is there."""
    if coding not in ("", "identity"):
        return False
    if kind.startswith("text/"):
        return kind != EVENTS
    return kind == JSON_KIND or kind.endswith(("+json", "jsonl", "x-ndjson"))


def _check(kernel: Kernel, parcel: Parcel, to: Addressed) -> None:
    """Refuse what the caller may not use, or what nobody knows the model of while he may use some models only."""
    principal = parcel.principal
    if not to.asked and any(one.models for one in principal.bounds):
        raise PermissionDenied(
            "This key may use certain models only, and the request names none.", fix="Name a model, or use another key."
        )
    check_deployment(principal, to.deployment, costs=parcel.method not in _FREE)


def _check_cost(parcel: Parcel, to: Addressed) -> None:
    """A promise is kept for what is only read, and refused where nobody knows what it would hold for."""
    if parcel.path != VECTORS:
        raise InvalidRequest(
            "What a call that is passed on may cost cannot be told before: no max_cost can be promised for it.",
            field="x-mesh-max-cost",
            fix="Leave it out, or give the key a budget.",
        )
    promised(to.deployment.model, len(to.body) + AROUND, parcel.max_cost)


def _endpoint(deployment: Deployment, parcel: Parcel) -> Endpoint:
    """The address below the provider's own. Raises InvalidRequest for a path that could lead out of it, NotFound.

    The path was decoded before it was matched with an endpoint and its scope; it is encoded anew, so that the provider
    sees the path that was checked and no other.
    """
    for segment in parcel.path[1:].split("/"):
        if segment.partition(";")[0] in ("", ".", "..") or "\\" in segment or not segment.isprintable():
            raise InvalidRequest(
                "The path has an empty segment, one that is . or .., a backslash or a control character.",
                fix="Send the id as the provider gave it.",
            )
    if deployment.addressing.path_of is not None:
        raise NotFound(
            f"With an api_version {deployment.provider.name} has addresses of its own, which this one is not among.",
            fix=f"Leave api_version out of [providers.{deployment.provider.name}]: its newer API has OpenAI's paths.",
        )
    url = deployment.addressing.base + quote(parcel.path, safe=_SAFE)
    if parcel.query:
        url += "?" + parcel.query.replace("#", "%23")
    prepared = deployment.endpoint
    headers = tuple((name, value) for name, value in prepared.headers if name != "content-type")
    return Endpoint(url, headers, parcel.method, prepared.proxy, prepared.ca_file, once=True)


async def _send(
    kernel: Kernel,
    deployment: Deployment,
    endpoint: Endpoint,
    parcel: Parcel,
    body: bytes,
    recording: Recording,
    rules: Sequence[Rule],
) -> Passed:
    attempt = OpenAttempt(recording, deployment.model)
    if parcel.method not in _FREE:
        most = longest(kernel, deployment.model, recording.tab)
        await reserve(kernel, attempt, deployment.model, len(body) + AROUND, most)
    try:
        answer = await deployment.send(Call(endpoint, body, parcel.headers, deployment.whole))
        try:
            attempt.answering(answer.status)
            recording.stage("upstream")
            recording.status, recording.first_byte = answer.status, attempt.first_byte
            recording.served = attempt.model.name
            attempt.upstream_id = answer.headers.get("x-request-id", "")[:200]
            if 300 <= answer.status < 400 or answer.status in (401, 403):  # about us, and not about the request
                raise await refused(deployment, answer)
            return await _passed(kernel, parcel, answer, attempt, rules)
        except BaseException:
            answer.abort()
            raise
    except BaseException as error:
        close_failed(attempt, error, costs=parcel.method not in _FREE)
        raise


async def _passed(
    kernel: Kernel, parcel: Parcel, answer: Answer, attempt: OpenAttempt, rules: Sequence[Rule]
) -> Passed:
    headers = tuple(answer.headers.items())
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = answer.headers.get("content-length", "")
    counted = parcel.counts and kind == JSON_KIND
    recording = attempt.recording
    body: bytes | Flow
    read = _readable(kind, answer.headers.get("content-encoding", ""))
    if rules and not read and kind and answer.status < 400 and parcel.method != "HEAD":
        check_unseen(rules, f"an answer of {kind[:80]}", "answer", recording)
    short = length.isdigit() and int(length) <= WHOLE
    if (rules and read) or counted or answer.status >= 400 or parcel.method == "HEAD" or short:
        body = await answer.read(MAX_COUNTED)
        good = answer.status < 400
        usage = usage_of(body) if counted and good else None
        recording.outcome = "ok" if good else "upstream_error"
        attempt.close(usage, recording.outcome, unpriced="" if parcel.method in _FREE or not good else NO_USAGE)
    else:
        recording.stream = kind == EVENTS
        listening = Listening() if parcel.counts and recording.stream else None
        path = Verbatim(attempt.upstream_id, recording.stream, listening)
        unpriced = "" if parcel.method in _FREE else NO_USAGE
        body = Stream(kernel, path, attempt, answer, hold=None, unpriced=unpriced)
        await body.open()
    return Passed(status=answer.status, headers=headers, body=body, decision=recording.id, served=attempt.model.name)


class Verbatim:
    """The way of an answer that is passed on as it is (see `kernel.paths`): listened to, and nothing else."""

    ended = False
    complete = True
    """The connection alone says when it is over; the transport raises when it was cut."""
    failed = ""
    came_to: str | None = None
    adaptations: tuple[Adaptation, ...] = ()

    def __init__(self, upstream_id: str, events: bool, listening: Listening | None) -> None:
        self.upstream_id = upstream_id
        self._events = events
        self._listening = listening

    @property
    def usage(self) -> Usage | None:
        """The last that was told."""
        return self._listening.usage if self._listening is not None else None

    def feed(self, data: bytes) -> bytes:
        """The same bytes."""
        if self._listening is not None:
            self._listening.feed(data)
        return data

    def finish(self) -> bytes:
        """Nothing is owed."""
        return b""

    def fail(self, error: MeshError) -> bytes | None:
        """Events can say that it broke; of anything else the end must not look like one."""
        return b"\n\ndata: " + OPENAI.encode_error(error) + b"\n\n" if self._events else None
