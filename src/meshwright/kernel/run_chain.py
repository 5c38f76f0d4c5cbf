"""A chain: one model after the other, until one answers."""

from __future__ import annotations

import asyncio
from time import time

from meshwright.kernel.arrival import Arrival, Receipt, Reply, Streaming, Whole
from meshwright.kernel.failing import BROKE, NO_USAGE, another_may_help, free, refused
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.paths import lost_words
from meshwright.kernel.record import OpenAttempt, Recording
from meshwright.kernel.set_aside import set_aside
from meshwright.kernel.snapshot import Deployment
from meshwright.kernel.stream import open_flow
from meshwright.kernel.work import Run, Work, encoded
from meshwright.ledger.own_limits import own_headers
from meshwright.net.transport import Call
from meshwright.routing.choose import ineligible
from meshwright.routing.policy import UNSEEN, Policy
from meshwright.types.decision import Note, Plan
from meshwright.types.errors import LimitReached, MeshError, NoCandidate, NotCarried, UpstreamError
from meshwright.types.response import Response
from meshwright.wire.rate_limits import rate_headers

MAX_ANSWER = 64 * 1024 * 1024
HELD_ELSEWHERE = frozenset({"conversation", "previous_response_id", "prompt", "thread"})
"""What a request names instead of sending it. Dropped, the model would answer to a conversation without its beginning,
and nobody would see why: that is refused, strict or not."""


async def run_chain(work: Work, plan: Plan, policy: Policy, run: Run) -> Reply:
    """The first good answer. Raises the last UpstreamError when none answers, NotCarried, and NoCandidate."""
    failed: UpstreamError | None = None
    short: LimitReached | None = None
    passed: dict[str, str] = {}
    for name in plan.models:
        deployment = work.snapshot.deployment(name)
        assert deployment is not None  # the router only names models that it was given
        # The decision is fresh for the first call of all; after that, things may have changed.
        if work.recording.attempts and (reason := _no_longer(work, deployment, policy)):
            passed[name] = reason
            work.note(Note(kind="passed_over", about=name, told=reason))
            continue
        attempt = OpenAttempt(work.recording, deployment.model, work.role)
        try:
            await set_aside(work, deployment.model, attempt)
        except LimitReached as error:  # another one may be cheaper
            short = error
            work.note(Note(kind="passed_over", about=name, told=error.message))
            continue
        try:
            return await _attempt(work.kernel, deployment, work.arrival, work.recording, attempt)
        except UpstreamError as error:
            work.kernel.signals.failed(name, error)
            attempt.close(None, error.code, error.message, unpriced="" if free(error) else BROKE)
            failed = error
            if not another_may_help(error):
                break
        except asyncio.CancelledError:
            attempt.close(None, "cancelled", unpriced=BROKE)
            raise
        except NotCarried:
            raise  # the attempt is closed: the model was never asked, or its answer has been counted
        except Exception as error:
            code = error.code if isinstance(error, MeshError) else MeshError.code
            attempt.close(None, code, f"{type(error).__name__}: {error}", unpriced=BROKE)
            raise
    if failed is not None:
        raise _told(failed, work.recording) from None
    if short is not None:
        raise short
    told = "; ".join(f"{name}: {reason}" for name, reason in passed.items())
    raise NoCandidate(f"No model is left that can serve this request: {told}.", passed, fix="Ask again in a while.")


def _no_longer(work: Work, deployment: Deployment, policy: Policy) -> str:
    """Why a fallback may not be asked after all; the filters once more, with the signals of now."""
    decision = work.recording.decision
    if decision is None or decision.features is None:
        return ""
    signal = work.kernel.signals.read().get(deployment.model.name, UNSEEN)
    return ineligible(deployment.model, decision.features, policy, signal)


async def _attempt(
    kernel: Kernel, deployment: Deployment, arrival: Arrival, recording: Recording, attempt: OpenAttempt
) -> Reply:
    deployment = deployment.speaking(arrival.dialect)
    dialect, target = deployment.dialect, deployment.target
    request = dialect.encode_request(arrival.request, target)
    attempt.adaptations = request.adaptations
    if request.adaptations:
        _check_carried(arrival, deployment.model.name, attempt)
    forward = arrival.forward if dialect is arrival.dialect else ()
    endpoint = deployment.at(arrival.request.stream)
    answer = await deployment.send(Call(endpoint, request.body, forward, deployment.deadlines))
    try:
        attempt.answering(answer.status)
        if recording.tab is None:
            attempt.limits = rate_headers(answer.headers, dialect.name, arrival.dialect.name, time())
        else:  # the caller's limits are ours
            attempt.limits = own_headers(recording.tab.every(), arrival.dialect.name)
        if answer.status != 200:
            error = await refused(deployment, answer)
            error.limits = attempt.limits
            raise error
        recording.stage("upstream")
        # Only what calls itself JSON is taken for an answer in one piece: some servers and proxies mislabel streams.
        if arrival.request.stream and not answer.headers.get("content-type", "").startswith("application/json"):
            flow = await open_flow(kernel, deployment, arrival, attempt, answer)
            return Streaming(flow, _receipt(attempt))
        body = await answer.read(MAX_ANSWER)
        response = dialect.decode_response(body, target)
        ready = encoded(arrival, response)
    except BaseException:
        answer.abort()
        raise
    attempt.adaptations += ready.adaptations
    if arrival.strict and (lost := lost_words(ready.adaptations)):
        attempt.upstream_id = response.id
        attempt.close(response.usage, "not_carried", unpriced="" if response.usage else NO_USAGE)
        first = lost[0]
        raise NotCarried(
            f"The answer's {first.field} cannot be said as it is: {first.reason.removesuffix('.')}.",
            field=first.field,
            fix="Do not ask for it, ask in another dialect, or leave out x-mesh-strict. The answer has been paid for.",
        )
    _succeeded(kernel, recording, attempt, response)
    return Whole(response, ready.body, _receipt(attempt))


def _check_carried(arrival: Arrival, model: str, attempt: OpenAttempt) -> None:
    """Raises NotCarried for what may not be lost: anything in strict mode, a conversation held elsewhere always."""
    held = [one for one in attempt.adaptations if one.action == "dropped" and one.field in HELD_ELSEWHERE]
    lost = held or [one for one in attempt.adaptations if arrival.strict and one.lossy]
    if not lost:
        return
    first = lost[0]
    attempt.close(None, "not_carried")
    raise NotCarried(
        f"{model} cannot take {first.field} as it is: {first.reason.removesuffix('.')}.",
        field=first.field,
        fix="Send the whole conversation." if held else "Leave it out, ask another model, or leave out x-mesh-strict.",
    )


def _succeeded(kernel: Kernel, recording: Recording, attempt: OpenAttempt, response: Response) -> None:
    attempt.upstream_id = response.id
    recording.served = attempt.model.name
    recording.first_byte = attempt.first_byte
    attempt.close(response.usage, unpriced="" if response.usage else NO_USAGE)
    kernel.signals.answered(attempt.model.name, None, recording.elapsed() - attempt.began)


def _receipt(attempt: OpenAttempt) -> Receipt:
    return Receipt(attempt.recording.id, attempt.model.name, attempt.adaptations, attempt.limits)


def _told(error: UpstreamError, recording: Recording) -> UpstreamError:
    """The last error, telling of the others when there were any."""
    others = [f"{attempt.model}: {attempt.outcome}" for attempt in recording.attempts]
    if len(others) > 1:
        error.message = f"{error.message} (All of {', '.join(others)}.)"
    return error
