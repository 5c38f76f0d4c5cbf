"""Listening to a stream of this dialect that goes to a client of this dialect unchanged."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Finish
from meshwright.types.usage import Usage
from meshwright.wire.openai_completions.errors import decode_error
from meshwright.wire.openai_completions.shape import finish_in
from meshwright.wire.openai_completions.stream_in import DONE
from meshwright.wire.openai_completions.usage import usage_in
from meshwright.wire.sse import UNSOUND, EventCutter, events, sound
from meshwright.wire.verbatim import NOTHING, present


class _Choice(msgspec.Struct, frozen=True):
    finish_reason: str | None = None


class _Heard(msgspec.Struct, frozen=True):
    """What a listener wants of a piece."""

    id: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: Raw = NOTHING
    error: Raw = NOTHING


_HEARD: msgspec.json.Decoder[_Heard] = msgspec.json.Decoder(_Heard)


class Listener:
    """The Tap of this dialect. A piece with nothing but the usage is kept from a client that did not ask for it."""

    __slots__ = ("_cutter", "_wanted", "ended", "failed", "finish", "id", "model", "usage")

    def __init__(self, request: Request) -> None:
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.ended = False
        self.failed = ""
        self.model = ""
        self.id = ""
        self._wanted = request.stream_usage
        self._cutter = EventCutter()

    def feed(self, data: bytes) -> bytes:
        """What the client gets of `data`. Raises UpstreamProtocol on an event over the limit or malformed."""
        if self.ended:
            return self._cutter.release() + data
        block = self._cutter.whole(data)
        if self._cutter.rest.strip() == b"data: " + DONE:
            self.ended = True
            return self._said(block) + self._cutter.release()
        return self._said(block)

    def _said(self, block: bytes) -> bytes:
        """Listen to whole events; those that the client did not ask for are left out."""
        if not self.failed and not sound(block):
            self.failed = UNSOUND
        if b"\r" in block or self._wanted or b'"usage"' not in block:
            for name, payload in events(block):
                self._hear(name, payload)
            return block
        single = (one + b"\n\n" for one in block.split(b"\n\n")[:-1])
        return b"".join(one for one in single if all(self._hear(*heard) for heard in events(one)))

    def _hear(self, name: bytes, payload: bytes) -> bool:
        """Whether the client is to have it."""
        if payload.strip() == DONE:
            self.ended = True
            return True
        try:
            heard = _HEARD.decode(payload)
            self.usage = usage_in(heard.usage) or self.usage
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocol(f"The provider's stream is not what its dialect promises: {error}.") from None
        if name == b"error" or present(heard.error):
            self.ended = True
            self.failed = decode_error(502, payload, None).message
        self.id, self.model = self.id or heard.id or "", self.model or heard.model or ""
        for choice in heard.choices or ():
            self.finish = finish_in(choice.finish_reason) or self.finish
        return bool(heard.choices) or not present(heard.usage)
