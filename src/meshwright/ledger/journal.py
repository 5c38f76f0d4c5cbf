"""The append-only journal: one write per line, so that nothing that was answered is lost when the process is killed."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import time
import zlib
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from meshwright.ledger.lines import OPENING, WRITER, Begin, Hold, Segment, head
from meshwright.types.decision import Trace
from meshwright.types.errors import StoreError

_BEGIN = head("b")
_HOLD = head("h")
_END = head("e")
_TAIL = b"}"


class Journal:
    """Writes begins and traces to segment files of a directory; see `ledger.lines` for their form.

    Not locked: its caller is one event-loop thread (`sync` alone may be called from any thread). Open it in the process
    that writes: a forked child would keep the segment's lock, and so hide its writer's death, until it ends too.

    A segment is locked (`flock`) from before it can be seen until its writer closes it or dies; the lock is how the
    importer tells. Written bytes belong to the kernel, so `kill -9` loses nothing; a power failure can lose what was
    not yet `sync`ed. The directory must be on a local disk. Raises StoreError when it cannot be written.
    """

    def __init__(self, directory: Path, writer: str, *, rotate_bytes: int = 64 * 1024 * 1024) -> None:
        if not WRITER.fullmatch(writer):
            raise ValueError(f"a writer's name is up to 64 letters, digits, '_', '.', '-': not {writer!r}")
        self._directory = directory
        self._rotate_bytes = rotate_bytes
        self._encoder = msgspec.json.Encoder()
        self._buffer = bytearray()
        self._unsynced: deque[Path] = deque()
        self._torn = False
        self.postponed = ""
        """Why the last rotation did not happen, if it did not: the segment then just grows, and nothing is lost."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            raise _store_error("open", directory, problem) from problem
        boot = f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(4)}"
        self._segment = Segment(boot, writer, 0)
        self._fd = self._open(self._segment)
        self._size = 0
        self._limit = rotate_bytes

    @property
    def life(self) -> str:
        """Names this writer, for as long as it lives: what it borrows is known by that name."""
        return self._segment.life

    @property
    def path(self) -> Path:
        """The segment that is being written."""
        return self._directory / self._segment.name

    def begin(self, id: str, at: float, principal: str) -> None:
        """Note, before the upstream is called, that a request began at `at` (seconds since 1970). Raises StoreError."""
        self._write(_BEGIN, Begin(id, at, principal))

    def hold(self, id: str, model: str, charges: Mapping[str, int]) -> None:
        """Note, before a model is asked, what the request counts for if it never ends. Raises StoreError."""
        self._write(_HOLD, Hold(id, model, charges))

    def record(self, trace: Trace) -> None:
        """Keep a finished request; call it before the last byte of its answer leaves. Raises StoreError."""
        self._write(_END, trace)

    def close(self) -> None:
        """Release the segment: begins without an end are now for the importer to call interrupted. Harmless twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def sync(self, kind: Literal["data", "full"] = "data") -> None:
        """Put what was written so far on the disk itself, against power failure. Slow (milliseconds): call in a thread.

        "data" is `fdatasync` of each segment since the last call; "full" is `fsync`, and of the directory too, so that
        a new segment's name is safe as well. Raises StoreError.
        """
        current = self.path
        paths = [self._unsynced.popleft() for _ in range(len(self._unsynced))]
        try:
            for path in (*paths, current):
                _flush(path, kind)
            if kind == "full":
                _flush(self._directory, kind)
        except OSError as problem:
            self._unsynced.extendleft(reversed(paths))
            raise _store_error("sync", current, problem) from problem

    def _write(self, start: bytes, value: Begin | Hold | Trace) -> None:
        buffer = self._buffer
        buffer[:] = start
        try:
            self._encoder.encode_into(value, buffer, len(start))
        except UnicodeEncodeError:
            # Half of a surrogate pair, most likely from an upstream's error text. Better a question mark than no trace.
            buffer[len(start) :] = self._encoder.encode(_encodable(msgspec.to_builtins(value)))
        buffer += _TAIL
        buffer += b"\t%d\n" % zlib.crc32(buffer)
        if self._torn:
            buffer[:0] = b"\n"
        try:
            written = os.write(self._fd, buffer)
        except OSError as problem:
            raise _store_error("write", self.path, problem) from problem
        if written != len(buffer):
            self._write_rest(written)
        self._torn = False
        self._size += len(buffer)
        if self._size >= self._limit:
            self._rotate()

    def _write_rest(self, written: int) -> None:
        """Finish a short write, or take the torn line back."""
        while written < len(self._buffer):
            try:
                written += os.write(self._fd, self._buffer[written:])
            except OSError as problem:
                try:
                    # Readers never go past the last newline, so nobody has seen what is cut off here.
                    os.ftruncate(self._fd, self._size)
                except OSError:
                    # It stays; the next line starts with a newline, so that only the torn one is damaged.
                    self._torn = True
                    self._size += written
                raise _store_error("write", self.path, problem) from problem

    def _rotate(self) -> None:
        following = Segment(self._segment.boot, self._segment.writer, self._segment.n + 1)
        try:
            # The next segment must be there before this one is unlocked: the importer takes a segment that is unlocked
            # and has no successor for the last one of a dead writer.
            opened = self._open(following)
        except StoreError as problem:
            # The line is written; that a new file cannot be had is no reason to fail its request.
            self.postponed = str(problem)
            self._limit = self._size + self._rotate_bytes
            return
        self._unsynced.append(self.path)
        os.close(self._fd)
        self._fd, self._segment, self._size, self._limit = opened, following, 0, self._rotate_bytes
        self.postponed = ""

    def _open(self, segment: Segment) -> int:
        """Create and lock a segment, then let it be seen: an importer must never find it unlocked and empty."""
        path = self._directory / segment.name
        hidden = path.with_name(path.name + OPENING)
        try:
            # What is there by that name, an earlier try of this writer left: nobody else has it.
            fd = os.open(hidden, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.rename(hidden, path)
            except OSError:
                os.close(fd)
                raise
        except OSError as problem:
            raise _store_error("open", path, problem) from problem
        return fd


def _flush(path: Path, kind: Literal["data", "full"]) -> None:
    # Through a descriptor of its own: the writer may close its descriptor, and its number be reused, at any time.
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return  # imported and removed: the database has it
    try:
        if kind == "data" and hasattr(os, "fdatasync"):
            os.fdatasync(fd)
        else:
            os.fsync(fd)
    finally:
        os.close(fd)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value


_FIXES = {
    errno.ENOSPC: "The disk is full: free some space.",
    errno.EDQUOT: "The disk quota is used up: free some space.",
    errno.EACCES: "Make the folder writable for this user, or choose another one.",
    errno.EPERM: "Make the folder writable for this user, or choose another one.",
    errno.EFBIG: "The file may not grow: raise the limit (ulimit -f), or rotate earlier.",
    errno.EROFS: "The file system is read-only: choose another folder.",
    errno.ENOTDIR: "A part of the path is a file: choose another folder.",
    errno.EEXIST: "There is a file where the folder should be: choose another folder.",
    errno.EMFILE: "Too many open files: raise the limit (ulimit -n).",
    errno.ENFILE: "Too many open files on this machine.",
    errno.EBADF: "The journal is closed.",
}


def _store_error(verb: str, path: Path, problem: OSError) -> StoreError:
    fix = _FIXES.get(problem.errno or 0)
    return StoreError(f"The journal cannot {verb} {path}: {problem.strerror}.", fix=fix)
