"""Printing for people and for scripts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from meshwright.cli.exits import INTERRUPTED, exit_code
from meshwright.types.errors import ConfigError, MeshError, StoreError


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        """Whoever read has enough, which is no failure (rich ends with code 1): `told` ends the command well."""
        raise BrokenPipeError


out = _Screen(highlight=False, soft_wrap=True)
err = _Screen(stderr=True, highlight=False, soft_wrap=True)

unfolded = _Screen(highlight=False, soft_wrap=True, width=100_000)
"""For lines that no screen shows."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="The mesh.toml to use (default: MESH_CONFIG, then ./mesh.toml).")
]


def print_json(value: Any) -> None:
    """A value as indented JSON on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    sys.stdout.flush()  # a script may wait for it in a file, while the command goes on


def write_file(file: Path, body: bytes | Iterable[bytes]) -> None:
    """The bytes, or the pieces of them, in that file; "-" is standard output. Raises StoreError."""
    if str(file) == "-":
        sys.stdout.buffer.writelines((body,) if isinstance(body, bytes) else body)
        return
    try:
        with file.open("wb") as opened:
            opened.writelines((body,) if isinstance(body, bytes) else body)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.", fix="Name a file that can.") from error


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table; cells are shown as they are, whatever is in them."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    # Whoever reads line by line (grep, a file) is not helped by a cell that goes on in the next one.
    (out if out.is_terminal else unfolded).print(table)


@contextmanager
def told(as_json: bool = False) -> Iterator[None]:
    """Turn errors into a message and an exit code instead of a traceback."""
    try:
        yield
    except MeshError as error:
        fail(error, as_json)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has enough
        raise typer.Exit(0) from None


def fail(error: MeshError, as_json: bool = False) -> NoReturn:
    """Tell an error and end with its code."""
    if as_json:
        problems = [str(problem) for problem in error.problems] if isinstance(error, ConfigError) else []
        body = {
            "code": error.code,
            "message": error.message,
            "field": error.field,
            "fix": error.fix,
            "problems": problems,
        }
        print_json({"error": body})
    elif isinstance(error, ConfigError):
        for problem in error.problems:
            err.print(f"[red]{escape(str(problem))}[/]")
    else:
        place = f"{error.field}: " if error.field else ""
        err.print(f"[red]{escape(place + error.message)}[/]")
        if error.fix:
            err.print(escape(error.fix))
    raise typer.Exit(exit_code(error))
