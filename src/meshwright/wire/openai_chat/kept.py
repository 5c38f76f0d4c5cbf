"""Chats as they are kept: their streams under our own name, and their messages as they are listed.

Source: https://platform.openai.com/docs/api-reference/chat/list and .../chat/getMessages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw

from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.wire.dialect import Target
from meshwright.wire.fold import Folding
from meshwright.wire.openai_chat.response_out import encode_response
from meshwright.wire.openai_chat.stream_in import stream_decoder
from meshwright.wire.sse import EventCutter, event, events

_OBJECT: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


class RenamedChat:
    """Puts `changes` into each chunk of a stream. `end` is the whole completion, once the end mark has passed."""

    def __init__(self, changes: Mapping[str, object], request: Request) -> None:
        self.end: bytes | None = None
        self._changes = dict(changes)
        self._request = request
        self._cutter = EventCutter()
        self._decoder = stream_decoder(Target("", ""))
        self._folding = Folding()
        self._listens = True

    def feed(self, data: bytes) -> bytes:
        """The client's bytes for the provider's: whole events only."""
        block = self._cutter.whole(data)
        if not block:
            return b""
        if self._listens:
            self._listen(block)
        made = []
        for one in block.replace(b"\r\n", b"\n").split(b"\n\n"):
            found = events(one + b"\n\n")
            if not found or not found[0][1].startswith(b"{"):
                made.append(one + b"\n\n" if one else b"")
                continue
            try:
                members = _OBJECT.decode(found[0][1])
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                made.append(one + b"\n\n")
                continue
            changes = self._changes if "choices" in members else {}
            made.append(event(msgspec.json.encode({**members, **changes}), found[0][0]))
        return b"".join(made)

    def _listen(self, block: bytes) -> None:
        """Add up what is said. What breaks its dialect is the client's to see, and nothing to keep."""
        try:
            for delta in self._decoder.feed(block):
                self._folding.add(delta)
        except UpstreamProtocol:
            self._listens = False
            return
        if self._decoder.ended:
            self._listens = False
            if self._folding.failed is None:
                whole = msgspec.structs.replace(self._request, stream=False)
                self.end = patched(encode_response(self._folding.response(), whole).body, self._changes)

    def rest(self) -> bytes:
        """What is left when the stream is over."""
        return self._cutter.release()


def patched(body: bytes, changes: Mapping[str, object]) -> bytes:
    """A completion with these members in place of its own."""
    return msgspec.json.encode({**_OBJECT.decode(body), **changes})


def listed(messages: Sequence[Raw], id: str) -> list[dict[str, object]]:
    """The messages of a stored chat as the API lists them: each with an id, a list of parts beside its text."""
    found: list[dict[str, object]] = []
    for place, raw in enumerate(messages):
        members: dict[str, object] = dict(_OBJECT.decode(raw))
        content = members.get("content")
        if isinstance(content, Raw) and bytes(memoryview(content)[:1]) == b"[":
            members |= {"content": None, "content_parts": content}
        members.setdefault("content", None)
        members.setdefault("refusal", None)
        members.setdefault("role", "user")
        members["id"] = f"{id}-{place}"
        found.append(members)
    return found
