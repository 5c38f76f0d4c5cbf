"""One call to one deployment: sent under its deadlines, answered or failed, and written down either way."""

from __future__ import annotations

import asyncio
from time import time

import msgspec

from meshwright.kernel.arrival import Arrival, Receipt, Reply, Streaming, Whole
from meshwright.kernel.failing import BROKE, NO_USAGE, free, refused
from meshwright.kernel.max_cost import afford
from meshwright.kernel.record import OpenAttempt
from meshwright.kernel.signals import Hold
from meshwright.kernel.snapshot import Deployment
from meshwright.kernel.streams.paths import lost_words
from meshwright.kernel.streams.stream import Rescue, open_flow
from meshwright.kernel.work import Work, encoded
from meshwright.ledger.own_limits import own_headers
from meshwright.net.transport import Answer, Call, Deadlines
from meshwright.types.errors import MeshError, NotCarried, UpstreamError
from meshwright.wire.rate_limits import rate_headers
from meshwright.wire.tools_abroad import known_again, sendable

SOON = 0.05
"""Seconds that an attempt needs at least; with fewer left none is begun."""
MAX_ANSWER = 64 * 1024 * 1024
HELD_ELSEWHERE = frozenset({"conversation", "previous_response_id", "prompt", "thread"})
"""What a request names instead of sending it. Dropped, the model would answer to a conversation without its beginning,
and nobody would see why: that is refused, strict or not."""


class Way(msgspec.Struct, frozen=True, eq=False):
    """How an attempt is made.

    `first_token`: how long a stream may bring nothing useful; None: as long as the provider's deadlines allow. `rescue`
    is asked when a stream breaks that has begun. `placed`: it came in by the door. `role`: see `Attempt`.
    """

    first_token: float | None = None
    rescue: Rescue | None = None
    placed: bool = False
    role: str = ""


PLAIN = Way()


async def attempt(work: Work, deployment: Deployment, way: Way = PLAIN) -> Reply:
    """The answer. Raises UpstreamError, NotCarried, and what `afford` raises.

    Whatever happens to a call is on the trace and in the signals. One that was never begun is on neither.
    """
    opened = OpenAttempt(work.recording, deployment.model, way.role or work.role)
    hold = work.kernel.signals.begin(deployment, way.placed)
    try:
        if work.recording.tab is not None or work.recording.cap is not None:
            work = await afford(work, deployment.model, opened)
    except BaseException:
        hold.let_go()
        raise
    try:
        return await _sent(work, deployment, opened, hold, way)
    except UpstreamError as error:
        hold.failed(error)
        opened.close(None, error.code, error.message, unpriced="" if free(error) else BROKE)
        raise
    except asyncio.CancelledError:
        opened.close(None, "cancelled", unpriced=BROKE)
        raise
    except NotCarried:
        raise  # the attempt is closed: the model was never asked, or its answer has been counted
    except Exception as error:
        code = error.code if isinstance(error, MeshError) else MeshError.code
        opened.close(None, code, f"{type(error).__name__}: {error}", unpriced=BROKE)
        raise
    finally:
        if not (hold.over or hold.flowing):
            hold.let_go()


def within(deadlines: Deadlines, left: float, first_token: float | None) -> Deadlines:
    """The deadlines of one call: those of its kind, and no longer than the request or its first token may take."""
    if left >= deadlines.total and (first_token is None or first_token >= deadlines.first_byte):
        return deadlines
    first = deadlines.first_byte if first_token is None else min(deadlines.first_byte, first_token)
    total = min(deadlines.total, left)
    return Deadlines(min(deadlines.connect, total), min(first, total), deadlines.between_bytes, total)


async def _sent(work: Work, deployment: Deployment, opened: OpenAttempt, hold: Hold, way: Way) -> Reply:
    arrival = work.arrival
    if deployment.also:
        deployment = deployment.speaking(arrival.dialect)
    dialect = deployment.dialect
    asked = arrival.request
    if dialect is not arrival.dialect:
        asked, renamed = sendable(asked, dialect.name)
        opened.adaptations += renamed
    request = dialect.encode_request(asked, deployment.target)
    opened.adaptations += request.adaptations
    if request.adaptations:
        _check_carried(arrival, deployment.model.name, opened)
    forward = arrival.forward if dialect is arrival.dialect else ()
    answer = await answered(work, deployment, request.body, opened, way.first_token, forward)
    try:
        work.recording.stage("upstream")
        # Only what calls itself JSON is taken for an answer in one piece: some servers and proxies mislabel streams.
        if arrival.request.stream and not answer.headers.get("content-type", "").startswith("application/json"):
            flow = await open_flow(work.kernel, deployment, arrival, opened, answer, hold, way.first_token, way.rescue)
            return Streaming(flow, _receipt(opened))
        body = await answer.read(MAX_ANSWER)
        response = dialect.decode_response(body, deployment.target)
        opened.upstream_id = response.id
        if dialect is not arrival.dialect:
            response = known_again(response, arrival.request)
            if not (response.id and response.created):
                # Not every dialect tells them, and clients of others show and sort by them.
                told = response.id or opened.recording.id, response.created or int(opened.recording.at)
                response = msgspec.structs.replace(response, id=told[0], created=told[1])
        ready = encoded(arrival, response)
    except BaseException:
        answer.abort()
        raise
    opened.adaptations += ready.adaptations
    opened.finish = (response.choices[0].finish if response.choices else None) or ""
    hold.answered(response.usage)
    unpriced = "" if response.usage else NO_USAGE
    if arrival.strict and (lost := lost_words(ready.adaptations)):
        opened.close(response.usage, "not_carried", unpriced=unpriced)
        first = lost[0]
        raise NotCarried(
            f"The answer's {first.field} cannot be said as it is: {first.reason.removesuffix('.')}.",
            field=first.field,
            fix="Do not ask for it, ask in another dialect, or leave out x-mesh-strict. The answer has been paid for.",
        )
    work.recording.served = opened.model.name
    work.recording.first_byte = opened.first_byte
    opened.close(response.usage, unpriced=unpriced)
    return Whole(response, ready.body, _receipt(opened))


async def answered(
    work: Work,
    deployment: Deployment,
    body: bytes,
    opened: OpenAttempt,
    first_token: float | None = None,
    forward: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """The provider's answer, its head with status 200. Raises UpstreamError."""
    arrival, dialect = work.arrival, deployment.dialect
    usual = deployment.within(arrival.request.stream)
    deadlines = within(usual, work.until - work.kernel.signals.now(), first_token)
    answer = await deployment.send(Call(deployment.at(arrival.request.stream), body, forward, deadlines))
    try:
        opened.answering(answer.status)
        if (tab := work.recording.tab) is None:
            opened.limits = rate_headers(answer.headers, dialect.name, arrival.dialect.name, time())
        else:  # the caller's limits are ours
            opened.limits = own_headers(tab.every(), arrival.dialect.name)
        if answer.status != 200:
            error = await refused(deployment, answer)
            error.limits = opened.limits
            raise error
    except BaseException:
        answer.abort()
        raise
    return answer


def _check_carried(arrival: Arrival, model: str, opened: OpenAttempt) -> None:
    """Raises NotCarried for what may not be lost: anything in strict mode, a conversation held elsewhere always."""
    held = [one for one in opened.adaptations if one.action == "dropped" and one.field in HELD_ELSEWHERE]
    lost = held or [one for one in opened.adaptations if arrival.strict and one.lossy]
    if not lost:
        return
    first = lost[0]
    opened.close(None, "not_carried")
    raise NotCarried(
        f"{model} cannot take {first.field} as it is: {first.reason.removesuffix('.')}.",
        field=first.field,
        fix="Send the whole conversation." if held else "Leave it out, ask another model, or leave out x-mesh-strict.",
    )


def _receipt(opened: OpenAttempt) -> Receipt:
    return Receipt(opened.recording.id, opened.model.name, opened.adaptations, opened.limits)
