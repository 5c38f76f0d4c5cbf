"""Listening to a stream of this dialect that goes to a client of this dialect unchanged.

The last event always tells the usage, so nothing is taken out.
"""

from __future__ import annotations

import msgspec

from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Finish
from meshwright.types.usage import Usage
from meshwright.wire.cohere.errors import decode_error
from meshwright.wire.cohere.response import finish_in
from meshwright.wire.cohere.stream_in import EVENT
from meshwright.wire.cohere.usage import usage_in
from meshwright.wire.sse import UNSOUND, EventCutter, events, sound
from meshwright.wire.verbatim import present


class Listener:
    """The Tap of this dialect."""

    __slots__ = ("_called", "_cutter", "ended", "failed", "finish", "id", "model", "usage")

    def __init__(self, request: Request) -> None:
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.ended = False
        self.failed = ""
        self.model = ""
        self.id = ""
        self._called = False
        self._cutter = EventCutter()

    def feed(self, data: bytes) -> bytes:
        """The whole events of `data`, unchanged. Raises UpstreamProtocol on one over the limit or malformed."""
        block = self._cutter.whole(data)
        if not self.failed and not sound(block):
            self.failed = UNSOUND
        self._called = self._called or b'"tool-call-start"' in block
        # Nearly all of a stream is content; only its first event and its last, or an error, say something about it.
        if b"message-" in block or b'"type"' not in block:
            for name, event in events(block):
                if not self.ended and (b"message-" in event or b'"type"' not in event):
                    self._hear(name, event)
        return block

    def _hear(self, name: bytes, data: bytes) -> None:
        if data.strip() == b"[DONE]":
            return
        try:
            event = EVENT.decode(data)
            kind = event.type or name.decode()
            if kind == "message-start":
                self.id, self.model = event.id or "", event.model or ""
            elif kind == "message-end":
                self.ended = True
                if event.delta is not None and present(event.delta.error):
                    said = bytes(event.delta.error)
                    self.failed = (msgspec.json.decode(said) if said[:1] == b'"' else said.decode())[:2_000]
                elif event.delta is not None:
                    if present(event.delta.usage):
                        self.usage = usage_in(event.delta.usage)[0]
                    if event.delta.finish_reason is not None:
                        self.finish = finish_in(event.delta.finish_reason, self._called)[0]
            elif not kind and event.delta is None:
                self.ended = True
                self.failed = decode_error(502, data, None).message
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocol(f"The provider's stream is not what its dialect promises: {error}.") from None
