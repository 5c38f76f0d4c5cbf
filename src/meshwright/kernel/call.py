"""Running a decision's plan: one model after the other, until one answers."""

from __future__ import annotations

import asyncio

from meshwright.kernel.arrival import Arrival, Receipt, Reply, Streaming, Whole
from meshwright.kernel.failing import BROKE, NO_USAGE, another_may_help, free, refused
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import OpenAttempt, Recording
from meshwright.kernel.snapshot import Deployment, Snapshot
from meshwright.kernel.stream import open_flow
from meshwright.net.transport import Call
from meshwright.types.errors import MeshError, NotCarried, UpstreamError
from meshwright.types.response import Response
from meshwright.wire.dialect import Encoded
from meshwright.wire.fold import unfold

MAX_ANSWER = 64 * 1024 * 1024
HELD_ELSEWHERE = frozenset({"conversation", "previous_response_id", "prompt", "thread"})
"""What a request names instead of sending it. Dropped, the model would answer to a conversation without its beginning,
and nobody would see why: that is refused, strict or not."""


async def call(kernel: Kernel, snapshot: Snapshot, arrival: Arrival, recording: Recording) -> Reply:
    """The first good answer of the plan's models. Raises the last UpstreamError when none answers, and NotCarried."""
    assert recording.decision is not None
    models = recording.decision.plan.models
    for position, name in enumerate(models):
        deployment = snapshot.deployment(name)
        assert deployment is not None  # the router only names models that it was given
        attempt = OpenAttempt(recording, deployment.model)
        try:
            return await _attempt(kernel, deployment, arrival, recording, attempt)
        except UpstreamError as error:
            kernel.signals.failed(name, error)
            attempt.close(None, error.code, error.message, unpriced="" if free(error) else BROKE)
            if position + 1 == len(models) or not another_may_help(error):
                raise _told(error, recording) from None
        except asyncio.CancelledError:
            attempt.close(None, "cancelled", unpriced=BROKE)
            raise
        except NotCarried:
            raise  # it was never asked
        except Exception as error:
            code = error.code if isinstance(error, MeshError) else MeshError.code
            attempt.close(None, code, f"{type(error).__name__}: {error}", unpriced=BROKE)
            raise
    raise AssertionError("a plan has at least one model")


async def _attempt(
    kernel: Kernel, deployment: Deployment, arrival: Arrival, recording: Recording, attempt: OpenAttempt
) -> Reply:
    deployment = deployment.speaking(arrival.dialect)
    dialect, target = deployment.dialect, deployment.target
    encoded = dialect.encode_request(arrival.request, target)
    attempt.adaptations = encoded.adaptations
    if encoded.adaptations:
        _check_carried(arrival, deployment.model.name, attempt)
    forward = arrival.forward if dialect is arrival.dialect else ()
    endpoint = deployment.at(arrival.request.stream)
    answer = await deployment.transport.send(Call(endpoint, encoded.body, forward, deployment.deadlines))
    try:
        attempt.answering(answer.status)
        if answer.status != 200:
            raise await refused(deployment, answer)
        recording.stage("upstream")
        # Only what calls itself JSON is taken for an answer in one piece: some servers and proxies mislabel streams.
        if arrival.request.stream and not answer.headers.get("content-type", "").startswith("application/json"):
            flow = await open_flow(kernel, deployment, arrival, attempt, answer)
            return Streaming(flow, _receipt(attempt))
        body = await answer.read(MAX_ANSWER)
        response = dialect.decode_response(body, target)
        ready = _encoded(arrival, response)
    except BaseException:
        answer.abort()
        raise
    attempt.adaptations += ready.adaptations
    _succeeded(kernel, recording, attempt, response)
    return Whole(response, ready.body, _receipt(attempt))


def _check_carried(arrival: Arrival, model: str, attempt: OpenAttempt) -> None:
    """Raises NotCarried for what may not be adapted: anything in strict mode, a conversation held elsewhere always."""
    held = [one for one in attempt.adaptations if one.action == "dropped" and one.field in HELD_ELSEWHERE]
    if not held and not arrival.strict:
        return
    first = (held or attempt.adaptations)[0]
    attempt.close(None, "not_carried")
    raise NotCarried(
        f"{model} cannot take {first.field} as it is: {first.reason.removesuffix('.')}.",
        field=first.field,
        fix="Send the whole conversation." if held else "Leave it out, ask another model, or leave out x-mesh-strict.",
    )


def _encoded(arrival: Arrival, response: Response) -> Encoded:
    """The answer for this client. A provider that answered a stream's request in one piece is streamed from here."""
    if not arrival.request.stream:
        return arrival.dialect.encode_response(response, arrival.request)
    encoder = arrival.dialect.stream_encoder(arrival.request)
    body = encoder.feed(unfold(response))
    return Encoded(body, tuple(encoder.adaptations))


def _succeeded(kernel: Kernel, recording: Recording, attempt: OpenAttempt, response: Response) -> None:
    attempt.upstream_id = response.id
    recording.served = attempt.model.name
    recording.first_byte = attempt.first_byte
    attempt.close(response.usage, unpriced="" if response.usage else NO_USAGE)
    kernel.signals.answered(attempt.model.name, None, recording.elapsed() - attempt.began)


def _receipt(attempt: OpenAttempt) -> Receipt:
    return Receipt(attempt.recording.id, attempt.model.name, attempt.adaptations)


def _told(error: UpstreamError, recording: Recording) -> UpstreamError:
    """The last error, telling of the others when there were any."""
    others = [f"{attempt.model}: {attempt.outcome}" for attempt in recording.attempts]
    if len(others) > 1:
        error.message = f"{error.message} (All of {', '.join(others)}.)"
    return error
