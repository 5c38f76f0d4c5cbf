"""Serves a recording: the same answers to the same requests, at the same pace."""

from __future__ import annotations

import asyncio
import difflib
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import msgspec

from meshwright.sim.called import below
from meshwright.sim.head import LAST_CHUNK, chunk, head
from meshwright.sim.link import BadRequest, Link, Links, Received, hang_up, listen
from meshwright.sim.record import dialect_of
from meshwright.sim.tape import Taped, identity
from meshwright.types.errors import NotFound

COMPARED = 4000
"""Characters of two requests that are compared to find the nearest."""


class Replay:
    """A provider on loopback that only repeats. Use it as `async with Replay(read_tape(path)) as replay`.

    A request that was recorded several times gets its answers in that order, and the last one from then on. `pace` 1
    takes as long as the recording took, 0 does not wait.
    """

    def __init__(self, tape: Sequence[Taped], *, port: int = 0, pace: float = 1.0) -> None:
        self._tape = tape
        self._port = port
        self._pace = pace
        # The base address of clients ends as that of those who were recorded.
        self._root = below(tape[0].path) if tape else "/v1"
        self._answers: defaultdict[str, list[Taped]] = defaultdict(list)
        for one in tape:
            self._answers[one.asked].append(one)
        self._links = Links()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Begin to listen. Raises OSError when the port is taken."""
        self._server = await listen(self._serve, self._links, self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        await hang_up(self._links)

    @property
    def url(self) -> str:
        """The base address for clients."""
        return f"http://127.0.0.1:{self._port}{self._root}"

    async def _serve(self, link: Link) -> None:
        while True:
            try:
                received = await link.receive()
            except BadRequest as bad:
                await link.send(head(400, (), None, close=True) + str(bad).encode())
                return
            if received is None or not await self._answer(link, received):
                return

    async def _answer(self, link: Link, received: Received) -> bool:
        asked = identity(received)
        answers = self._answers.get(asked)
        if not answers:
            error = NotFound("This request was not recorded.", fix=self._nearest(asked))
            body = dialect_of(received.path).encode_error(error)
            await link.send(head(404, (("content-type", "application/json"),), len(body)) + body)
            return not received.is_last
        one = answers.pop(0) if len(answers) > 1 else answers[0]
        await link.sleep(one.after * self._pace)
        await link.send(head(one.status, one.answer_headers, None, chunked=True))
        for piece in one.pieces:
            await link.sleep(piece.after * self._pace)
            if piece.data:
                await link.send(chunk(piece.data))
        if not one.cut:
            await link.send(LAST_CHUNK)
        return not one.cut and not received.is_last

    def _nearest(self, asked: str) -> str:
        """The recorded request that is most like this one, and what is different about it."""
        if not self._tape:
            return "The recording is empty."
        known = list(dict.fromkeys(one.asked for one in self._tape))
        nearest = max(known, key=lambda one: difflib.SequenceMatcher(None, one[:COMPARED], asked[:COMPARED]).ratio())
        place, _, body = asked.partition("\n")
        near_place, _, near_body = nearest.partition("\n")
        if place != near_place:
            return f"The nearest one went to {near_place}."
        mine, theirs = _members(body), _members(near_body)
        names = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
        told = "; ".join(f"{name}: recorded {_shown(theirs, name)}, asked {_shown(mine, name)}" for name in names)
        return f"The nearest one differs in {told}."


def _members(body: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {"body": body}
    return found if isinstance(found, dict) else {"body": found}


def _shown(members: dict[str, Any], name: str) -> str:
    if name not in members:
        return "nothing"
    text = msgspec.json.encode(members[name]).decode()
    return text if len(text) <= 160 else f"{text[:80]} … {text[-75:]}"
