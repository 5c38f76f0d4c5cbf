"""When a waiting request begins to listen for its client's leaving, and when it stops."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from meshwright.server.leaving import LOOK_SECONDS, Leaving


class Client:
    """A connection that says when it is listened to, and whose client leaves when it is told to."""

    def __init__(self) -> None:
        self.listened = asyncio.Event()
        self.over = False
        self.leave: Any = None

    def watch(self, left: Any) -> Any:
        """Keep what is to be called."""
        self.leave = left
        self.listened.set()
        return self.end

    def end(self) -> None:
        """Nobody listens any more."""
        self.over = True


async def wait(leaving: Leaving, client: Client, answer: asyncio.Event) -> None:
    """A request that waits for its answer."""
    task = cast("asyncio.Task[None]", asyncio.current_task())
    leaving.begin(task, cast("Any", client))
    try:
        await answer.wait()
    finally:
        leaving.end(task)


async def test_a_request_whose_client_leaves_is_cancelled_and_others_go_on():
    leaving, answer = Leaving(), asyncio.Event()
    gone, there = Client(), Client()
    lost, kept = [asyncio.create_task(wait(leaving, one, answer)) for one in (gone, there)]
    await asyncio.gather(gone.listened.wait(), there.listened.wait())
    gone.leave()
    await asyncio.wait([lost])
    assert lost.cancelled()
    assert gone.over
    answer.set()
    await kept
    assert there.over


async def test_a_fast_answer_is_never_listened_to_and_a_later_slow_one_is():
    leaving, answer = Leaving(), asyncio.Event()
    fast, slow = Client(), Client()
    answer.set()
    await wait(leaving, fast, answer)
    await asyncio.sleep(3 * LOOK_SECONDS)
    assert not fast.listened.is_set()
    waiting = asyncio.create_task(wait(leaving, slow, asyncio.Event()))
    await slow.listened.wait()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert slow.over


async def test_one_that_cannot_be_listened_to_takes_nobody_with_it():
    class Broken(Client):
        def watch(self, left: Any) -> Any:
            raise OSError("no such connection")

    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    leaving, answer = Leaving(), asyncio.Event()
    broken, sound = Broken(), Client()
    first = asyncio.create_task(wait(leaving, broken, answer))
    await asyncio.sleep(3 * LOOK_SECONDS)
    second = asyncio.create_task(wait(leaving, sound, answer))
    await sound.listened.wait()
    answer.set()
    await asyncio.gather(first, second)
    assert sound.over
