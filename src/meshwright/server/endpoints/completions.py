"""POST /v1/completions: OpenAI's older call, passed on to a provider that has it, and answered by any other model.

Source: https://platform.openai.com/docs/api-reference/completions/create. A route is always answered as chats are; a
provider without the call says so with a 404 (OpenAI too, of a model that only chats), and is then asked for a chat.
"""

from __future__ import annotations

import asyncio

import msgspec

from meshwright.kernel.forward.target import may_have
from meshwright.server.asking import asking, inference
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing
from meshwright.server.passing import parcel, passing_on
from meshwright.server.refusal import refused
from meshwright.types.errors import MeshError
from meshwright.wire import CODECS
from meshwright.wire.openai_completions.several import joined, one_by_one

AT_ONCE = 8
"""Prompts of one request that are asked at the same time."""
COMPLETIONS = CODECS["openai_completions"]
_HAS_NO_SUCH = frozenset({404, 405, 501})
_ASK = asking(COMPLETIONS)
_PASS_ON = passing_on(counts=True)


async def completed(gate: Gate, asked: Asked) -> Answered | Flowing:
    """Pass it on where that can be done, else complete it here."""
    if not asked.header("x-mesh-route") and may_have(gate.kernel.snapshot, parcel(gate, asked, counts=True)):
        passed = await _PASS_ON(gate, asked)
        if passed.status not in _HAS_NO_SUCH or asked.header("x-mesh-provider"):
            return passed
    bodies = one_by_one(asked.body)
    if len(bodies) == 1:
        return await _ASK(gate, msgspec.structs.replace(asked, body=bodies[0]))
    return await _several(gate, asked, bodies)


async def _several(gate: Gate, asked: Asked, bodies: list[bytes]) -> Answered | Flowing:
    """One request for each prompt: each has its own decision, and the answer names the first one's."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(body: bytes) -> Answered | Flowing:
        async with free:
            try:
                return await _ASK(gate, msgspec.structs.replace(asked, body=body))
            except MeshError as error:
                return refused(COMPLETIONS, error)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(body)) for body in bodies]
    answers = [task.result() for task in tasks]
    whole = [answer for answer in answers if isinstance(answer, Answered)]
    for answer in whole:
        if answer.status != 200:
            return answer
    return Answered(200, whole[0].headers, joined([answer.body for answer in whole]))


_POST = inference("/v1/completions", COMPLETIONS, "Complete one prompt or several, OpenAI's older form.")
ENDPOINT: Endpoint = msgspec.structs.replace(_POST, answer=completed)
