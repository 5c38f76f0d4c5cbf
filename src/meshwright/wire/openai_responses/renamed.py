"""A stream of the Responses API under our own name: its events about the response as a whole say who keeps it.

All other events keep their bytes. Source: https://platform.openai.com/docs/api-reference/responses-streaming.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from meshwright.wire.openai_responses.members import OBJECT
from meshwright.wire.openai_responses.resources import patched, said
from meshwright.wire.sse import EventCutter, event, events
from meshwright.wire.verbatim import is_object

ENDS = ("response.completed", "response.incomplete", "response.failed")


class RenamedResponse:
    """Puts `changes` into the response objects of a stream. `end` is the last of them, once it has passed."""

    def __init__(self, changes: Mapping[str, object]) -> None:
        self.end: bytes | None = None
        self._changes = dict(changes)
        self._cutter = EventCutter()

    def feed(self, data: bytes) -> bytes:
        """The client's bytes for the provider's: whole events only."""
        block = self._cutter.whole(data)
        if b'"response"' not in block:  # what a stream is mostly made of
            return block
        if b"\r" in block:
            block = b"".join(lines(block))
        return b"".join(self._one(one + b"\n\n") for one in block.split(b"\n\n") if one)

    def _one(self, whole: bytes) -> bytes:
        """One event under our name; what is none (a comment) or is not about the response as it came."""
        found = events(whole) if b'"response"' in whole else []
        if not found:
            return whole
        name, payload = found[0]
        try:
            members = OBJECT.decode(payload)
            response = members.get("response")
            if response is None or not is_object(response):
                return whole
            body = patched(response, self._changes)
            ends = said(members.get("type")) in ENDS
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return whole  # no event of this API: its reader may know what it is
        if ends:
            self.end = body
        return event(msgspec.json.encode({**members, "response": msgspec.Raw(body)}), name)

    def rest(self) -> bytes:
        """What is left when the stream is over."""
        return self._cutter.release()


def lines(block: bytes) -> list[bytes]:
    """The events of a block of whole events, each in one piece with lines that end alike."""
    return [event(payload, name) for name, payload in events(block)]
