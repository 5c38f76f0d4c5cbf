"""What the database's errors mean, and what to do about each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from meshwright.types.errors import StoreError

# SQLite's result codes (https://www.sqlite.org/rescode.html): the primary code is the beginning of an extended one.
_SQLITE = {
    "SQLITE_BUSY": ("is locked by another process", "Close what holds it (a backup, a shell), or wait and try again."),
    "SQLITE_LOCKED": (
        "is locked by another process",
        "Close what holds it (a backup, a shell), or wait and try again.",
    ),
    "SQLITE_FULL": ("cannot grow: the disk is full", "Free some space on its disk."),
    "SQLITE_NOTADB": ("is not a SQLite database", "Move that file away, or name another one."),
    "SQLITE_CORRUPT": ("is damaged", "Stop every process that uses it, then restore a backup or run `.recover` on it."),
    "SQLITE_READONLY": (
        "cannot be written",
        "Make the file and its folder writable for this user, or name another one.",
    ),
    "SQLITE_CANTOPEN": (
        "cannot be opened",
        "Make its folder exist and be writable for this user, or name another one.",
    ),
    "SQLITE_PERM": ("cannot be opened", "Make the file and its folder writable for this user, or name another one."),
    "SQLITE_IOERR": (
        "cannot be read or written",
        "Look at its disk: is it full, read-only, on a network share, failing?",
    ),
}
_GONE = "Does its server run, and does `store.url` lead there? Nothing is lost meanwhile; it is tried again by itself."


def explain(problem: SQLAlchemyError, where: str) -> StoreError:
    """The StoreError for an error of the toolkit; `where` names the database without a password."""
    orig = getattr(problem, "orig", None)
    name = str(getattr(orig, "sqlite_errorname", ""))
    for code, (what, fix) in _SQLITE.items():
        if name.startswith(code):
            return StoreError(f"The database {where} {what} ({name}).", fix=fix)
    # The first line: the rest is the statement with its values, which belong neither to a log nor to a client.
    said = str(orig if orig is not None else problem).partition("\n")[0].rstrip(".")
    if isinstance(problem, OperationalError) and not name:
        return StoreError(f"The database {where} cannot be reached: {said}.", fix=_GONE)
    return StoreError(f"The database {where} refused: {said}.")


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Within it, errors of the toolkit are StoreErrors."""
    try:
        yield
    except SQLAlchemyError as problem:
        raise explain(problem, where) from problem
