"""How long a film is, in seconds: `mvhd` of MP4 and its kin (ISO/IEC 14496-12 section 8.2.2)."""

from __future__ import annotations

from meshwright.catalog.media.window import Window

MOST_BOXES = 200
LONGEST = 24 * 3600.0


def seconds(data: str) -> float | None:
    """Its length; None of what is no MP4 or QuickTime, or does not say it before its pieces."""
    window = Window(data)
    if window.at(4, 4) not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return None
    moov = _box(window, 0, window.size, b"moov")
    mvhd = _box(window, moov[0], moov[1], b"mvhd") if moov is not None else None
    if mvhd is None:
        return None
    place = mvhd[0]
    wide = window.number(place, 1) == 1
    scale = window.number(place + (20 if wide else 12), 4)
    length = window.number(place + (24 if wide else 16), 8 if wide else 4)
    if scale <= 0 or length <= 0:
        return None
    found = length / scale
    return found if found <= LONGEST else None


def _box(window: Window, place: int, end: int, wanted: bytes) -> tuple[int, int] | None:
    """Where what is in the box of that name begins and ends."""
    for _ in range(MOST_BOXES):
        if place + 8 > end:
            return None
        size, name, head = window.number(place, 4), window.at(place + 4, 4), 8
        if size == 1:
            size, head = window.number(place + 8, 8), 16
        elif size == 0:
            size = end - place
        if size < head:
            return None
        if name == wanted:
            return place + head, min(end, place + size)
        place += size
    return None
