"""Listening to a stream of this dialect that goes to a client of this dialect unchanged.

The API tells usage in every stream, so nothing is taken out; answers have no id and no model's name.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Finish
from meshwright.types.usage import Usage
from meshwright.wire.bedrock_converse.eventstream import Frame, FrameCutter
from meshwright.wire.bedrock_converse.response import FINISHES
from meshwright.wire.bedrock_converse.stream_in import failure
from meshwright.wire.bedrock_converse.usage import usage_in
from meshwright.wire.sse import UNSOUND, is_json
from meshwright.wire.verbatim import NOTHING, present


class _Told(msgspec.Struct, rename="camel"):
    stop_reason: str | None = None
    usage: Raw = NOTHING


_TOLD: msgspec.json.Decoder[_Told] = msgspec.json.Decoder(_Told)
_CONTENT = ("contentBlockDelta", "contentBlockStart", "contentBlockStop")


class Listener:
    """The Tap of this dialect."""

    __slots__ = ("_cutter", "ended", "failed", "finish", "id", "model", "usage")

    def __init__(self, request: Request) -> None:
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.ended = False
        self.failed = ""
        self.model = ""
        self.id = ""
        self._cutter = FrameCutter()

    def feed(self, data: bytes) -> bytes:
        """The whole frames of `data`, unchanged. Raises UpstreamProtocol on one that is damaged or over the limit."""
        frames, whole = self._cutter.feed(data)
        for frame in frames:
            if frame.headers.get(":event-type") not in _CONTENT:
                self._hear(frame)
            elif not self.failed and not is_json(frame.payload):
                self.failed = UNSOUND
        return whole

    def _hear(self, frame: Frame) -> None:
        if frame.kind != "event":
            self.ended = True
            self.failed = failure(frame).message
            return
        if frame.name not in ("messageStop", "metadata"):
            return
        try:
            told = _TOLD.decode(frame.payload)
            if present(told.usage):
                self.usage = usage_in(told.usage)[0]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocol(f"The provider's stream is not what its dialect promises: {error}.") from None
        if told.stop_reason is not None:
            self.finish = FINISHES.get(told.stop_reason, "unknown")
        self.ended = self.ended or frame.name == "metadata"
