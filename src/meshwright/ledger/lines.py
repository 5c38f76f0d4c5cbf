"""The journal's line: what one looks like, how it is checked, and what the names of its segment files say.

A line is a JSON object, a tab, the CRC-32 of the object's bytes as a decimal number, and a newline:

    {"v":1,"k":"b","d":{"id":"…","at":…,"principal":"…"}}<TAB>2864434397
    {"v":1,"k":"h","d":{"id":"…","model":"…","charges":{"…":…}}}<TAB>1985229328
    {"v":1,"k":"e","d":{…a Trace…}}<TAB>305419896

`v` is the version of the format and `k` the kind: "b" when a request begins, "h" before it may spend more than it could
until then (the last of them counts if it never ends), "e" when it ended. JSON has neither a bare
tab nor a bare newline, so both always separate. `grep ID *.jsonl` works, and so does `jq objects` (the check is a JSON
number of its own).

A segment file is called `<boot>-<writer>-<n>.jsonl`: `boot` is new for each Journal and sorts by time, `n` counts its
rotations from 0.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from meshwright.types.decision import Trace

VERSION = 1
OPENING = ".opening"
"""The suffix of a segment that is not locked yet, and so not one for the importer."""
WRITER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SEGMENT = re.compile(r"([0-9a-f]+)-([A-Za-z0-9][A-Za-z0-9_.-]{0,63})-(\d+)\.jsonl")


class Begin(msgspec.Struct, frozen=True):
    """A request began at `at` (seconds since 1970) for the principal of that id."""

    id: str
    at: float
    principal: str


class Hold(msgspec.Struct, frozen=True):
    """A request is about to ask a model. If it never ends, it counts for `charges`: the worst case by account."""

    id: str
    model: str
    charges: Mapping[str, int]


class _Line(msgspec.Struct, frozen=True):
    v: int
    k: str
    d: msgspec.Raw


class Ended(msgspec.Struct, frozen=True):
    """A trace and the JSON that it was read from."""

    trace: Trace
    raw: bytes


class Segment(msgspec.Struct, frozen=True, order=True):
    """One segment file; they sort by boot, writer and number, which is the order of writing."""

    boot: str
    writer: str
    n: int

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.boot}-{self.writer}-{self.n}.jsonl"

    @property
    def life(self) -> str:
        """Names one life of one writer: its segments follow each other."""
        return f"{self.boot}-{self.writer}"


_line = msgspec.json.Decoder(_Line)
_begin = msgspec.json.Decoder(Begin)
_hold = msgspec.json.Decoder(Hold)
_trace = msgspec.json.Decoder(Trace)


class DamagedLine(ValueError):
    """A line that is not what was written: says in which way."""


def head(kind: Literal["b", "h", "e"]) -> bytes:
    """What stands before the value in a line of that kind."""
    return b'{"v":%d,"k":"%b","d":' % (VERSION, kind.encode())


_END = head("e")


def parse(line: bytes) -> Begin | Hold | Ended:
    """Check and decode one whole line, with or without its newline. Raises DamagedLine."""
    body, tab, check = line.rstrip(b"\n").rpartition(b"\t")
    if not tab or not check.isdigit() or int(check[:20]) != zlib.crc32(body):
        raise DamagedLine("the check sum does not match")
    try:
        if body.startswith(_END):  # half of all lines, and those that are long: their value is read once
            raw = body[len(_END) : -1]
            return Ended(_trace.decode(raw), raw)
        outer = _line.decode(body)
        if outer.v != VERSION:
            raise DamagedLine(f"format version {outer.v}, this program reads {VERSION}")
        raw = bytes(outer.d)
        if outer.k == "b":
            return _begin.decode(raw)
        if outer.k == "h":
            return _hold.decode(raw)
        if outer.k == "e":
            return Ended(_trace.decode(raw), raw)
    except msgspec.DecodeError as problem:
        raise DamagedLine(str(problem)) from problem
    raise DamagedLine(f"unknown kind {outer.k!r}")


def segments(directory: Path) -> list[Segment]:
    """The segments in a directory, in order of writing; empty when there is no such directory."""
    if not directory.is_dir():
        return []
    matches = (_SEGMENT.fullmatch(path.name) for path in directory.iterdir())
    return sorted(Segment(match[1], match[2], int(match[3])) for match in matches if match)
