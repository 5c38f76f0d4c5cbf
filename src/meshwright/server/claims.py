"""Idempotency keys among the workers of one machine: who makes the answer of a key, and hearing it from that one.

A key is claimed in a file, which names the worker that makes its answer. What was said stays in its memory and
is told to the others through its socket, as it comes. A worker that is gone, or has forgotten, is asked in vain: the
next one takes its place. Nothing here is touched by requests without a key, or where one worker is alone.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import logging
import os
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Literal

import msgspec

from meshwright.server.http import Answered, Flowing, Headers
from meshwright.types.errors import MeshError, StreamCut

LONGEST_PATH = 100
"""Bytes that a socket's address may have everywhere."""
SECONDS = 24 * 3600.0
SWEEP_SECONDS = 600.0
OPENED_SECONDS = 60.0
"""A socket that is younger may not be listened to yet."""
_BROKEN = 0xFFFFFFFF
_log = logging.getLogger("meshwright.claims")


class Wanted(msgspec.Struct, frozen=True):
    """A key's answer, as one worker asks another for it."""

    principal: str
    key: str
    fingerprint: bytes


class Head(msgspec.Struct, frozen=True):
    """What comes before an answer's pieces. "new": nothing is known of the key; "other": it was another request's."""

    found: Literal["making", "new", "other"]
    status: int = 0
    headers: Headers = []
    whole: bool = False


class _Claim(msgspec.Struct, frozen=True):
    owner: str
    at: float


class Telling(msgspec.Struct, frozen=True, eq=False):
    """An answer that is told: its head, and its pieces as they come; what they raise is why it broke off."""

    head: Head
    pieces: AsyncIterator[bytes] | None = None


Find = Callable[[Wanted], Awaitable[Telling]]


class Claims:
    """One worker's part. `find` gives what this one knows of a key."""

    def __init__(self, folder: Path, name: str, find: Find) -> None:
        self._folder = folder
        self._name = name
        self._find = find
        self._server: asyncio.Server | None = None
        self._opening = asyncio.Lock()
        self._swept = 0.0
        self.address = ""

    async def _listen(self) -> None:
        async with self._opening:
            if self._server is None:
                await self._open()

    async def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{self._name}.sock"
        if len(os.fsencode(path)) > LONGEST_PATH:
            path = Path(tempfile.mkdtemp(prefix="mesh-")) / path.name
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._told, path)
        self.address = str(path)

    def close(self) -> None:
        """No more is told."""
        if self._server is not None:
            self._server.close()
            path = Path(self.address)
            path.unlink(missing_ok=True)
            if path.parent != self._folder:
                path.parent.rmdir()

    async def owner(self, wanted: Wanted, gone: str = "") -> str:
        """The address of who makes this answer, "" for us from now on. `gone`: that one was asked in vain.

        Raises OSError.
        """
        await self._listen()
        if time.time() - self._swept >= SWEEP_SECONDS:
            self._swept = time.time()
            asyncio.get_running_loop().run_in_executor(None, self._sweep)  # nobody waits for it
        return await asyncio.to_thread(self._claim, wanted, gone)

    def _claim(self, wanted: Wanted, gone: str) -> str:
        name = hashlib.sha256(f"{wanted.principal}\0{wanted.key}".encode()).hexdigest()
        fd = os.open(self._folder / f"{name}.claim", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            try:
                found = msgspec.json.decode(os.read(fd, 4096), type=_Claim)
            except msgspec.DecodeError:
                found = _Claim("", 0.0)
            if found.owner not in ("", gone, self.address) and found.at + SECONDS > time.time():
                return found.owner
            data = msgspec.json.encode(_Claim(self.address, time.time()))
            os.ftruncate(fd, 0)
            os.pwrite(fd, data, 0)
            return ""
        finally:
            os.close(fd)

    def _sweep(self) -> None:
        """Forget claims of long ago. Whoever has one of them open is about to claim it anew, and may be a day late."""
        now = time.time()
        for path in (*self._folder.glob("*.claim"), *self._folder.glob("*.sock")):
            claim = path.suffix == ".claim"
            try:
                if path.stat().st_mtime + (SECONDS if claim else OPENED_SECONDS) < now and (claim or not _lives(path)):
                    path.unlink()
            except OSError:
                continue  # another worker was faster

    async def _told(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell another worker what this one knows of a key."""
        try:
            line = await reader.readline()
            if not line:
                return  # somebody looked whether this worker lives
            wanted = msgspec.json.decode(line, type=Wanted)
            telling = await self._find(wanted)
            writer.write(msgspec.json.encode(telling.head) + b"\n")
            if telling.pieces is not None:
                await _tell(telling.pieces, writer)
            await writer.drain()
        except (OSError, ValueError, msgspec.DecodeError) as error:
            _log.warning("another worker cannot be told an answer: %s", error)
        finally:
            writer.close()


def _lives(path: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX) as trying:
        try:
            trying.connect(str(path))
        except OSError:
            return False
    return True


async def _tell(pieces: AsyncIterator[bytes], writer: asyncio.StreamWriter) -> None:
    try:
        async for piece in pieces:
            if piece:
                writer.write(len(piece).to_bytes(4) + piece)
                await writer.drain()
    except MeshError as error:
        writer.write(_BROKEN.to_bytes(4) + error.message.encode()[:1000])
        return
    writer.write((0).to_bytes(4))


async def hear(address: str, wanted: Wanted) -> Answered | Flowing | Literal["new", "other"]:
    """The answer as its worker has it; "new" when that one is gone or knows nothing of it."""
    try:
        reader, writer = await asyncio.open_unix_connection(address, limit=2**20)
    except OSError:
        return "new"
    hearing = Hearing(reader, writer)
    flows = False
    try:
        writer.write(msgspec.json.encode(wanted) + b"\n")
        head = msgspec.json.decode(await reader.readline(), type=Head)
        if head.found != "making":
            return head.found
        if not head.whole:
            flows = True
            return Flowing(head.status, head.headers, hearing)
        body = b""
        while piece := await hearing.next():
            body += piece
        return Answered(head.status, head.headers, body)
    except (OSError, ValueError):  # it died meanwhile, or said what nobody understands
        return "new"
    finally:
        if not flows:  # a flow is let go of by who reads it
            hearing.abort()


class Hearing:
    """The Flow of an answer that another worker makes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._over = False
        self._broken = ""

    async def next(self) -> bytes:
        """The next piece, b"" at the end. Raises StreamCut when it broke off there."""
        if self._broken:
            raise StreamCut(self._broken)
        if self._over:
            return b""
        try:
            size = int.from_bytes(await self._reader.readexactly(4))
            if size == _BROKEN:
                raise StreamCut((await self._reader.read(1000)).decode(errors="replace"))
            piece = await self._reader.readexactly(size)
        except (OSError, asyncio.IncompleteReadError):
            self.abort()
            raise StreamCut("The worker that made this answer is gone.") from None
        except StreamCut:
            self.abort()
            raise
        if not piece:
            self.abort()
        return piece

    def abort(self) -> None:
        """No more is wanted."""
        self._over = True
        self._writer.close()

    def cut(self, error: MeshError) -> bytes:
        """The gateway breaks it off: nobody here can say so in the client's dialect, and what comes next says so."""
        self._broken = self._broken or error.message
        self.abort()
        return b""
