"""Fenced blocks of the documentation: which there are, and how each kind is run.

The line above a block that looks runnable says what happens to it:

    <!-- run -->               it is run by tests/test_docs.py, in order with the page's other blocks
    <!-- run: fails -->        it is run and must fail: a page that shows an error
    <!-- not-run: reason -->   it is not, because ...

`bash` blocks are scripts that must succeed. In `console` blocks a line that begins with `$ ` is a command, and the
lines below it are its output, in which `...` stands for anything; without such lines only success counts. `python`
blocks are programs. `toml` blocks are read by the loader of mesh.toml. Port 8400 becomes that of the gateway under
test. The blocks of one page share a folder. Blocks of any other kind (`json`, `text`, ...) only show something and need
no mark.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from meshwright.kernel.config.read import read_config

RUNNABLE = ("bash", "sh", "shell", "console", "python", "toml")
SECONDS = 50
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[\w-]*)[^`\n]*$")
_MARK = re.compile(r"^\s*<!--\s*(?P<word>run|not-run)\s*(?::\s*(?P<rest>.*?))?\s*-->\s*$")


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One fenced block. `mark` is "run", "not-run" or "" where none stands; `rest` is what follows the mark's colon."""

    page: str
    line: int
    language: str
    text: str
    mark: str = ""
    rest: str = ""

    @property
    def name(self) -> str:
        """Where it is: page and line."""
        return f"{self.page}:{self.line}"


class Place(msgspec.Struct, frozen=True):
    """What a block runs in: a folder, an environment, and the port that stands for 8400."""

    folder: Path
    environment: Mapping[str, str]
    port: int


def blocks(page: str, text: str) -> Iterator[Block]:
    """The fenced blocks of a Markdown page, in order. Raises ValueError for one that never ends."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        number += 1
        if not fence:
            continue
        opened, body = number, []
        while number < len(lines) and not re.fullmatch(rf" *{fence['ticks']}`* *", lines[number]):
            body.append(lines[number].removeprefix(fence["indent"]))
            number += 1
        if number == len(lines):
            raise ValueError(f"{page}:{opened}: this block never ends")
        number += 1
        mark = _MARK.match(_above(lines, opened - 1))
        yield Block(
            page=page,
            line=opened,
            language=fence["language"],
            text="\n".join(body) + "\n",
            mark=mark["word"] if mark else "",
            rest=(mark["rest"] or "") if mark else "",
        )


def _above(lines: list[str], index: int) -> str:
    """The line before the fence, blank ones left out: Markdown puts one between a comment and a block."""
    return next((line for line in reversed(lines[:index]) if line.strip()), "")


def complaint(block: Block) -> str:
    """What is wrong with a block's mark, or ""."""
    if block.language not in RUNNABLE:
        return (
            f"{block.name}: nobody knows how to run a {block.language or 'nameless'} block"
            if block.mark == "run"
            else ""
        )
    if not block.mark:
        return f"{block.name}: write `<!-- run -->` or `<!-- not-run: reason -->` above this {block.language} block"
    if block.mark == "not-run" and len(block.rest.split()) < 2:
        return f"{block.name}: say why this block is not run"
    if block.mark == "run" and block.rest not in ("", "fails"):
        return f"{block.name}: a run is plain or `fails`, not {block.rest!r}"
    return ""


def run(block: Block, place: Place) -> None:
    """Run a block; raises AssertionError with all that was printed when it does not do what the page says."""
    text = block.text.replace("8400", str(place.port))
    if block.language == "toml":
        read_config(text, source=block.name)
    elif block.language == "console":
        for command, expected in exchanges(block.name, text):
            _check(block, command, expected, _bash(command, place))
    else:
        python = [sys.executable, "-c", text]
        _check(block, text, "", _started(python, place) if block.language == "python" else _bash(text, place))


def exchanges(name: str, text: str) -> list[tuple[str, str]]:
    """Commands of a console block with the output that the page shows below each; `\\` at a line's end goes on."""
    found: list[tuple[str, str]] = []
    open_ended = False
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif not found:
            raise AssertionError(f"{name}: a console block begins with a command: `$ ...`")
        elif open_ended:
            found[-1] = (f"{found[-1][0]}\n{line.removeprefix('> ')}", "")
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
        open_ended = (line.startswith("$ ") or open_ended) and line.endswith("\\")
    return found


def matches(expected: str, said: str) -> bool:
    """Whether output is what a page shows; `...` stands for anything, and spaces at the ends of lines do not count."""
    tidy = "\n".join(line.rstrip() for line in said.strip().splitlines())
    wanted = "\n".join(line.rstrip() for line in expected.strip().splitlines())
    return bool(re.fullmatch(".*".join(map(re.escape, re.split(r"\.\.\.|…", wanted))), tidy, re.DOTALL))


def _bash(script: str, place: Place) -> subprocess.CompletedProcess[str]:
    return _started(["bash", "-euo", "pipefail", "-c", script], place)


def _started(command: list[str], place: Place) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=place.folder,
        env=dict(place.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def _check(block: Block, command: str, expected: str, ended: subprocess.CompletedProcess[str]) -> None:
    story = f"{block.name}\n$ {command.strip()}\n{ended.stdout}[exit code {ended.returncode}]"
    fails = block.rest == "fails"
    assert (ended.returncode != 0) is fails, f"It should have {'failed' if fails else 'worked'}: {story}"
    if expected.strip():
        assert matches(expected, ended.stdout), f"The page shows\n{expected}\nbut this came: {story}"
