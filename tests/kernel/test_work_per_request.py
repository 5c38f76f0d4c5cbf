"""How much work a request is, counted in calls of functions: the same on a busy machine, where seconds say nothing.

Whoever raises a number here says in `bench/README.md` what that costs.
"""

from __future__ import annotations

import gc
import sys
from types import FrameType

from meshwright.kernel.arrival import Streaming, Whole
from meshwright.net.transport import Answer, Call
from tests.kernel.test_handle import ANSWER, CHUNK, PIECES, Calls, Memory, Said, ask, kernel_of

WORD = CHUNK % (b'{"content":"word %d"}', b"null")


class Talking(Calls):
    """A transport that answers in these pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__()
        self.pieces = pieces

    async def send(self, call: Call) -> Answer:
        """The answer."""
        return Said(self.pieces, "application/json" if self.pieces == [ANSWER] else "text/event-stream")


async def calls_of(pieces: list[bytes], *, stream: bool) -> int:
    """How many calls of functions a request to a model by name takes, once a few have passed."""
    kernel = kernel_of(Talking(pieces), Memory())
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    for turn in range(4):
        if turn == 3:
            gc.collect()
            gc.disable()  # what earlier tests left behind is not this request's work
            sys.setprofile(count)
        try:
            reply = await ask(kernel, "a/m", stream=stream)
            while isinstance(reply, Streaming) and await reply.flow.next():
                pass
        finally:
            sys.setprofile(None)
            gc.enable()
        assert isinstance(reply, Streaming if stream else Whole)
    return calls


def words(count: int) -> list[bytes]:
    return [WORD % number for number in range(count)]


async def test_a_chat_takes_no_more_calls_than_this() -> None:
    assert await calls_of([ANSWER], stream=False) <= 155  # 152 when this was written


async def test_a_word_of_a_stream_takes_no_more_calls_than_this() -> None:
    many, few = [await calls_of([*words(count), *PIECES], stream=True) for count in (1_020, 20)]
    # What is done at every eighth answer may fall into one of the two: it weighs nothing among so many.
    assert (many - few) / 1_000 <= 6.1


async def test_a_hundred_words_at_once_take_no_more_calls_than_ten() -> None:
    many, few = [await calls_of([b"".join([*words(count), *PIECES])], stream=True) for count in (100, 10)]
    # Ninety more words. What is done at every eighth answer may fall into one of the two.
    assert abs(many - few) < 9
