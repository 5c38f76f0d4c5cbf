"""How many pages a PDF has, without reading it: by what its page tree or its linearization says (ISO 32000-1).

The root of the page tree has the count of all (section 7.7.3.2), and stands in most files near one of their ends, plain
or inside a compressed stream of objects (section 7.5.7); a linearized file says it in its first kilobyte (annex F).
Whatever a file holds, the search is bounded: no expression looks far, and few places are looked at twice.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_left
from itertools import islice

from meshwright.catalog.media.window import Window

ENDS = 256 * 1024
"""Bytes of either end that are looked at."""
MOST_STREAMS = 8
"""Streams of objects that are unpacked at either end."""
UNPACKED = 128 * 1024
"""Bytes that one of them may unpack to; the rest of it is left."""
MOST_COUNTS = 2_000
"""Of both ends together; a quarter of them in a stream of objects."""
REACH = 2_000
"""Bytes around a count within which its dictionary begins and ends."""
MOST = 20_000
LEAST_BYTES = 40
"""Of a page, however well it is packed: a count that leaves less for each of them is not believed."""
_LINEAR = re.compile(rb"/Linearized\b[^>]{0,400}?/N\s{1,9}(\d{1,6})")
_COUNT = re.compile(rb"/Count\s{1,9}(\d{1,6})")
_NODE = re.compile(rb"/Type\s{0,9}/Pages\b")
_LEAF = re.compile(rb"/Type\s{0,9}/Page\b(?!s)")
_OBJECTS = re.compile(rb"/Type\s{0,9}/ObjStm\b")


def pages(data: str) -> int | None:
    """Its pages; None where they are not told, or not believed."""
    window = Window(data)
    start = window.at(0, 1024)
    if b"%PDF-" not in start:
        return None
    if (said := _LINEAR.search(start)) is not None:
        return _believed(int(said[1]), window.size)
    whole = window.at(0, ENDS)
    if window.size > ENDS:
        whole += b"\n" + window.at(max(ENDS, window.size - ENDS), ENDS)
    found = _told(whole, MOST_COUNTS)
    if found is None:
        inside = (_told(_unpacked(one), MOST_COUNTS // 4) for one in _streams(whole))
        found = max((told for told in inside if told is not None), default=None)
    if found is None and window.size <= 2 * ENDS:
        found = sum(1 for _ in islice(_LEAF.finditer(whole), MOST)) or None
    return _believed(found, window.size) if found is not None else None


def _told(text: bytes, most: int) -> int | None:
    """The largest count of a node of the page tree: that of its root, which has all others below it."""
    found = None
    # Nodes are looked for once, and not anew around each count.
    nodes = [one.start() for one in _NODE.finditer(text)]
    for one in islice(_COUNT.finditer(text), most) if nodes else ():
        start = text.rfind(b"<<", max(0, one.start() - REACH), one.start())
        end = text.find(b">>", one.end(), one.end() + REACH)
        node = bisect_left(nodes, start)
        if start >= 0 and node < len(nodes) and nodes[node] < end:
            found = max(found or 0, int(one[1]))
    return found


def _streams(text: bytes) -> list[bytes]:
    """The streams of objects nearest to both ends, packed as they are."""
    places = [one.end() for one in islice(_OBJECTS.finditer(text), MOST_COUNTS)]
    found = []
    for place in dict.fromkeys((*places[:MOST_STREAMS], *places[-MOST_STREAMS:])):
        begins = text.find(b"stream", place, place + REACH)
        if begins >= 0:
            begins += len(b"stream")
            begins += 2 if text[begins : begins + 2] == b"\r\n" else 1
            found.append(text[begins : begins + UNPACKED])
    return found


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, UNPACKED)
    except zlib.error:
        return b""


def _believed(count: int, size: int) -> int | None:
    return count if 0 < count <= min(MOST, size // LEAST_BYTES) else None
