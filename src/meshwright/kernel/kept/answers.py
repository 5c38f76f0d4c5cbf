"""Answers that are given again: found by a hash of everything that they depend on, within a bound of bytes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import msgspec

from meshwright.types.decision import Plan
from meshwright.types.request import Request
from meshwright.types.response import Response

_encode = msgspec.json.Encoder(order="deterministic").encode
_response = msgspec.json.Decoder(Response)
KEY_BYTES = 24


class Entry(msgspec.Struct, frozen=True):
    """A kept answer: its JSON, who served it, what it cost (nano-dollars, None: unknown), and its time, since 1970."""

    body: bytes
    model: str
    cost: int | None
    at: float
    until: float

    def response(self) -> Response:
        """The answer."""
        return _response.decode(self.body)

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self.body) + 300


def packed(response: Response) -> bytes:
    """An answer as it is kept: without the bytes that it came in, whose form is one dialect's."""
    return _encode(msgspec.structs.replace(response, source=None))


def key(request: Request, plan: Plan, *scope: str) -> bytes:
    """The hash of what an answer depends on: the request, the models that may answer it, and whose cache it is.

    How it is delivered (as a stream or whole), who the end user is said to be, and the caller's own labels make no
    difference.
    """
    asked = msgspec.structs.replace(
        request,
        stream=False,
        stream_usage=False,
        user="",
        metadata=None,
        cache=None,
        cache_key="",
        service_tier="",
        store=None,
        source=None,
    )
    models = sorted(set(plan.contacts()))
    return hashlib.blake2b(_encode((scope, plan.kind, models, asked)), digest_size=KEY_BYTES).digest()


class Kept:
    """One worker's kept answers, the latest used last; the oldest make room."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes, now: float) -> Entry | None:
        """The entry, if its time is not over."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.until <= now:
            self.drop(key)
            return None
        self._entries.move_to_end(key)
        return entry

    def put(self, key: bytes, entry: Entry) -> None:
        """Keep it; nothing that is larger than an eighth of all there is room for."""
        self.drop(key)
        if entry.size > self.most_bytes // 8:
            return
        self._entries[key] = entry
        self.bytes += entry.size
        while self.bytes > self.most_bytes:
            self.drop(next(iter(self._entries)))

    def drop(self, key: bytes) -> None:
        """Forget it."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= entry.size
