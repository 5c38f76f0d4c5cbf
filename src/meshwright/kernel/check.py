"""Guards on a request's way: before it is decided who answers, and before the answer leaves. Free where none is on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from meshwright.guards.examine import examine, examine_answer, examine_json, unseen
from meshwright.guards.masks import Masks
from meshwright.guards.rule import Rule
from meshwright.kernel.arrival import Arrival, Reply, Streaming, Whole
from meshwright.kernel.guarding import Guarding
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import Recording
from meshwright.kernel.shaped import formed
from meshwright.kernel.snapshot import Snapshot
from meshwright.kernel.streams.watching import Watched
from meshwright.kernel.work import encoded
from meshwright.types.errors import Blocked
from meshwright.types.guard import Place, Verdict
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


def check_body(guarding: Guarding | None, body: bytes, recording: Recording) -> bytes:
    """Go over the JSON body of a call that is no chat with its caller's rules. Raises Blocked.

    What is masked stays so: nobody knows where such an answer would say it.
    """
    if guarding is None or not guarding.asked or not body:
        return body
    body, verdicts, blocked = examine_json(body, guarding.asked, Masks())
    recording.stage("check")
    return _passed(recording, body, verdicts, blocked)


def check_form(guarding: Guarding | None, body: bytes, boundary: bytes, recording: Recording) -> bytes:
    """The same for a form: its fields are read, its files are not. Raises Blocked."""
    if guarding is None or not guarding.asked:
        return body
    pieces, masks = body.split(b"--" + boundary), Masks()
    for at, piece in enumerate(pieces):
        head, found, value = piece.partition(b"\r\n\r\n")
        if not found:
            continue
        if b"filename" in head.lower():
            check_unseen(guarding.asked, "a file in a form", "user", recording)
            continue
        text, ended = value.removesuffix(b"\r\n"), value.endswith(b"\r\n")
        new, verdicts, blocked = examine_json(text, guarding.asked, masks)
        if _passed(recording, new, verdicts, blocked) != text:
            pieces[at] = head + found + new + (b"\r\n" if ended else b"")
    recording.stage("check")
    return (b"--" + boundary).join(pieces)


def check_passed(guarding: Guarding, body: bytes, recording: Recording) -> bytes:
    """Go over an answer that is passed on, JSON or text, with the rules on answers. Raises Blocked."""
    return _passed(recording, *examine_json(body, guarding.answered, None, "answer"))


def check_unseen(rules: Sequence[Rule], what: str, place: Place, recording: Recording) -> None:
    """Something is passed on that no guard can read. Raises Blocked where a rule lets nothing unread pass."""
    _passed(recording, b"", *unseen(rules, what, place))


def _passed(recording: Recording, body: bytes, verdicts: tuple[Verdict, ...], blocked: Blocked | None) -> bytes:
    recording.guards.extend(verdicts)
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
