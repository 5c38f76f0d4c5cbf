"""Finding the line of a key in a TOML file, so that an error can point at it."""

from __future__ import annotations

import re

_TABLE = re.compile(r"^\s*\[\[?(?P<path>[^\]]+)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"^\s*(?P<path>(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_WORD = re.compile(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+)")
Path = tuple[str, ...]


def key_lines(text: str) -> dict[Path, int]:
    """Line numbers (from 1) of each table and key, by path. Text inside multi-line strings is skipped."""
    lines: dict[Path, int] = {}
    table: Path = ()
    quote = ""
    for number, line in enumerate(text.splitlines(), 1):
        if quote:
            quote = "" if quote in line else quote
            continue
        if match := _TABLE.match(line):
            table = _words(match["path"])
            _note(lines, table, number)
        elif match := _KEY.match(line):
            _note(lines, (*table, *_words(match["path"])), number)
        for mark in ('"""', "'''"):
            if line.count(mark) == 1:
                quote = mark
    return lines


def _note(lines: dict[Path, int], path: Path, number: int) -> None:
    """A dotted name also begins every table that it goes through."""
    for length in range(1, len(path) + 1):
        lines.setdefault(path[:length], number)


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The line of the path, or of the nearest thing around it (an inline table has one line for all its keys)."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def _words(path: str) -> Path:
    return tuple(a or b or c for a, b, c in _WORD.findall(path))
