"""Processes of the bench: started on their own core, read for CPU time and memory, and ended with all they started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


class DidNotStart(Exception):
    """A process ended, or did not answer in time; the message carries the end of what it printed."""


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def two_cores() -> tuple[int, int]:
    """The core of the system under test and that of upstream and load; the same one where there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[min(1, len(cores) - 1)]


def foreground(core: int) -> Callable[[], None]:
    """What a child does before it runs: its own session, one core, and, where allowed, ahead of everything else."""

    def prepare() -> None:
        os.setsid()
        os.sched_setaffinity(0, {core})
        try:
            os.nice(-20)
            Path("/proc/self/autogroup").write_text("-20")
        except OSError:
            return  # only root may; without it the figures are noisier on a busy machine, not wrong

    return prepare


def tree(pid: int) -> list[int]:
    """A process and all that it started, themselves first."""
    found = [pid]
    for p in found:
        for children in Path(f"/proc/{p}/task").glob("*/children"):
            found += map(int, read(children).split())
    return found


def read(path: Path) -> str:
    """A file of /proc, or nothing when its process has gone meanwhile."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Process:
    """A running command. `pid` is None for the upstream itself, which costs the system under test's core nothing."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], core: int, log: Path) -> None:
        self.log = log
        self.born = time.perf_counter()
        plain = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(log.parent), "LANG": "C.UTF-8"}
        with log.open("wb") as out:
            self.popen = subprocess.Popen(
                command,
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**plain, **env},
                preexec_fn=foreground(core),  # noqa: PLW1509 - this program has no threads
            )

    def wait_until(self, ready: Callable[[], bool], limit_s: float = 60) -> float:
        """Seconds from the start until `ready()`. Raises DidNotStart."""
        while not ready():
            if self.popen.poll() is not None:
                raise DidNotStart(f"it ended with status {self.popen.returncode}: {self.last_words()}")
            if time.perf_counter() - self.born > limit_s:
                raise DidNotStart(f"no right answer within {limit_s:.0f} s: {self.last_words()}")
            time.sleep(0.01)
        return time.perf_counter() - self.born

    def last_words(self) -> str:
        """The end of what it printed, on one line."""
        return " ".join(self.log.read_text(errors="replace")[-1500:].split()) or "(it printed nothing)"

    def cpu_s(self) -> float:
        """CPU seconds that the whole tree has used, user and system."""
        total = 0
        for p in tree(self.popen.pid):
            fields = read(Path(f"/proc/{p}/stat")).rpartition(")")[2].split()
            total += sum(map(int, fields[11:13]))
        return total / TICK

    def memory_mb(self) -> float:
        """Proportional set size of the whole tree, MiB: shared pages count once."""
        rollups = (read(Path(f"/proc/{p}/smaps_rollup")) for p in tree(self.popen.pid))
        lines = (line.split() for text in rollups for line in text.splitlines() if line.startswith("Pss:"))
        return sum(int(words[1]) for words in lines) / 1024

    def stop(self) -> None:
        """Ask it to end, and after 5 s end it and all that it started."""
        started = tree(self.popen.pid)
        self.popen.terminate()
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        for p in started[1:]:
            if read(Path(f"/proc/{p}/stat")).rpartition(")")[2].split()[3:4] == [str(self.popen.pid)]:
                os.kill(p, signal.SIGKILL)  # still of our session, so not a stranger who was given the number
