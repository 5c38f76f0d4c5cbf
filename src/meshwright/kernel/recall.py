"""An answer from the cache, or from a model and then into the cache; where a route has none, straight from a model."""

from __future__ import annotations

from collections.abc import Awaitable
from time import time

import msgspec

from meshwright.kernel.arrival import Arrival, Flow, Receipt, Reply, Streaming, Whole
from meshwright.kernel.call import call
from meshwright.kernel.config.tables import CacheSettings
from meshwright.kernel.kept.answers import Entry, key, packed
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import Recording
from meshwright.kernel.shaped import formed
from meshwright.kernel.snapshot import Snapshot
from meshwright.kernel.work import encoded
from meshwright.types.content import Opaque, Text, ToolCall
from meshwright.types.decision import Decision
from meshwright.types.errors import MeshError
from meshwright.types.request import Request
from meshwright.types.response import Response
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold

HELD_ELSEWHERE = frozenset({"conversation", "prompt", "thread", "background"})
"""Members of a request that name what is not in it: its answer depends on more than can be hashed."""
MOST = 4 * 1024 * 1024
"""Bytes of a stream that are remembered until it is complete; a longer one is not kept."""


def answered(kernel: Kernel, snapshot: Snapshot, arrival: Arrival, recording: Recording) -> Awaitable[Reply]:
    """The answer. Raises what `call` raises."""
    decision = recording.decision
    assert decision is not None
    settings = snapshot.caches.get(decision.route)
    if settings is None or arrival.cache == "no-store" or not _may(arrival, settings):
        return call(kernel, snapshot, arrival, recording)
    return _recalled(kernel, snapshot, arrival, recording, decision, settings)


async def _recalled(
    kernel: Kernel,
    snapshot: Snapshot,
    arrival: Arrival,
    recording: Recording,
    decision: Decision,
    settings: CacheSettings,
) -> Reply:
    """The answer of a route that has a cache."""
    principal = arrival.principal
    owner = {"key": principal.id, "team": f"team {principal.team or principal.id}", "all": "all"}[settings.share]
    found = key(arrival.request, decision.plan, decision.route, owner)
    now = time()
    said, scope = "", b""
    if settings.alike:
        said, rest = without_question(arrival.request)
        scope = key(rest, decision.plan, decision.route, owner) if said else b""
    if arrival.cache != "refresh":
        entry, how = kernel.kept.get(found, now), "hit"
        if entry is None and said and (near := kernel.alike.nearest(scope, said, settings.alike)) is not None:
            entry, how = kernel.kept.get(near, now), "alike"
        if entry is None and settings.database and kernel.behind is not None:
            entry, how = await kernel.behind.get(found), "hit"
            if entry is not None:
                kernel.kept.put(found, entry)
        recording.stage("recall")
        if entry is not None:
            return _again(arrival, entry, recording, now, how)
    recording.cache = "miss"
    reply = await call(kernel, snapshot, arrival, recording)
    keeping = Keeping(kernel, found, settings, recording, owner, scope, said)
    if isinstance(reply, Whole):
        keeping.keep(reply.response, reply.receipt)
        return msgspec.structs.replace(reply, receipt=_told(reply.receipt, "miss"))
    if isinstance(reply, Streaming):
        return Streaming(Remembered(reply.flow, arrival, keeping, reply.receipt), _told(reply.receipt, "miss"))
    return reply


def without_question(request: Request) -> tuple[str, Request]:
    """The words of the last message, if they are the user's and all of it, and the request without them."""
    last = request.messages[-1] if request.messages else None
    if last is None or last.role != "user" or len(last.parts) != 1 or not isinstance(last.parts[0], Text):
        return "", request
    blank = msgspec.structs.replace(last, parts=())
    return last.parts[0].text, msgspec.structs.replace(request, messages=(*request.messages[:-1], blank))


def _may(arrival: Arrival, settings: CacheSettings) -> bool:
    """Whether the request's answer may be given again: it depends on nothing else, and no chance was asked for."""
    request = arrival.request
    if arrival.strict or request.previous_response_id or request.modalities not in ((), ("text",)):
        return False
    if not settings.sampled and ((request.temperature or 0.0) > 0 or (request.n or 1) > 1):
        return False
    if any(tool.kind == "hosted" for tool in request.tools):
        return False
    return not any(one.kind in HELD_ELSEWHERE and bytes(one.raw) not in (b"null", b"false") for one in request.extra)


def _again(arrival: Arrival, entry: Entry, recording: Recording, now: float, how: str) -> Whole:
    response = entry.response()
    ready = encoded(arrival, response)
    recording.served, recording.cache, recording.saved = entry.model, how, entry.cost
    recording.first_byte = recording.elapsed()
    receipt = Receipt(recording.id, entry.model, ready.adaptations, cache=how, age=max(0, int(now - entry.at)))
    return Whole(response, ready.body, receipt)


def _told(receipt: Receipt, cache: str) -> Receipt:
    return msgspec.structs.replace(receipt, cache=cache)


class Keeping(msgspec.Struct, frozen=True, eq=False):
    """Where an answer goes when it is complete, if it is one that may be given again."""

    kernel: Kernel
    key: bytes
    settings: CacheSettings
    recording: Recording
    owner: str
    scope: bytes = b""
    said: str = ""

    def keep(self, response: Response, receipt: Receipt) -> None:
        """Keep it, unless it is cut, refused, calls tools, or has not the form that was asked for."""
        if not _whole(response, self.settings.tools) or receipt.valid is False or self.recording.outcome != "ok":
            return
        if any(note.kind in ("continued", "restarted") for note in self.recording.notes):
            return  # two models' words
        costs = [attempt.cost for attempt in self.recording.attempts]
        cost = None if None in costs else sum(one for one in costs if one is not None)
        now = time()
        entry = Entry(packed(response), receipt.model, cost, now, now + self.settings.seconds)
        self.kernel.kept.put(self.key, entry)
        if self.settings.database and self.kernel.behind is not None:
            self.kernel.aside.start(self.kernel.behind.put(self.key, entry, self.owner))
        if self.said:
            self.kernel.alike.add(self.scope, self.said, self.key)


def _whole(response: Response, tools: bool) -> bool:
    """Whether it is an answer to the end, of words, and (unless `tools`) without calls."""
    if not response.choices:
        return False
    for choice in response.choices:
        if choice.finish != "stop" and not (tools and choice.finish == "tool_calls"):
            return False
        if any(isinstance(part, Opaque) or (isinstance(part, ToolCall) and not tools) for part in choice.message.parts):
            return False
    return True


class Remembered:
    """A stream that goes into the cache when it has ended well (see `kernel.arrival.Flow`)."""

    def __init__(self, flow: Flow, arrival: Arrival, keeping: Keeping, receipt: Receipt) -> None:
        self._flow = flow
        self._arrival = arrival
        self._keeping = keeping
        self._receipt = receipt
        self._pieces: list[bytes] = []
        self._size = 0

    async def next(self) -> bytes:
        """The next bytes for the client."""
        piece = await self._flow.next()
        if piece:
            self._size += len(piece)
            if self._size <= MOST:
                self._pieces.append(piece)
        elif self._pieces:
            self._keep()
        return piece

    def abort(self) -> None:
        """The client left."""
        self._pieces = []
        self._flow.abort()

    def cut(self, error: MeshError) -> bytes:
        """The gateway breaks it off."""
        self._pieces = []
        return self._flow.cut(error)

    def _keep(self) -> None:
        data, self._pieces = b"".join(self._pieces), []
        if self._size > MOST or self._keeping.recording.outcome != "ok":
            return
        request: Request = self._arrival.request
        decoder = self._arrival.dialect.stream_decoder(Target(request.model, self._receipt.model))
        try:
            response = fold(decoder.feed(data))
        except MeshError:
            return  # what cannot be read a second time has passed all the same, and is only not kept
        if decoder.ended and not formed(request):
            self._keeping.keep(response, self._receipt)
