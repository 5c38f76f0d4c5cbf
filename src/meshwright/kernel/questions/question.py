"""A question that is no chat, asked in the provider's own words: one model, maybe several calls, one answer.

There is no chain of models here: vectors of two models cannot be compared, and neither can their rankings' scores.
The order is that of `handle`: admit, choose, call, settle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from meshwright.kernel.arrival import Failure
from meshwright.kernel.bounds import check_deployment
from meshwright.kernel.check import check_body, rules_of
from meshwright.kernel.ending import Ending
from meshwright.kernel.failing import NO_USAGE, close_failed, refused
from meshwright.kernel.forward.call import Passed
from meshwright.kernel.forward.target import check_served, names_meant
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import OpenAttempt, Recording
from meshwright.kernel.set_aside import enter, promised, reserve
from meshwright.kernel.snapshot import Deployment, Snapshot
from meshwright.net.transport import Call
from meshwright.types.errors import NotCarried, UnknownModel
from meshwright.types.principal import Principal
from meshwright.types.request import Adaptation
from meshwright.types.usage import Usage

T = TypeVar("T")
MAX_ANSWER = 64 * 1024 * 1024
HEADERS = (("content-type", "application/json"),)


class Told(msgspec.Struct, Generic[T], frozen=True):
    """One call's answer, and what was used for it; None: it was not told."""

    value: T
    usage: Usage | None


class Put(msgspec.Struct, Generic[T], frozen=True, eq=False):
    """A question in a provider's words: the path below its address, a body for each call, and what was lost.

    `read` decodes the answer to the body of that place; it raises UpstreamProtocol. `join` makes the client's body.
    `reads` are the most tokens of each call where its bytes are no bound, `searches` how many it may be charged as.
    """

    path: str
    bodies: Sequence[bytes]
    read: Callable[[bytes, int], Told[T]]
    join: Callable[[Sequence[T]], bytes]
    adaptations: tuple[Adaptation, ...] = ()
    reads: int | None = None
    searches: int = 1

    def most(self, at: int) -> int:
        """The most tokens that are read in the call of that place."""
        return len(self.bodies[at]) if self.reads is None else self.reads


class Question(msgspec.Struct, Generic[T], frozen=True, eq=False, kw_only=True):
    """Who asks which model for what; `put` is given the deployment.

    `strict`: an Adaptation is an error. `max_cost`: nano-dollars that it may cost.
    """

    principal: Principal
    kind: str
    path: str
    model: str
    strict: bool
    max_cost: int | None = None
    put: Callable[[Deployment], Put[T]]


async def ask(kernel: Kernel, question: Question[T]) -> Passed | Failure:
    """Answer one question. Whatever happens is on its trace, and in the journal before the answer leaves."""
    recording = Recording(question.principal.id, question.kind, question.path)
    with Ending(kernel, recording) as ending:
        kernel.journal.begin(recording.id, recording.at, recording.principal)
        recording.stage("admit")
        await enter(kernel, question.principal, recording)
        deployment = named(kernel.snapshot, question.model)
        check_deployment(question.principal, deployment)
        put = question.put(deployment)
        if question.strict and put.adaptations:
            first = put.adaptations[0]
            raise NotCarried(
                f"{deployment.model.name} cannot take {first.field} as it is: {first.reason}",
                field=first.field,
                fix="Leave it out, ask another model, or leave out x-mesh-strict.",
            )
        recording.stage("route")
        guarding = rules_of(kernel.snapshot, "", question.principal)
        if guarding is not None:
            bodies = [check_body(guarding, one, recording) for one in put.bodies]
            put = msgspec.structs.replace(put, bodies=bodies)
        read = sum(put.most(at) for at in range(len(put.bodies)))
        promised(deployment.model, read, question.max_cost, put.searches * len(put.bodies))
        body = put.join([await _call(kernel, recording, deployment, put, at) for at in range(len(put.bodies))])
        recording.served = deployment.model.name
        recording.first_byte = recording.elapsed()
        return Passed(
            status=200,
            headers=HEADERS,
            body=body,
            decision=recording.id,
            served=recording.served,
            adaptations=put.adaptations,
        )
    return ending.failure()


def named(snapshot: Snapshot, asked: str) -> Deployment:
    """The deployment of a full name, an alias or a bare name. Raises UnknownModel."""
    found = snapshot.deployment(names_meant(snapshot, asked)[0])
    if found is not None:
        return found
    check_served(snapshot, asked)
    raise UnknownModel(f'There is no model "{asked[:200]}" here.', field="model", fix="Name it as PROVIDER/NAME.")


async def _call(kernel: Kernel, recording: Recording, deployment: Deployment, put: Put[T], at: int) -> T:
    attempt = OpenAttempt(recording, deployment.model)
    attempt.adaptations = put.adaptations if at == 0 else ()
    await reserve(kernel, attempt, deployment.model, put.most(at), 0, put.searches)
    url = deployment.provider.base_url.rstrip("/") + put.path
    endpoint = msgspec.structs.replace(deployment.endpoint, url=url, once=True)
    try:
        answer = await deployment.send(Call(endpoint, put.bodies[at], (), deployment.deadlines))
        try:
            attempt.answering(answer.status)
            if answer.status != 200:
                raise await refused(deployment, answer)
            told = put.read(await answer.read(MAX_ANSWER), at)
        except BaseException:
            answer.abort()
            raise
    except BaseException as error:
        close_failed(attempt, error)
        raise
    recording.stage("upstream")
    attempt.close(told.usage, unpriced="" if told.usage is not None else NO_USAGE)
    return told.value
