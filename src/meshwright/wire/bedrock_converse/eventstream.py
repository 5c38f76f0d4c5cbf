"""The binary frames of `application/vnd.amazon.eventstream`, cut, checked and made.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html. A frame is: length of all (4 bytes), length of the headers
(4), CRC-32 of these eight bytes (4), headers, payload, CRC-32 of everything before it (4); numbers are big-endian. A
header is: length of its name (1), name, type of its value (1), value.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from zlib import crc32

import msgspec

from meshwright.types.errors import UpstreamProtocol

MEDIA_TYPE = "application/vnd.amazon.eventstream"
MAX_HEADERS = 128 * 1024
"""Bytes of all headers of a frame."""
MAX_PAYLOAD = 24 * 1024 * 1024
"""Bytes of a frame's payload."""

_AROUND = 16
"""Bytes of a frame that are neither header nor payload."""
_PRELUDE = struct.Struct(">III")
_LENGTHS = struct.Struct(">II")
_NUMBER = struct.Struct(">I")
_SHORT = struct.Struct(">H")
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of the values of each type that is no text (booleans, integers, a time, a UUID)."""
_BYTES, _TEXT = 6, 7
_MAX_NAME = 255
_MAX_TEXT = 32 * 1024 - 1


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A checked frame. `headers` are those with text as their value; others are checked and left out."""

    headers: dict[str, str]
    payload: bytes

    @property
    def kind(self) -> str:
        """ "event", "exception" or "error"."""
        return self.headers.get(":message-type", "event")

    @property
    def name(self) -> str:
        """The event's name, the exception's, or the error's code."""
        found = self.headers
        return found.get(":event-type") or found.get(":exception-type") or found.get(":error-code") or ""


class FrameCutter:
    """Cuts a byte stream into frames; keeps the rest until its end arrives."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> tuple[list[Frame], bytes]:
        """The frames that are whole now, and their bytes in one piece. Raises UpstreamProtocol on a damaged one."""
        if self._kept:
            data = self._kept + data
        frames: list[Frame] = []
        start, end = 0, len(data)
        view = memoryview(data)
        while end - start >= 12:
            total = _checked_length(view, start)
            if end - start < total:
                break
            frames.append(_frame(data, view, start, total))
            start += total
        self._kept = data[start:]
        return frames, data[:start]

    @property
    def rest(self) -> bytes:
        """Bytes of a frame whose end has not come."""
        return self._kept


def _checked_length(view: memoryview, start: int) -> int:
    """The frame's length, when its prelude is whole and sane: nothing is kept for one that cannot be right."""
    total, headers, checksum = _PRELUDE.unpack_from(view, start)
    if crc32(view[start : start + 8]) != checksum:
        raise UpstreamProtocol("The provider's event stream is damaged: the checksum of a frame's lengths is wrong.")
    if headers > MAX_HEADERS or total < headers + _AROUND or total - headers - _AROUND > MAX_PAYLOAD:
        raise UpstreamProtocol(f"The provider's event stream has a frame of {total} bytes, {headers} of them headers.")
    return int(total)


def _frame(data: bytes, view: memoryview, start: int, total: int) -> Frame:
    end = start + total - 4
    if crc32(view[start:end]) != _NUMBER.unpack_from(view, end)[0]:
        raise UpstreamProtocol("The provider's event stream is damaged: the checksum of a frame is wrong.")
    head = start + 12 + _LENGTHS.unpack_from(view, start)[1]
    try:
        return Frame(_headers(data[start + 12 : head]), data[head:end])
    except (IndexError, struct.error, UnicodeDecodeError):
        raise UpstreamProtocol("The provider's event stream has a frame with malformed headers.") from None


# Nearly all frames of a stream have one of half a dozen heads, so reading them costs a look-up.
@lru_cache(maxsize=256)
def _headers(block: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    names: set[str] = set()
    place, end = 0, len(block)
    while place < end:
        size = block[place]
        name = block[place + 1 : place + 1 + size].decode()
        place += 1 + size
        kind = block[place]
        place += 1
        if kind in (_BYTES, _TEXT):
            length = _SHORT.unpack_from(block, place)[0]
            place += 2 + length
            if kind == _TEXT and place <= end:
                found[name] = block[place - length : place].decode()
        elif kind in _SIZES:
            place += _SIZES[kind]
        else:
            raise IndexError(f"no type {kind}")
        if place > end or name in names or not size:
            raise IndexError("beyond the end, or twice")
        names.add(name)
    return found


@lru_cache(maxsize=64)
def _head(headers: tuple[tuple[str, str], ...]) -> bytes:
    out = []
    for name, value in headers:
        spelled, said = name.encode(), value.encode()
        if not 0 < len(spelled) <= _MAX_NAME or len(said) > _MAX_TEXT:
            raise ValueError(f"The header {name[:40]} does not fit into a frame.")
        out.append(bytes((len(spelled),)) + spelled + bytes((_TEXT,)) + _SHORT.pack(len(said)) + said)
    return b"".join(out)


def frame(headers: Iterable[tuple[str, str]], payload: bytes) -> bytes:
    """A frame with text headers. Raises ValueError for a header that does not fit."""
    head = _head(tuple(headers))
    lengths = _LENGTHS.pack(len(head) + len(payload) + _AROUND, len(head))
    whole = b"".join((lengths, _NUMBER.pack(crc32(lengths)), head, payload))
    return whole + _NUMBER.pack(crc32(whole))


def event(name: str, payload: bytes) -> bytes:
    """The frame of an event with a JSON payload."""
    return frame(((":event-type", name), (":content-type", "application/json"), (":message-type", "event")), payload)


def exception(name: str, payload: bytes) -> bytes:
    """The frame that ends a stream with an error."""
    return frame(
        ((":exception-type", name), (":content-type", "application/json"), (":message-type", "exception")), payload
    )
