"""Asking again: the same key, or the same request at the same time, gets the same answer, which is made once.

`Idempotency-Key` is used as Stripe and the IETF's draft (draft-ietf-httpapi-idempotency-key-header-07) have it: the
same key with the same request is answered from what was said before, with another request it is a 422. A request that
is still under way is joined, in whichever worker of the machine it is (`server.claims`). Failures are not remembered:
asking again is then what the caller wants.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import msgspec

from meshwright.resilience.idempotency import LONGEST_KEY
from meshwright.server.claims import Claims, Head, Telling, Wanted, hear
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing, Headers
from meshwright.types.errors import InvalidRequest, KeyReused, MeshError

Answer = Callable[[Gate, Asked], Awaitable[Answered | Flowing]]
_log = logging.getLogger("meshwright.again")
HEADER = "idempotency-key"
REPLAYED = ("idempotent-replayed", "true")
DIFFERS = ("x-mesh-route", "x-mesh-strict", "x-mesh-repair", "x-mesh-cache")
"""Headers of ours that change an answer."""


class _Named(msgspec.Struct):
    model: str = ""


_NAMED: msgspec.json.Decoder[_Named] = msgspec.json.Decoder(_Named)


def once(answer: Answer) -> Answer:
    """An endpoint's function that makes one answer of requests that are the same, where that was asked for."""

    async def asked_again(gate: Gate, asked: Asked) -> Answered | Flowing:
        """The answer, made now or before."""
        key = asked.header(HEADER)
        if key:
            return await _by_key(gate, asked, key, answer)
        if gate.kernel.snapshot.coalescing and _coalesces(gate, asked):
            return await _with_others(gate, asked, answer)
        return await answer(gate, asked)

    return asked_again


class Making:
    """One answer that several may read, while it is made and afterwards. `keep`: it is made though nobody reads."""

    def __init__(self, keep: bool) -> None:
        self.begun = asyncio.Event()
        self.status = 0
        self.headers: Headers = []
        self.pieces: list[bytes] = []
        self.whole = False
        self.over = False
        self.error: BaseException | None = None
        self.readers = 0
        self.task: asyncio.Task[None] | None = None
        self._keep = keep
        self._news = asyncio.Event()
        self._flowing: Flowing | None = None
        self._last: bytes | None = None

    async def make(self, gate: Gate, asked: Asked, answer: Answer) -> None:
        """Make it, piece by piece, as fast as it comes."""
        try:
            made = await answer(gate, asked)
            self.status, self.headers = made.status, made.headers
            if isinstance(made, Answered):
                self.pieces, self.whole = [made.body], True
            else:
                self._flowing = made
                self.begun.set()
                try:
                    while piece := await made.flow.next():
                        self._tell(piece)
                finally:
                    made.flow.abort()
                self._flowing = None  # it may be remembered for a day: the provider's connection need not be
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.over = True
            self.begun.set()
            self._news.set()

    def _tell(self, piece: bytes) -> None:
        self.pieces.append(piece)
        self._news.set()
        self._news = asyncio.Event()

    async def read(self) -> Answered | Flowing:
        """As one who reads it. Raises what making it raised."""
        self.readers += 1
        try:
            await self.begun.wait()
        except asyncio.CancelledError:
            self.left()
            raise
        if self.error is not None and not self.pieces:
            raise self._told()
        if self.whole:
            return Answered(self.status, self.headers, self.pieces[0])
        return Flowing(self.status, self.headers, Reading(self))

    async def more(self) -> None:
        """Wait for the next piece, or the end."""
        await self._news.wait()

    def left(self) -> None:
        """One reads no more. Without a key nobody will come back for it."""
        self.readers -= 1
        if not self.readers and not self._keep and not self.over and self.task is not None:
            self.task.cancel()

    def cut(self, error: MeshError) -> bytes:
        """The gateway breaks it off: the same words for all who read."""
        if self._last is None:
            self._last = self._flowing.flow.cut(error) if self._flowing is not None else b""
        return self._last

    def _told(self) -> BaseException:
        if isinstance(self.error, asyncio.CancelledError):
            return MeshError("The answer was given up before it was complete.", fix="Ask again.")
        assert self.error is not None
        return self.error

    def ended(self) -> None:
        """Raises what broke it off, for who has read all that came."""
        if self.error is not None:
            raise self._told()


class Reading:
    """The Flow of one who reads."""

    def __init__(self, making: Making) -> None:
        self._making = making
        self._at = 0
        self._left = False

    async def next(self) -> bytes:
        """The next piece, b"" at the end."""
        making = self._making
        while self._at == len(making.pieces):
            if making.over:
                making.ended()
                return b""
            await making.more()
        self._at += 1
        return making.pieces[self._at - 1]

    def abort(self) -> None:
        """He has left, or has all of it."""
        if not self._left:
            self._left = True
            self._making.left()

    def cut(self, error: MeshError) -> bytes:
        """The gateway is stopped."""
        making = self._making
        whole = making.over and making.error is None and self._at == len(making.pieces)
        return b"" if whole else making.cut(error)


async def _by_key(gate: Gate, asked: Asked, key: str, answer: Answer) -> Answered | Flowing:
    if len(key) > LONGEST_KEY:
        raise InvalidRequest(
            f"An idempotency key has at most {LONGEST_KEY} characters.", field=HEADER, fix="Send a UUID."
        )
    fingerprint, now = _fingerprint(asked), time.monotonic()
    remembered = gate.remembered
    found = remembered.look(asked.principal.id, key, fingerprint, now)
    if isinstance(found, Making):
        read = await found.read()
        return msgspec.structs.replace(read, headers=[*read.headers, REPLAYED])
    if found == "other":
        raise _reused()
    making = Making(keep=True)
    if gate.claims is not None:
        answer = partial(_by_whom, gate.claims, Wanted(asked.principal.id, key, fingerprint), answer)
    if not remembered.begin(asked.principal.id, key, fingerprint, making, now):
        return await answer(gate, asked)  # too many of his are under way: nothing can be promised for this one

    def over(task: asyncio.Task[None]) -> None:
        if _worth_keeping(gate, making):
            remembered.done(asked.principal.id, key, sum(map(len, making.pieces)), time.monotonic())
        else:
            remembered.drop(asked.principal.id, key)

    return await _begun(gate, asked, answer, making, over)


def _reused() -> KeyReused:
    return KeyReused(
        "This idempotency key was given to another request.",
        field=HEADER,
        fix="Give each request a key of its own, and the same one only to the same request.",
    )


async def _by_whom(claims: Claims, wanted: Wanted, answer: Answer, gate: Gate, asked: Asked) -> Answered | Flowing:
    """The answer, made here or by the worker of this machine that was asked first."""
    gone = ""
    while True:
        try:
            owner = await claims.owner(wanted, gone)
        except OSError as error:
            _log.error("idempotency keys hold for one worker only: %s", error)
            owner = ""
        if not owner:
            return await answer(gate, asked)
        found = await hear(owner, wanted)
        if found == "other":
            raise _reused()
        if found != "new":
            return msgspec.structs.replace(found, headers=[*found.headers, REPLAYED])
        gone = owner


async def tell(gate: Gate, wanted: Wanted) -> Telling:
    """What this worker knows of a key, for another one."""
    found = gate.remembered.look(wanted.principal, wanted.key, wanted.fingerprint, time.monotonic())
    if not isinstance(found, Making):
        return Telling(Head("other" if found == "other" else "new"))
    try:
        read = await found.read()
    except MeshError:
        return Telling(Head("new"))  # who made it was told; it is made anew by who asks
    whole = isinstance(read, Answered)
    return Telling(Head("making", read.status, read.headers, whole), _pieces(read))


async def _pieces(read: Answered | Flowing) -> AsyncIterator[bytes]:
    if isinstance(read, Answered):
        yield read.body
        return
    try:
        while piece := await read.flow.next():
            yield piece
    finally:
        read.flow.abort()


async def _with_others(gate: Gate, asked: Asked, answer: Answer) -> Answered | Flowing:
    """Join those who ask the same at this moment; only those of the same principal."""
    same = (asked.principal.id, _fingerprint(asked))
    making = gate.making.get(same)
    if making is not None:
        joined: Answered | Flowing = await making.read()
        return joined
    making = gate.making[same] = Making(keep=False)
    return await _begun(gate, asked, answer, making, lambda _: gate.making.pop(same, None))


async def _begun(
    gate: Gate, asked: Asked, answer: Answer, making: Making, over: Callable[[asyncio.Task[None]], object]
) -> Answered | Flowing:
    """Begin to make it, and read it as the first."""
    task = making.task = asyncio.get_running_loop().create_task(making.make(gate, asked, answer))
    gate.enter(task)

    def ended(task: asyncio.Task[None]) -> None:
        gate.leave(task)
        over(task)
        if not task.cancelled():
            task.exception()  # whoever read it was told

    task.add_done_callback(ended)
    return await making.read()


def _worth_keeping(gate: Gate, making: Making) -> bool:
    """Whether it is a good answer to its end."""
    if making.error is not None or making.status != 200:
        return False
    decision = next((value for name, value in making.headers if name == "x-mesh-decision"), "")
    trace = gate.kernel.recent.get(decision)
    return trace is None or trace.outcome == "ok"


def _coalesces(gate: Gate, asked: Asked) -> bool:
    """Whether its route wants that."""
    name = asked.header("x-mesh-route")
    if not name:
        try:
            name = _NAMED.decode(asked.body).model
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
    return name in gate.kernel.snapshot.coalescing


def _fingerprint(asked: Asked) -> bytes:
    """What makes two requests the same: the path, the body, and what our headers change of an answer."""
    digest = hashlib.sha256(asked.path.encode())
    for name in DIFFERS:
        digest.update(b"\x00" + (asked.header(name) or "").encode())
    digest.update(b"\x00" + asked.query.encode() + b"\x00" + asked.body)
    return digest.digest()
