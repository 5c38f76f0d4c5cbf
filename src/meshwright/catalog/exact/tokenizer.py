"""A tokenizer from a file: read when it is first needed, and never trusted further than it can be checked.

Reading takes 0.3 to 2 seconds and 70 to 240 MiB, counting 40 to 250 µs for a thousand characters. Both let other
threads go on, so what is long belongs in a thread: see `prompt`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from threading import Lock
from time import perf_counter

from meshwright.catalog.exact.formats import Read, Unusable, read
from meshwright.types.content import Message

_log = logging.getLogger(__name__)
MOST_BYTES = 128 * 1024 * 1024
"""The largest file that is read; the largest that is known, Gemma's, has 33 MB."""
MOST = 2_000_000
"""Characters of a request that are counted; a longer one is estimated."""
PIECE = 50_000
"""Characters that are counted at once: a longer text is cut where a word begins, which no tokenizer joins."""
_REACH = 500
_PROBE = (
    "The old bridge, 12.5 m long, was repaired in 1987; naïve façade, Brücke, мост, 橋, पुल 🙂\n"
    'def total(items):\n    return {"sum": sum(items), "n": len(items)}\n'
) * 4
_PROBE_BYTES = len(_PROBE.encode())
_SLOWEST = 0.5
"""Seconds that the probe may take; a thousandth of it is usual."""
_FEWEST = 20
"""Bytes of the probe to a token; four are usual."""


class Tokenizer:
    """One file, for all snapshots that name it. `trouble` is why it cannot be used, "" as long as nobody knows one."""

    def __init__(self, path: Path, split: str) -> None:
        self.path = path
        self.name = path.name if path.name not in _TELLING_LITTLE else f"{path.parent.name}/{path.name}"
        self.trouble = ""
        self._split = split
        self._read: Read | None = None
        self._lock = Lock()

    @property
    def settled(self) -> bool:
        """Whether it was read, or found to be of no use: then nothing has to be waited for."""
        return self._read is not None or bool(self.trouble)

    @property
    def library(self) -> str:
        """What counts, once it was read."""
        return self._read.library if self._read is not None else ""

    def prompt(self, characters: int) -> bool:
        """Whether a text of that length is counted so quickly that nobody else need wait for it."""
        return bool(self.trouble) or (self._read is not None and characters <= self._read.swift)

    def load(self) -> bool:
        """Read it, if that was not done yet; False when it cannot be used. Safe from any thread."""
        with self._lock:
            if not self.settled:
                try:
                    self._read = _checked(read(_bytes(self.path), self._split))
                except Unusable as error:
                    self.give_up(str(error))
                except OSError as error:
                    self.give_up(f"it cannot be read: {error.strerror or error}")
                except BaseException as error:
                    if not _foreign(error):
                        raise
                    self.give_up(_told(error))
        return not self.trouble

    def count(self, texts: Sequence[str], messages: Sequence[Message] | None = None) -> int | None:
        """Tokens of the texts, and of what stands around these messages; None when it is of no use for them."""
        if sum(map(len, texts)) > MOST or not self.load() or self._read is None:
            return None
        count = self._read.count
        try:
            found = sum(count(piece) for text in texts for piece in _pieces(text))
        except BaseException as error:
            if not _foreign(error):
                raise
            self.give_up(_told(error))
            return None
        return found if messages is None else found + self._read.frame.around(messages)

    def give_up(self, why: str) -> None:
        """Let nobody ask it again."""
        if not self.trouble:
            self.trouble = why
            _log.warning("%s does not count tokens: %s", self.path, why)


_TELLING_LITTLE = ("tokenizer.json", "tekken.json")


def tokenizer(path: Path, split: str) -> Tokenizer:
    """The tokenizer of that file; the same one until the file changes."""
    try:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
    except OSError:
        stamp = (0, 0)
    return _tokenizer(path, split, stamp)


@lru_cache(maxsize=32)
def _tokenizer(path: Path, split: str, stamp: tuple[int, int]) -> Tokenizer:
    return Tokenizer(path, split)


def _bytes(path: Path) -> bytes:
    stat = path.stat()
    if not S_ISREG(stat.st_mode):
        raise Unusable("it is not a file")
    if stat.st_size > MOST_BYTES:
        raise Unusable(f"it has {stat.st_size:,} bytes; no tokenizer has more than {MOST_BYTES:,}")
    return path.read_bytes()


def _checked(found: Read) -> Read:
    """It, if it counts a small text of many kinds within reason. Raises Unusable."""
    began = perf_counter()
    counted = found.count(_PROBE)
    took = perf_counter() - began
    if not _PROBE_BYTES // _FEWEST <= counted <= _PROBE_BYTES:
        raise Unusable(f"it counts {counted:,} tokens in a text of {_PROBE_BYTES:,} bytes")
    if took > _SLOWEST:
        raise Unusable(f"it takes {took:.1f} s for a text of {_PROBE_BYTES:,} bytes")
    return found


def _foreign(error: BaseException) -> bool:
    """Whether it comes from what was read: a library's own error, or a panic of Rust's, which is no Exception."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _told(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces of a bounded length, without what is no character: libraries refuse lone surrogates."""
    if not text.isascii():
        text = text.encode(errors="replace").decode()
    start = 0
    while len(text) - start > PIECE:
        end = start + PIECE
        blank = text.rfind(" ", end - _REACH, end)
        end = blank if blank > start else end
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:] if start else text
