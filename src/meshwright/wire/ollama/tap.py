"""Listening to a stream of this dialect that goes to a client of this dialect unchanged.

The last line always tells the usage, so nothing is taken out.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Finish
from meshwright.types.usage import Usage
from meshwright.wire.ollama.answer import finish_in, usage_in
from meshwright.wire.ollama.errors import decode_error
from meshwright.wire.ollama.lines import LineCutter
from meshwright.wire.ollama.shapes import Line
from meshwright.wire.ollama.stream_in import last
from meshwright.wire.sse import UNSOUND, is_json
from meshwright.wire.verbatim import NOTHING, present


class _Heard(msgspec.Struct):
    """What a listener wants of a line."""

    model: str | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: Raw = NOTHING


_HEARD: msgspec.json.Decoder[_Heard] = msgspec.json.Decoder(_Heard)
_CALLS = b'"tool_calls":['
"""Within a string its quotation marks are escaped, so only a member looks like this."""


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
        self._cutter = LineCutter()

    def feed(self, data: bytes) -> bytes:
        """The whole lines of `data`, unchanged. Raises UpstreamProtocol on one over the limit or malformed."""
        if self.ended:
            return self._cutter.release() + data
        block = self._cutter.whole(data)
        if self._cutter.rest.rstrip().endswith(b"}") and last(self._cutter.rest):
            block += self._cutter.release()
        if not block:
            return block
        if not self.failed and not all(is_json(line) for line in block.split(b"\n") if line.strip()):
            self.failed = UNSOUND
        self._called = self._called or _CALLS in block
        # Nearly all of a stream is content; only the first line and the last say something about it.
        if not self.model or b'"done":true' in block or b'"done": true' in block or b'"error"' in block:
            for line in block.split(b"\n"):
                if line and not line.isspace() and not self.ended:
                    self._hear(line)
        return block

    def _hear(self, data: bytes) -> None:
        try:
            heard = _HEARD.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocol(f"The provider's stream is not what its dialect promises: {error}.") from None
        self.model = self.model or heard.model or ""
        if present(heard.error):
            self.ended = True
            self.failed = decode_error(502, data, None).message
        elif heard.done:
            self.ended = True
            self.usage = usage_in(Line(prompt_eval_count=heard.prompt_eval_count, eval_count=heard.eval_count))
            self.finish = finish_in(heard.done_reason, self._called)
