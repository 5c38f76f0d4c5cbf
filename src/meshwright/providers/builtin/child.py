"""The child process that does the work of `solve` or `extract`: python -m meshwright.providers.builtin.child solve.

It reads frames from its standard input and writes frames to its standard output until the input ends, within limits of
time and memory. It is told nothing else: the parent starts it with an empty environment.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import BinaryIO

from meshwright.providers.builtin.frames import HEAD, MAX_FRAME, Ask, Told, ask_decoder, pack
from meshwright.types.errors import Declined, TooLarge

if sys.platform != "win32":
    import resource

Work = Callable[[Ask], Told]
_log = logging.getLogger(__name__)

MEMORY = {"solve": 1024 * 1024 * 1024, "extract": 2048 * 1024 * 1024}
"""Bytes of address space. Far more than either model needs, far less than a runaway would take."""

GRACE = 0.5
"""Seconds by which the child gives up before its parent would kill it, so that it can say so and live on."""


class OutOfTime(BaseException):
    """The alarm. Not an Exception, so that no library on the way swallows it."""


def _solve() -> Work:
    # Imported here because a child loads only the packages of the one model that it runs.
    from meshwright.providers.builtin.solve.answer import answer

    for warm in ("differentiate x sin x", "integrate x^2 from 0 to 1", "solve x^2 = 4"):
        answer(warm)  # SymPy loads half of itself on first use
    return lambda ask: Told("answer", answer(ask.text))


def _extract() -> Work:
    # The same reason.
    from meshwright.providers.builtin.extract.order import order
    from meshwright.providers.builtin.extract.rank import Ranker

    ranker = Ranker()
    ranker.embed(["warm"])

    def work(ask: Ask) -> Told:
        if ask.job == "embed":
            return Told("answer", vectors=tuple(map(tuple, ranker.embed(ask.texts).tolist())))
        if ask.job == "rank":
            return Told("answer", scores=tuple(order(ranker, ask.text, ask.texts).tolist()))
        quotes, searched = ranker.best(ask.text, ask.documents)
        return Told("answer", quotes=quotes, searched=searched)

    return work


_WORKS: dict[str, Callable[[], Work]] = {"solve": _solve, "extract": _extract}


def main(model: str) -> int:
    """Serve one model until the input ends. Returns the exit status."""
    source, sink = _pipes()
    try:
        work = _WORKS[model]()
    except ImportError as error:
        _send(sink, Told("missing", f"{error}", last=True))
        return 0
    _confine(model)
    _send(sink, Told("ready"))
    while head := source.read(HEAD):
        size = int.from_bytes(head, "big")
        if size > MAX_FRAME:
            return 1
        told = _answer(work, ask_decoder.decode(source.read(size)))
        _send(sink, told)
        if told.last:
            return 0
    return 0


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes; whatever prints by itself goes to nowhere instead of between the frames."""
    sink = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return os.fdopen(os.dup(0), "rb"), sink


def _send(sink: BinaryIO, told: Told) -> None:
    sink.write(pack(told))
    sink.flush()


def _confine(model: str) -> None:
    """Limits that hold from here on: memory, no files written, no core, and for `solve` no further process."""
    if sys.platform == "win32":
        return
    limits = [(resource.RLIMIT_AS, MEMORY[model]), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)]
    if model == "solve":
        limits.append((resource.RLIMIT_NPROC, 0))
    for kind, most in limits:
        try:
            resource.setrlimit(kind, (most, most))
        except (OSError, ValueError):
            continue  # macOS does not take every limit; the parent's time limit holds everywhere


@contextmanager
def _timed(seconds: float) -> Iterator[None]:
    """Raises OutOfTime inside after `seconds` of clock time; the kernel ends the process a little later by CPU time."""
    if sys.platform == "win32":
        yield
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    # The soft limit counts from the start of the process, so each question moves it on.
    most = int(used.ru_utime + used.ru_stime + seconds) + 3
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _alarm(number: int, frame: FrameType | None) -> None:
    raise OutOfTime


def _answer(work: Work, ask: Ask) -> Told:
    try:
        with _timed(max(ask.seconds - GRACE, ask.seconds / 2)):
            return work(ask)
    except Declined as error:
        return Told("declined", str(error))
    except TooLarge as error:
        return Told("large", str(error))
    except OutOfTime:
        # The alarm may have struck in the middle of anything: a fresh process takes the next question.
        return Told("slow", last=True)
    except MemoryError:
        # What is left of the heap is not to be trusted: a fresh process takes the next question.
        return Told("declined", "This needs more memory than I may use.", last=True)
    except RecursionError:
        return Told("declined", "This nests too deeply to be worked out.")
    except NotImplementedError:
        return Told("declined", "I know no method for this.")
    except Exception as error:  # noqa: BLE001 - the edge of the process: whatever a package raises is told
        _log.exception("a question could not be answered")
        return Told("failed", f"{type(error).__name__}: {error}"[:300])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
