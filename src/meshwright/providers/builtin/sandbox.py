"""A child process that works on one question at a time and is replaced when it dies or takes too long."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Coroutine
from pathlib import Path

import msgspec

from meshwright.providers.builtin.frames import HEAD, MAX_FRAME, Ask, Document, Told, pack, told_decoder
from meshwright.types.errors import ConnectFailed, Overloaded, TooLarge, UpstreamProtocol, UpstreamTimeout

START_LIMIT = 30.0
"""Seconds for a child to load its packages, on a slow disk without compiled files."""


class Sandbox:
    """One child for one model ("solve" or "extract"). It starts at the first question, or by `start`.

    `limit` is the seconds for one question, `waiting` how many questions may queue. Questions are answered in turn.
    Use it from one event loop, and close it.
    """

    def __init__(self, model: str, *, limit: float = 5.0, waiting: int = 32) -> None:
        self.model = model
        self.limit = limit
        self._most_waiting = waiting
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._errors: deque[bytes] = deque(maxlen=20)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process id while it lives."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    async def start(self) -> None:
        """Start the child and wait until it is ready. Raises ConnectFailed when it cannot be started."""
        async with self._turn:
            await self._living()

    async def ask(self, text: str, documents: tuple[Document, ...] = ()) -> Told:
        """What the child says of a question. See `work`."""
        return await self.work(Ask(text, self.limit, documents))

    async def work(self, ask: Ask) -> Told:
        """What the child says: kind "answer" or "declined".

        Raises Overloaded when too many wait, TooLarge when there is too much to search, UpstreamTimeout after `limit`
        seconds, UpstreamProtocol when the child dies or fails on the question, ConnectFailed when it cannot be started.
        Whatever happened, the next question gets a sane child. Cancelling the task ends the child's work.
        """
        if self._waiting >= self._most_waiting:
            raise Overloaded(
                f"builtin/{self.model} has {self._waiting} questions waiting.", fix="Ask again in a few seconds."
            )
        self._waiting += 1
        try:
            async with self._turn:
                return await self._exchange(ask)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the child."""
        self._closed = True
        async with self._turn:
            await self._end()
        # What is left ends by itself now: the reading of a dead child's complaints, and a restart that finds us closed.
        await asyncio.gather(*self._tasks)

    async def _exchange(self, ask: Ask) -> Told:
        child = await self._living()
        try:
            async with asyncio.timeout(self.limit):
                told = await _said(child, pack(ask))
        except TimeoutError:
            await self._replace()
            raise self._slow() from None
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            status = await self._end()
            raise UpstreamProtocol(
                f"The process of builtin/{self.model} ended in the middle of a question ({status})."
            ) from error
        except asyncio.CancelledError:
            self._drop()  # nobody wants the answer any more: do not let the next question wait for it
            raise
        if told.last:
            await self._replace()
        if told.kind == "large":
            raise TooLarge(told.text)
        if told.kind == "slow":
            raise self._slow()
        if told.kind == "failed":
            raise UpstreamProtocol(f"builtin/{self.model} failed on this question: {told.text}")
        return told

    def _slow(self) -> UpstreamTimeout:
        return UpstreamTimeout(
            f"builtin/{self.model} gave up: this takes over {self.limit:g} seconds to work out.", "total"
        )

    async def _living(self) -> asyncio.subprocess.Process:
        """The child, started if there is none. The caller holds the turn."""
        if self._closed:
            raise ConnectFailed(f"builtin/{self.model} is closed.")
        if self._child is not None and self._child.returncode is None:
            return self._child
        await self._end()
        self._child = child = await _spawn(self.model)
        self._follow(self._listen(child))
        try:
            async with asyncio.timeout(START_LIMIT):
                told = await _heard(child)
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            status = await self._end()
            last = b"".join(self._errors).decode(errors="replace").strip().rsplit("\n", 1)[-1]
            raise ConnectFailed(f"builtin/{self.model} could not be started ({status}). {last}".strip()) from error
        except asyncio.CancelledError:
            self._drop()
            raise
        if told.kind == "missing":
            await self._end()
            raise ConnectFailed(
                f"builtin/{self.model} is not installed: {told.text}.", fix="pip install 'meshwright[offline]'"
            )
        return child

    async def _listen(self, child: asyncio.subprocess.Process) -> None:
        """Keep the last lines that the child complains with."""
        assert child.stderr is not None
        self._errors.clear()
        while line := await child.stderr.read(4096):
            self._errors.append(line)

    def _follow(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _drop(self) -> None:
        """Kill the child without waiting for its end: the next question must not meet it again."""
        child, self._child = self._child, None
        if child is not None:
            self._follow(_buried(child))

    async def _replace(self) -> None:
        """End the child and start the next one in the background, so that the next question need not wait for it."""
        await self._end()
        self._follow(self._restart())

    async def _restart(self) -> None:
        try:
            await self.start()
        except ConnectFailed:
            return  # the next question tries again and is told why

    async def _end(self) -> str:
        """Kill the child if it lives, and say how it ended."""
        child, self._child = self._child, None
        if child is None:
            return "not running"
        await _buried(child)
        status = child.returncode or 0
        return f"signal {-status}" if status < 0 else f"exit status {status}"


async def _spawn(model: str) -> asyncio.subprocess.Process:
    """A child with an empty environment but for what Python needs: no key of ours is ever in it."""
    # The parent's own search path, so that the child finds the same packages however the parent was started.
    path = os.pathsep.join(each for each in sys.path if each and Path(each).is_absolute())
    environment = {
        "PYTHONPATH": path,
        "PYTHONHASHSEED": "0",  # SymPy orders some results by hash: the same question gets the same answer
        "PYTHONUTF8": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "RAYON_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "meshwright.providers.builtin.child", model,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=environment, cwd=os.sep, start_new_session=True, limit=MAX_FRAME,
        )  # fmt: skip
    except OSError as error:
        raise ConnectFailed(f"builtin/{model} could not be started: {error}.") from error


async def _buried(child: asyncio.subprocess.Process) -> None:
    assert child.stdin is not None
    child.stdin.close()
    if child.returncode is None:
        try:
            # Not `child.kill()`: it polls first, and whoever polls takes the exit status away from asyncio's watcher.
            os.kill(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended by itself a moment ago
    await child.wait()


async def _said(child: asyncio.subprocess.Process, frame: bytes) -> Told:
    assert child.stdin is not None
    child.stdin.write(frame)
    await child.stdin.drain()
    return await _heard(child)


async def _heard(child: asyncio.subprocess.Process) -> Told:
    assert child.stdout is not None
    size = int.from_bytes(await child.stdout.readexactly(HEAD), "big")
    if size > MAX_FRAME:
        raise ConnectionError("a frame is over its limit")
    try:
        return told_decoder.decode(await child.stdout.readexactly(size))
    except msgspec.DecodeError as error:
        raise ConnectionError(f"a frame cannot be read: {error}") from error
