"""Answers that are made while nobody waits: begun, watched, followed from any worker, and cancelled.

Source: https://platform.openai.com/docs/guides/background. The answer belongs to the worker that began it and says so
every second; one that falls silent is found by the control plane (`server.sweep`). Its events are in the database, so
whoever asks any worker for them sees them, from the beginning or from a number on.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import msgspec

from meshwright.kernel.arrival import Arrival, Failure, Streaming
from meshwright.kernel.handle import handle
from meshwright.server.gate import CUT, Gate
from meshwright.server.keeping import Keeping, renamed, renaming
from meshwright.store.rows import KeptAnswer
from meshwright.types.errors import MeshError, NotFound
from meshwright.wire.openai_responses.queued import failed_event, queued
from meshwright.wire.openai_responses.renamed import lines
from meshwright.wire.openai_responses.resources import patched
from meshwright.wire.sse import event, events

BEAT_SECONDS = 0.5
FOLLOW_SECONDS = 0.15
OPEN = frozenset({"queued", "in_progress"})
_log = logging.getLogger("meshwright.background")


async def begin(gate: Gate, arrival: Arrival, keeping: Keeping) -> bytes:
    """Begin it; gives the response object as it is at first."""
    body = patched(queued(arrival.request, int(keeping.created)), keeping.changes())
    first = keeping.answer(body, "")
    await gate.shelf(lambda room: room.save(first, None, keeping.ancestors, None))
    task = asyncio.get_running_loop().create_task(_Run(gate, arrival, keeping, body).all())
    gate.background[keeping.id] = task
    gate.enter(task)

    def over(_: asyncio.Task[None]) -> None:
        gate.background.pop(keeping.id, None)
        gate.leave(task)

    task.add_done_callback(over)
    return body


class _Run:
    """One answer in the making."""

    def __init__(self, gate: Gate, arrival: Arrival, keeping: Keeping, body: bytes) -> None:
        self._gate = gate
        self._arrival = arrival
        self._keeping = keeping
        self._body = body
        self._made: list[bytes] = []
        self._told = 0

    async def all(self) -> None:
        """Make it, and say that it is being made."""
        task = asyncio.current_task()
        assert task is not None
        beat = asyncio.create_task(self._beat(task))
        try:
            await self._make()
        except asyncio.CancelledError:
            beat.cancel()
            with suppress(MeshError):  # what was cancelled by its owner has ended already: this changes nothing
                await self._failed(CUT)
        except Exception as error:  # noqa: BLE001  # nobody waits for this task: what failed must be in its answer
            _log.exception("the background response %s failed", self._keeping.id)
            with suppress(MeshError):
                await self._failed(f"The gateway failed: {type(error).__name__}.")
        finally:
            beat.cancel()

    async def _make(self) -> None:
        started = self._keeping.answer(patched(self._body, {"status": "in_progress"}), "")
        if not await self._gate.shelf(lambda room: room.finish(started)):
            return
        reply = await handle(self._gate.kernel, self._arrival)
        if isinstance(reply, Failure):
            await self._failed(reply.error.message)
        elif isinstance(reply, Streaming):
            await self._stream(reply)
        elif self._arrival.request.stream:
            way = renaming(self._arrival.request, self._keeping)
            self._made += lines(way.feed(reply.body))
            await self._end(way.end or self._body, reply.receipt.model)
        else:
            await self._end(renamed(reply.body, self._keeping), reply.receipt.model)

    async def _stream(self, reply: Streaming) -> None:
        way, flow = renaming(self._arrival.request, self._keeping), reply.flow
        try:
            while way.end is None and (piece := await flow.next()):
                self._made += lines(way.feed(piece))
            if way.end is None:
                await self._failed("The provider's stream broke off.")
            else:
                while await flow.next():
                    pass  # an end mark after the last event: the provider's connection is settled by reading it
                await self._end(way.end, reply.receipt.model)
        finally:
            flow.abort()

    async def _end(self, body: bytes, served: str) -> None:
        answer, said, rest = self._keeping.answer(body, served), self._keeping.said(body, served), self._taken()
        await self._gate.shelf(lambda room: room.finish(answer, self._keeping.ancestors, said, rest))

    async def _failed(self, message: str) -> None:
        told = {"code": "server_error", "message": message}
        body = patched(self._body, {"status": "failed", "error": told})
        if self._arrival.request.stream:
            self._made.append(failed_event(body, self._told + len(self._made)))
        answer, rest = self._keeping.answer(body, ""), self._taken()
        await self._gate.shelf(lambda room: room.finish(answer, (), None, rest))

    def _taken(self) -> tuple[int, bytes] | None:
        """The events that wait to be kept."""
        made, self._made = self._made, []
        first, self._told = self._told, self._told + len(made)
        return (first, b"".join(made)) if made else None

    async def _beat(self, task: asyncio.Task[None]) -> None:
        """Say that it is being made, keep its events, and stop it when nobody wants it any more."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                wanted = await self._alive()
            except MeshError as error:
                _log.error("the background response %s cannot be kept: %s", self._keeping.id, error)
                continue
            if not wanted:
                task.cancel()
                return

    async def _alive(self) -> bool:
        made, told = self._made, self._told
        rest = self._taken()
        try:
            return await self._gate.shelf(lambda room: room.alive(self._keeping.id, rest))
        except MeshError:
            self._made, self._told = made + self._made, told  # the next beat tries them again
            raise


async def cancel(gate: Gate, answer: KeptAnswer) -> bytes:
    """Stop it, wherever it is made; gives the response object as it then is."""
    if answer.status not in OPEN:
        return answer.body
    body = patched(answer.body, {"status": "cancelled"})
    ended = msgspec.structs.replace(answer, status="cancelled", body=body)
    if not await gate.shelf(lambda room: room.finish(ended)):
        return (await gate.shelf(lambda room: room.answer(answer.owner, answer.id, "response"))).body
    if (task := gate.background.get(answer.id)) is not None:
        task.cancel()
    return body


class Following:
    """The events of an answer after a number, as they come (see `kernel.arrival.Flow`). Leaving does not stop it."""

    def __init__(self, gate: Gate, owner: str, id: str, after: int) -> None:
        self._gate = gate
        self._owner = owner
        self._id = id
        self._after = after
        self._over = False

    async def next(self) -> bytes:
        """The next events, b"" when the answer is complete. Raises NotFound when it was deleted."""
        while not self._over:
            answer, rows = await self._gate.shelf(lambda room: room.events(self._owner, self._id, self._after))
            if answer is None:
                raise NotFound(f"The response {self._id} was deleted.")
            self._over = answer.status not in OPEN
            made = []
            for first, body in rows:
                for number, (name, payload) in enumerate(events(body), first):
                    if number > self._after:
                        made.append(event(payload, name))
                        self._after = number
            if made:
                return b"".join(made)
            if not self._over:
                await asyncio.sleep(FOLLOW_SECONDS)
        return b""

    def abort(self) -> None:
        """The client left; the answer is made all the same."""

    def cut(self, error: MeshError) -> bytes:
        """The gateway stops: whoever asks again with the last number gets the rest."""
        return b""
