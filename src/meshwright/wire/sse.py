"""Server-sent events, cut and joined as bytes (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import re

import msgspec

from meshwright.types.errors import UpstreamProtocol

MAX_EVENT = 16 * 1024 * 1024
UNSOUND = "An event of the provider's stream is not JSON; it was passed on as it came."
"""What a listener says of a stream that it passes through and could not translate."""

_ANY: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)
_LINES: msgspec.json.Decoder[tuple[msgspec.Raw]] = msgspec.json.Decoder(tuple[msgspec.Raw])
_DATA, _NEXT, _DONE = b"data: ", b"\n\ndata: ", b"\n\ndata: [DONE]"
SHORT = 500
"""Bytes of a block whose events are as quickly looked at one by one."""
_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\r\n\n|\n\r\n")


class EventCutter:
    """Cuts a byte stream into whole events; keeps the rest until its end arrives."""

    __slots__ = ("rest",)

    def __init__(self) -> None:
        self.rest = b""
        """Bytes of an event whose end has not come."""

    def whole(self, data: bytes) -> bytes:
        """The whole events that are there now, in one piece with their ends, and b"" if there is none."""
        kept = self.rest
        if kept:
            data = kept + data
        if data.endswith(b"\n\n"):  # nearly every read of nearly every provider
            self.rest = b""
            return data
        cut, fresh = 0, max(0, len(kept) - 3)  # what was kept has no end in it, but an end may begin there
        for match in _END.finditer(data, max(fresh, data.rfind(b"\n\n", fresh) - 2)):
            cut = match.end()
        self.rest = data[cut:]
        if len(self.rest) > MAX_EVENT:
            raise UpstreamProtocol(f"The provider sent an event of over {MAX_EVENT} bytes.")
        return data[:cut]

    def release(self) -> bytes:
        """Those bytes, which are no longer kept."""
        kept, self.rest = self.rest, b""
        return kept


def events(block: bytes) -> list[tuple[bytes, bytes]]:
    """(event name, data) of each event of a block of whole events; comments and other fields are left out."""
    found: list[tuple[bytes, bytes]] = []
    if b"\r" not in block:  # nearly every provider ends its lines so, and writes one line of data
        for event in block.split(b"\n\n"):
            if event.startswith(b"data: ") and b"\n" not in event:
                found.append((b"", event[6:]))
            elif event:
                _read(event, found)
        return found
    for event in _END.split(block):
        _read(event, found)
    return found


def _read(event: bytes, found: list[tuple[bytes, bytes]]) -> None:
    name, data = b"", []
    for line in event.splitlines():
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    if data:
        found.append((name, data[0] if len(data) == 1 else b"\n".join(data)))


def event(data: bytes, name: bytes = b"") -> bytes:
    """One event on the wire. `data` is JSON; what was kept as it came may stand on several lines."""
    data = one_line(data)
    return b"event: " + name + b"\ndata: " + data + b"\n\n" if name else b"data: " + data + b"\n\n"


def sound(block: bytes) -> bool:
    """Whether every event of a block of whole events tells JSON or the end mark of OpenAI's streams."""
    return _sound_at_a_glance(block) or all(is_json(data) or data.strip() == b"[DONE]" for _, data in events(block))


def _sound_at_a_glance(block: bytes) -> bool:
    """Whether it is made of plain events of one JSON value each, and maybe the end mark; False: look closer.

    Each event's data is put in brackets, on a line of its own. No JSON value reaches over such an end of a line, since
    an array does not go on after `]` with `[`: as many lists of one value as there are lines are one value in each.
    """
    if len(block) < SHORT or not block.startswith(_DATA) or not block.endswith(_NEXT[:2]) or b"\r" in block:
        return False
    told = block[len(_DATA) : -2].removesuffix(_DONE)
    lines = told.replace(_NEXT, b"]\n[")
    events = lines.count(b"\n") + 1
    if len(told) - len(lines) != (events - 1) * (len(_NEXT) - 3):
        return False  # an event has lines of other kinds
    try:
        return len(_LINES.decode_lines(b"[" + lines + b"]")) == events
    except (msgspec.DecodeError, RecursionError):
        return False


def is_json(data: bytes) -> bool:
    """Whether it is one JSON value. It is only looked over, nothing is made of it."""
    try:
        _ANY.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def one_line(data: bytes) -> bytes:
    """JSON on one line: within its strings line ends are escaped, so that those that are left are white space."""
    return data.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in data or b"\r" in data else data
