"""Width and height of a picture by its header.

Sources: PNG (ISO/IEC 15948) section 11.2.2, JPEG (ITU-T T.81) annex B, GIF89a section 18, and WebP (RFC 9649) section
2.
"""

from __future__ import annotations

from meshwright.catalog.media.window import Window

LONGEST = 65_535
"""Pixels of a side; what claims to be longer is not believed."""
MOST_SEGMENTS = 400
"""Of a JPEG that are stepped over: profiles and previews come in pieces of 64 kB."""
# Frame headers of T.81, table B.1: all but DHT (C4), JPG (C8) and DAC (CC), which lie among them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers without a length: fillers, restarts, and the beginning.
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})


def size(data: str) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, JPEG, GIF or WebP in base64."""
    window = Window(data)
    head = window.at(0, 32)
    found = None
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        found = _png(head)
    elif head.startswith(b"\xff\xd8"):
        found = _jpeg(window)
    elif head.startswith((b"GIF87a", b"GIF89a")) and len(head) >= 10:
        found = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        found = _webp(head)
    if found is None or not (0 < found[0] <= LONGEST and 0 < found[1] <= LONGEST):
        return None
    return found


def _png(head: bytes) -> tuple[int, int] | None:
    if len(head) < 24 or head[12:16] != b"IHDR":
        return None
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _jpeg(window: Window) -> tuple[int, int] | None:
    """Segment by segment to the frame header; a preview inside one of them is stepped over with it."""
    place = 2
    for _ in range(MOST_SEGMENTS):
        found = window.at(place, 4)
        if len(found) < 4 or found[0] != 0xFF:
            return None
        marker = found[1]
        if marker == 0xFF or marker in _BARE:
            place += 1 if marker == 0xFF else 2
            continue
        if marker in _FRAMES:
            height, width = window.number(place + 5, 2), window.number(place + 7, 2)
            return (width, height) if min(width, height) > 0 else None
        if marker in (0xD9, 0xDA):  # the end, or the picture itself, before anything said how large it is
            return None
        length = int.from_bytes(found[2:4], "big")
        if length < 2:
            return None
        place += 2 + length
    return None


def _webp(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X" and len(head) >= 30:
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L" and len(head) >= 25 and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(head) >= 30 and head[23:26] == b"\x9d\x01\x2a":
        width, height = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
        return width & 0x3FFF, height & 0x3FFF
    return None
