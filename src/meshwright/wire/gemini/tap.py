"""Listening to a stream of this dialect that goes to a client of this dialect unchanged.

The API tells usage in every stream, so nothing is taken out. When a stream is over: see `stream_in`.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Finish
from meshwright.types.usage import Usage
from meshwright.wire.gemini.finishes import finish_in
from meshwright.wire.gemini.response_in import blocking, content_in
from meshwright.wire.gemini.stream_in import RUNS, bare_error, failure, goes_on
from meshwright.wire.gemini.usage import COUNTS
from meshwright.wire.sse import EventCutter, events
from meshwright.wire.verbatim import NOTHING, present


class _Part(msgspec.Struct, rename="camel", gc=False):
    function_call: Raw = NOTHING


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, rename="camel", gc=False):
    content: Raw = NOTHING
    index: int = 0
    finish_reason: str | None = None


class _Chunk(msgspec.Struct, rename="camel", gc=False):
    candidates: list[_Candidate] | None = None
    prompt_feedback: Raw = NOTHING
    usage_metadata: Raw = NOTHING
    model_version: str = ""
    response_id: str = ""
    error: Raw = NOTHING


_CHUNK: msgspec.json.Decoder[_Chunk] = msgspec.json.Decoder(_Chunk)
_CONTENT: msgspec.json.Decoder[_Content] = msgspec.json.Decoder(_Content)


class Listener:
    """The Tap of this dialect."""

    __slots__ = ("_called", "_cutter", "_finished", "ended", "failed", "finish", "id", "model", "usage")

    def __init__(self, request: Request) -> None:
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.ended = False
        self.failed = ""
        self.model = ""
        self.id = ""
        self._called: set[int] = set()
        """Candidates that called a tool."""
        self._finished: dict[int, bool] = {}
        self._cutter = EventCutter()

    def feed(self, data: bytes) -> bytes:
        """The whole events of `data`, unchanged. Raises UpstreamProtocol on one over the limit or malformed."""
        block = self._cutter.whole(data)
        for _, event in events(block) if block else ():
            self._hear(event)
        rest = self._cutter.rest
        for _, event in bare_error(self._cutter):
            self._hear(event)
            block += rest
        return block

    def _hear(self, data: bytes) -> None:
        try:
            chunk = _CHUNK.decode(data)
            if present(chunk.error):
                self.failed = failure(data, chunk.error).message
                self.ended = True
                return
            if present(chunk.usage_metadata):
                self.usage = COUNTS.decode(chunk.usage_metadata).usage()
            blocked = present(chunk.prompt_feedback) and blocking(chunk.prompt_feedback) is not None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocol(f"The provider's stream is not what its dialect promises: {error}.") from None
        self.id = self.id or chunk.response_id
        self.model = self.model or chunk.model_version
        for candidate in chunk.candidates or ():
            if _calls(candidate.content):
                self._called.add(candidate.index)
            over = candidate.finish_reason is not None and not _goes_on(candidate)
            self._finished[candidate.index] = over or self._finished.get(candidate.index, False)
            if candidate.finish_reason is not None and (self.finish is None or not candidate.index):
                self.finish = finish_in(candidate.finish_reason, candidate.index in self._called)[0]
        if blocked and not self._finished:
            self.finish, self.ended = "content_filter", True
        elif self._finished and all(self._finished.values()) and self.usage is not None:
            self.ended = True


def _goes_on(candidate: _Candidate) -> bool:
    """Whether it stops only for a tool that the provider runs (see `stream_in`)."""
    content = bytes(candidate.content)
    if candidate.finish_reason != "STOP" or not any(b'"%b"' % kind.encode() in content for kind in RUNS):
        return False
    try:
        reads, _ = content_in(candidate.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UpstreamProtocol):
        return False
    return bool(reads) and goes_on(reads[-1])


def _calls(content: Raw) -> bool:
    """Whether a candidate calls a tool in this chunk."""
    if b'"functionCall"' not in bytes(content):
        return False
    try:
        return any(present(part.function_call) for part in _CONTENT.decode(content).parts or ())
    except msgspec.ValidationError:
        return False  # an unusual form: its bytes go to the client, which may know it
