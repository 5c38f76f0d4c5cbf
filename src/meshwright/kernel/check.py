"""Guards on a request's way: before it is decided who answers, and before the answer leaves. Free where none is on."""

from __future__ import annotations

import asyncio

import msgspec

from meshwright.guards.examine import examine, examine_answer, examine_json
from meshwright.guards.masks import Masks
from meshwright.kernel.arrival import Arrival, Reply, Streaming, Whole
from meshwright.kernel.forms.shaped import formed
from meshwright.kernel.guarding import Guarding
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import Recording
from meshwright.kernel.snapshot import Snapshot
from meshwright.kernel.streams.watching import Watched
from meshwright.kernel.work import encoded
from meshwright.types.principal import Principal
from meshwright.types.request import Request

LARGE = 100_000
"""Bytes of a request from which on it is gone over in a thread, so that others need not wait."""


class Checked(msgspec.Struct, frozen=True, eq=False):
    """A request that has passed: as it goes on, and what its answer will be gone over with."""

    arrival: Arrival
    guarding: Guarding
    masks: Masks
    found: tuple[str, ...]


async def check(guarding: Guarding, arrival: Arrival, recording: Recording) -> Checked:
    """Go over a request with its rules (see `rules_of`). Raises Blocked."""
    masks = Masks()
    request = arrival.request
    if request.source is not None and len(request.source.body) > LARGE:
        examined = await asyncio.to_thread(examine, request, guarding.asked, masks)
    else:
        examined = examine(request, guarding.asked, masks)
    recording.guards.extend(examined.verdicts)
    if examined.blocked is not None:
        raise examined.blocked
    if examined.request is not request:
        arrival = msgspec.structs.replace(arrival, request=examined.request)
    if (rule := guarding.repairing) is not None and not formed(arrival.request):
        asked = msgspec.structs.replace(arrival.request, output=rule, source=None)
        arrival = msgspec.structs.replace(arrival, request=asked, repair=True)
    recording.held = bool(guarding.answered or masks)
    recording.stage("check")
    return Checked(arrival, guarding, masks, examined.found)


def looked_at(
    snapshot: Snapshot, request: Request, override: str, principal: Principal
) -> tuple[Request, tuple[str, ...]]:
    """A request as it would go on, and the rules that found something; nothing is written down. Raises Blocked."""
    guarding = rules_of(snapshot, override or request.model, principal)
    if guarding is None:
        return request, ()
    examined = examine(request, guarding.asked, Masks())
    if examined.blocked is not None:
        raise examined.blocked
    return examined.request, examined.found


def rules_of(snapshot: Snapshot, asked: str, principal: Principal) -> Guarding | None:
    """The rules of the route or model that is asked for, and of who asks."""
    if not (snapshot.guards.routes or snapshot.guards.teams):
        return snapshot.guards.every
    policy = snapshot.names.get(asked)
    name = policy.name if policy is not None and not policy.named else ""
    return snapshot.guards.of(name, principal.team, principal.id)


def check_body(snapshot: Snapshot, body: bytes, recording: Recording) -> bytes:
    """Go over the JSON body of a call that is no chat with the gateway's rules. Raises Blocked.

    What is masked stays so: nobody knows where such an answer would say it.
    """
    guarding = snapshot.guards.every
    if guarding is None or not guarding.asked or not body:
        return body
    body, verdicts, blocked = examine_json(body, guarding.asked, Masks())
    recording.guards.extend(verdicts)
    recording.stage("check")
    if blocked is not None:
        raise blocked
    return body


async def check_reply(kernel: Kernel, checked: Checked, reply: Reply, recording: Recording) -> Reply:
    """Go over the answer, and put back what was masked. Raises Blocked."""
    rules, masks = checked.guarding.answered, checked.masks
    if not rules and not masks:
        return reply
    if isinstance(reply, Streaming):
        return Streaming(Watched(kernel, checked.arrival, reply.flow, recording, rules, masks), reply.receipt)
    if not isinstance(reply, Whole):
        return reply
    if len(reply.body) > LARGE:
        response, verdicts, blocked = await asyncio.to_thread(examine_answer, reply.response, rules, masks)
    else:
        response, verdicts, blocked = examine_answer(reply.response, rules, masks)
    recording.guards.extend(verdicts)
    if blocked is not None:
        raise blocked
    if response is reply.response:
        return reply
    return Whole(response, encoded(checked.arrival, response).body, reply.receipt)
