"""A provider's file beside our books, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer

from meshwright.cli.exits import FAILED
from meshwright.cli.output import out, print_json, print_table
from meshwright.ledger.exports import Told, read_export
from meshwright.ledger.reconciling import Line
from meshwright.types.errors import InvalidRequest, NotFound
from meshwright.types.money import dollars


def read_file(file: Path, columns: Sequence[str]) -> dict[tuple[str, str], Told]:
    """The file's totals; `columns` are ROLE=NAME. Raises NotFound, InvalidRequest."""
    named: dict[str, list[str]] = {}
    for text in columns:
        role, sign, name = text.partition("=")
        if not sign:
            raise InvalidRequest(f'"{text[:60]}" names no column.', field="column", fix="Write --column cost=amount.")
        named.setdefault(role, []).append(name)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"{file} cannot be read: {error}.", fix="Give the CSV file that the provider made.") from error
    return read_export(text, named or None)


def tell_lines(lines: Sequence[Line], as_json: bool) -> None:
    """What differs; ends with exit code 1 when something does."""
    apart = [line for line in lines if not line.agrees]
    if as_json:
        print_json({"agrees": not apart, "lines": [msgspec.structs.asdict(line) for line in lines]})
    else:
        head = ("day", "model", "our USD", "their USD", "our tokens in", "theirs", "our tokens out", "theirs", "")
        print_table(head, [_row(line) for line in lines])
        out.print(_sum(lines, len(apart)), markup=False)
        if unpriced := sum(line.unpriced for line in lines):
            out.print(f"Of {unpriced:,} calls we do not know the cost: see docs/how-to/spend.md.", markup=False)
    if apart:
        raise typer.Exit(FAILED)


def _row(line: Line) -> tuple[str, ...]:
    numbers = (line.ours_input, line.theirs_input, line.ours_output, line.theirs_output)
    counts = ("-" if number is None else f"{number:,}" for number in numbers)
    theirs = "-" if line.theirs_nano is None else dollars(line.theirs_nano)
    return line.day, line.model, dollars(line.ours_nano), theirs, *counts, "" if line.agrees else "differs"


def _sum(lines: Sequence[Line], apart: int) -> str:
    told = f"{len(lines) - apart:,} of {len(lines):,} agree"
    if any(line.theirs_nano is not None for line in lines):
        ours, theirs = sum(line.ours_nano for line in lines), sum(line.theirs_nano or 0 for line in lines)
        told += f"; ours {dollars(ours)} USD, theirs {dollars(theirs)} USD, {dollars(ours - theirs)} apart"
    return f"{told}."
