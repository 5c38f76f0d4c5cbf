"""The audit log on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meshwright.cli.output import err, out, print_json, write_file
from meshwright.ledger.audit.erase import Erased
from meshwright.ledger.audit.exported import lines
from meshwright.ledger.audit.reading import shown
from meshwright.ledger.audit.verify import Report
from meshwright.store import audit
from meshwright.store.database import Database
from meshwright.types.errors import InvalidRequest


def show(database: Database, limit: int, act: str, as_json: bool) -> None:
    """The latest entries, the newest last."""
    with database.read() as transaction:
        found = shown(transaction, reversed(audit.latest(transaction, limit, act=act)))
    if as_json:
        print_json(found)
        return
    for one in found:
        when = one.at[:19].replace("T", " ")
        out.print(f"{one.seq}  {when}  {one.actor}  {one.act}  {one.object}  {_words(one.detail)}", markup=False)


def _words(detail: dict[str, Any]) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in detail.items() if value not in (None, "", [], {}))


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return _words(value) if isinstance(value, dict) else str(value)


def tell_report(report: Report) -> None:
    """What was checked, and what is wrong with it."""
    for fault in report.faults:
        err.print(f"entry {fault.seq}: {fault.told}", markup=False, style="red")
    counted = f"{report.entries:,} entries, {report.checkpoints:,} checkpoints"
    if report.decisions is not None:
        counted += f", {report.decisions:,} decisions under {report.seals:,} seals"
    out.print(f"{'Sound' if report.sound else 'NOT SOUND'}: {counted}.", markup=False)
    if report.unsealed:
        out.print(f"{report.unsealed:,} decisions have no seal yet; nothing is proved of them.", markup=False)
    if report.entries:
        out.print(f"The last entry's hash: {report.hash}", markup=False)


def tell_erased(erased: Erased, as_json: bool) -> None:
    """What is gone."""
    if as_json:
        print_json(erased)
        return
    went = ", ".join(f"{count} {name}" for name, count in erased.deleted.items() if count) or "nothing else was kept"
    key = "its encryption key is forgotten" if erased.subject else "nothing was encrypted for it"
    out.print(f"{erased.principal} is erased: {key}; deleted: {went}.", markup=False)
    err.print("Backups of the database from before still have it: let them expire, or erase it there as well.")


def export(database: Database, file: Path | None) -> None:
    """Every entry and checkpoint, a line each."""
    if file is None:
        for line in lines(database):
            sys.stdout.buffer.write(line)
        return
    write_file(file, lines(database))


def trusted_keys(given: Sequence[str]) -> frozenset[str]:
    """Public keys as they are compared. Raises InvalidRequest."""
    for key in given:
        if len(key) != 64 or not all(digit in "0123456789abcdefABCDEF" for digit in key):
            raise InvalidRequest(
                f'"{key[:80]}" is no public key.', field="trust", fix="Write the 64 hex digits of a checkpoint's `key`."
            )
    return frozenset(key.lower() for key in given)
