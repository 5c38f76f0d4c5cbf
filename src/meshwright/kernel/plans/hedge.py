"""A second call beside one that is late for once: who answers first is served, the other cancelled and paid for."""

from __future__ import annotations

import asyncio

from meshwright.kernel.arrival import Failure, Reply, Streaming
from meshwright.kernel.attempt import Way, attempt
from meshwright.kernel.snapshot import Deployment
from meshwright.kernel.streams.stream import Stream
from meshwright.kernel.work import Work
from meshwright.types.decision import Note
from meshwright.types.errors import MeshError

Call = tuple[Deployment, Way]


async def hedged(work: Work, first: Call, second: Call, after: float) -> Reply:
    """The first good answer. The second is asked when the first brought nothing for that time. Raises UpstreamError.

    When the client leaves, both are cancelled and settled.
    """
    racing = [asyncio.create_task(attempt(work, *first))]
    try:
        done, _ = await asyncio.wait(racing, timeout=after)
        if done:
            return racing.pop().result()
        turn = work.kernel.signals.turns.take_at_once()
        if turn is None:
            work.note(Note(kind="hedge", about=second[0].key, told="not asked: the budget of second attempts is spent"))
            reply = await asyncio.shield(racing[0])
            racing.clear()
            return reply
        try:
            told = f"asked beside {first[0].key}, which brought nothing for {after:.2f} s"
            work.note(Note(kind="hedge", about=second[0].key, told=told))
            racing.append(asyncio.create_task(attempt(work, *second)))
            return await _first_good(work, racing)
        finally:
            turn.over()
    finally:
        await _end(racing)


async def _first_good(work: Work, racing: list[asyncio.Task[Reply]]) -> Reply:
    """Takes the winner out of those that race."""
    failed: MeshError | None = None
    left = list(racing)
    while left:
        done, _ = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        for one in [one for one in left if one in done]:
            left.remove(one)
            try:
                reply = one.result()
            except MeshError as error:
                failed = failed or error
                continue
            racing.remove(one)
            if not isinstance(reply, Failure):
                work.recording.served = reply.receipt.model
            return reply
    assert failed is not None
    raise failed


async def _end(racing: list[asyncio.Task[Reply]]) -> None:
    """Cancel who is still running, and wait until each has settled its attempt."""
    for one in racing:
        one.cancel()
    for one in racing:
        await asyncio.wait([one])
        if not one.cancelled() and one.exception() is None:
            reply = one.result()
            if isinstance(reply, Streaming) and isinstance(reply.flow, Stream):
                reply.flow.drop()
