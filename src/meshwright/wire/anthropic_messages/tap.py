"""Listening to a stream of this dialect that goes to a client of this dialect unchanged.

The API tells usage in every stream, so nothing is taken out.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Finish
from meshwright.types.usage import Usage
from meshwright.wire.anthropic_messages.errors import decode_error
from meshwright.wire.anthropic_messages.response import FINISHES
from meshwright.wire.anthropic_messages.usage import COUNTS, Counts
from meshwright.wire.sse import UNSOUND, EventCutter, events, sound
from meshwright.wire.verbatim import NOTHING, present


class _Message(msgspec.Struct):
    """`message` of message_start."""

    id: str = ""
    model: str = ""
    usage: Raw = NOTHING


class _Close(msgspec.Struct):
    stop_reason: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    message: _Message | None = None
    delta: _Close | None = None
    usage: Raw = NOTHING


_EVENT: msgspec.json.Decoder[_Event] = msgspec.json.Decoder(_Event)


class Listener:
    """The Tap of this dialect."""

    __slots__ = ("_counts", "_cutter", "ended", "failed", "finish", "id", "model", "usage")

    def __init__(self, request: Request) -> None:
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.ended = False
        self.failed = ""
        self.model = ""
        self.id = ""
        self._counts = Counts()
        self._cutter = EventCutter()

    def feed(self, data: bytes) -> bytes:
        """The whole events of `data`, unchanged. Raises UpstreamProtocol on one over the limit or malformed."""
        block = self._cutter.whole(data)
        if not self.failed and not sound(block):
            self.failed = UNSOUND
        # Nearly all of a stream is content; only these events say something about it.
        if b"message_" in block or b"error" in block:
            for name, event in events(block):
                if b"message_" in event or b"error" in event or name in (b"message_stop", b"error"):
                    self._hear(name, event)
        return block

    def _hear(self, name: bytes, data: bytes) -> None:
        try:
            event = _EVENT.decode(data)
            kind = event.type or name.decode()
            if kind == "message_start" and event.message is not None:
                self.id, self.model = event.message.id, event.message.model
                self._count(event.message.usage)
            elif kind == "message_delta":
                self._count(event.usage)
                if event.delta is not None and event.delta.stop_reason is not None:
                    self.finish = FINISHES.get(event.delta.stop_reason, "unknown")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocol(f"The provider's stream is not what its dialect promises: {error}.") from None
        if kind == "message_stop":
            self.ended = True
        elif kind == "error":
            self.ended = True
            self.failed = decode_error(502, data, None).message

    def _count(self, raw: Raw) -> None:
        if present(raw):
            self._counts = self._counts.updated(COUNTS.decode(raw))
            self.usage = self._counts.usage()
