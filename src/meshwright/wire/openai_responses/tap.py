"""Listening to a stream that passes through unchanged."""

from __future__ import annotations

import re

import msgspec

from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Finish
from meshwright.types.usage import Usage
from meshwright.wire.dialect import Tap
from meshwright.wire.openai_responses.members import NULL, Members
from meshwright.wire.openai_responses.response_in import HEAD, Head, failed, reason_of
from meshwright.wire.openai_responses.stream_in import BEGINNINGS, CALLS, ENDS, EVENT, Event, problem, status_of
from meshwright.wire.openai_responses.usage import finish_in, usage_in
from meshwright.wire.reading import provider_json
from meshwright.wire.sse import UNSOUND, EventCutter, events, sound

_NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d{1,15})')


class ResponsesTap:
    """See `dialect.Tap`. Every stream of this dialect tells its usage, so the client gets every event."""

    def __init__(self, request: Request) -> None:
        del request  # whatever was asked for, nothing of the stream is held back
        self._cutter = EventCutter()
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.ended = False
        self.failed = ""
        self.model = ""
        self.id = ""
        self.last = b""
        """The events that passed last."""

    def feed(self, data: bytes) -> bytes:
        """The same bytes, whole events only. Raises UpstreamProtocol on a broken first or last event."""
        if self.ended:
            return self._cutter.release() + data
        block = self._cutter.whole(data)
        if not self.failed and not sound(block):
            self.failed = UNSOUND
        if block:
            self.last = block
            # Inside a string of JSON these quotes would be escaped: nothing but the members themselves matches.
            if b'"response"' in block or b'"error"' in block:
                self._listen(block)
        return block

    def _listen(self, block: bytes) -> None:
        for name, payload in events(block):
            if b'"response"' in payload or b'"error"' in payload:
                event = provider_json(EVENT, payload, "event")
                try:
                    self._event(event, event.type or name.decode("utf-8", "replace"))
                except msgspec.ValidationError as error:
                    raise UpstreamProtocol(f"The provider's stream ends in a broken answer: {error}.") from None

    def _event(self, event: Event, kind: str) -> None:
        if kind in BEGINNINGS or kind in ENDS:
            head = provider_json(HEAD, event.response, "answer")
            self.id, self.model = head.id or self.id, head.model or self.model
            if kind in ENDS:
                self._end(head, kind)
        elif kind == "error" or (event.error != NULL and not kind.startswith("response.")):
            self.failed, _ = problem(event)
            self.ended = True

    def _end(self, head: Head, kind: str) -> None:
        self.ended = True
        if head.usage != NULL:
            self.usage, _ = usage_in(head.usage, "usage")
        if kind == "response.failed" or head.status == "failed":
            self.failed = failed(head).message
            return
        calls = any(Members(item, "output").text("type") in CALLS for item in head.output or ())
        self.finish = finish_in(status_of(head, kind), reason_of(head), calls=calls) or "unknown"


def following(tap: Tap, ours: bytes) -> bytes:
    """One event of ours, which thinks that it is the first, with the number after the last one that passed."""
    numbers = _NUMBER.findall(tap.last) if isinstance(tap, ResponsesTap) else []
    return (
        ours.replace(b'"sequence_number":0', b'"sequence_number":%d' % (int(numbers[-1]) + 1), 1) if numbers else ours
    )
