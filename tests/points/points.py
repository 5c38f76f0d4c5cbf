"""The points at which something becomes durable, found by themselves, and a death by SIGKILL at any of them.

`install` puts an ear on every call by which this process commits: a line of a journal, a sync, a rename, a link, a
removal, and each transaction of a database, named by the tables that it wrote. The product knows nothing of it.
A point is called by its name, a side and the how-manieth time it is reached: ("append e", "half", 2) dies when half of
the second end of a request is in the journal.
"""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

Side = Literal["before", "half", "after"]
_TABLES = re.compile(r"^\s*(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)
_CHANCE = re.compile(r"[0-9a-f]{8,}|\d+")


class Point(NamedTuple):
    """Where to die."""

    name: str
    side: Side
    nth: int


class Points:
    """What is reached in this process, told to `reached`; at `at` it dies, if it may."""

    def __init__(
        self, reached: Callable[[str], None], at: Point | None = None, may: Callable[[], bool] = lambda: True
    ) -> None:
        self._reached = reached
        self._at = at
        self._may = may
        self._times: Counter[str] = Counter()

    def reach(self, name: str, act: Callable[[], Any], half: Callable[[], object] | None = None) -> Any:
        """Do it, if nobody dies before."""
        self._reached(name)
        self._times[name] += 1
        here = self._at is not None and self._at.name == name and self._at.nth == self._times[name]
        side = self._at.side if here and self._at is not None else ""
        if side == "before":
            self._die()
        if side == "half" and half is not None:
            half()
            self._die()
        done = act()
        if side == "after":
            self._die()
        return done

    def _die(self) -> None:
        if self._may():
            os.kill(os.getpid(), signal.SIGKILL)


def kind(path: object) -> str:
    """A file's name without what is chance in it."""
    return _CHANCE.sub("#", Path(os.fsdecode(path)).name)  # type: ignore[arg-type]  # as the system calls take it


def install(points: Points) -> None:
    """From now on every commit of this process is one of these points."""
    _files(points)
    _transactions(points)


def _files(points: Points) -> None:
    write = os.write

    def append(fd: int, data: Any) -> int:
        try:
            name = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            name = ""
        if ".jsonl" not in name:
            return write(fd, data)
        said = bytes(data)
        line = re.search(rb'"k":"(.)"', said[:20])
        return int(
            points.reach(
                f"append {line[1].decode() if line else '?'}",
                lambda: write(fd, data),
                lambda: write(fd, said[: len(said) // 2]),
            )
        )

    os.write = append
    for name in ("rename", "replace", "link"):
        _two_paths(points, name)
    unlink = os.unlink
    os.unlink = lambda path, **more: points.reach(f"unlink {kind(path)}", lambda: unlink(path, **more))
    for name in ("fsync", "fdatasync"):
        _sync(points, name)


def _two_paths(points: Points, name: str) -> None:
    call = getattr(os, name)
    setattr(os, name, lambda old, new, **more: points.reach(f"{name} {kind(new)}", lambda: call(old, new, **more)))


def _sync(points: Points, name: str) -> None:
    call = getattr(os, name)
    setattr(os, name, lambda fd: points.reach(name, lambda: call(fd)))


def _transactions(points: Points) -> None:
    written: dict[int, set[str]] = {}

    def execute(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if found := _TABLES.match(statement):
            written.setdefault(id(connection.connection.dbapi_connection), set()).add(found[1])

    commit, rollback = DefaultDialect.do_commit, DefaultDialect.do_rollback

    def committed(self: DefaultDialect, connection: Any) -> None:
        tables = written.pop(id(getattr(connection, "dbapi_connection", connection)), set())
        if tables:
            points.reach(f"commit {'+'.join(sorted(tables))}", lambda: commit(self, connection))
        else:
            commit(self, connection)

    def rolled_back(self: DefaultDialect, connection: Any) -> None:
        written.pop(id(getattr(connection, "dbapi_connection", connection)), None)
        rollback(self, connection)

    event.listen(Engine, "before_cursor_execute", execute)
    DefaultDialect.do_commit = committed  # type: ignore[method-assign]  # the one door of all drivers
    DefaultDialect.do_rollback = rolled_back  # type: ignore[method-assign]
