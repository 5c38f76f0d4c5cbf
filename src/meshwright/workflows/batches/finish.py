"""The end of a batch: what was not run is marked, the files are written, and the last status is set, all at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import msgspec

from meshwright.store import batches, files
from meshwright.store.database import Database, Transaction
from meshwright.store.rows import Batch, BatchRow, StoredFile
from meshwright.workflows.batches.ids import new_id
from meshwright.workflows.batches.lines import Problem, anthropic_unanswered, openai_unanswered

KEPT_SECONDS = 30 * 86_400.0
"""How long the files that a batch makes are told to be kept."""


def encoded(problems: Iterable[Problem]) -> bytes:
    """Problems as the `errors` of a batch."""
    return msgspec.json.encode({"object": "list", "data": list(problems)})


def finish(database: Database, id: str) -> None:
    """Finish a batch of which nothing is under way. Done twice it does nothing. Raises StoreError."""
    with database.begin() as transaction:
        batch = batches.get(transaction, id)
        if batch is None or batch.status not in ("in_progress", "cancelling"):
            return
        now = time.time()
        cancelled = batch.status == "cancelling"
        left = "cancelled" if cancelled else "expired"
        expired = bool(batches.waiting(transaction, id, -1, 1)) and not cancelled
        if expired and now < batch.expires:
            return  # rows were put back: the next look runs them
        batches.close_rows(transaction, id, left)
        status = "cancelled" if cancelled else "expired" if expired else "completed"
        values: dict[str, object] = {"status": status, "ended": now, "finalizing": now, "runner": ""}
        if batch.kind == "openai":
            good = _results(transaction, batch, ("ok",))
            values["output_file"] = _write(transaction, batch, "output", good, now)
            bad = _results(transaction, batch, ("failed", "expired", "cancelled"))
            values["error_file"] = _write(transaction, batch, "error", bad, now)
        batches.change(transaction, id, **values)


def _results(transaction: Transaction, batch: Batch, states: tuple[str, ...]) -> Iterator[bytes]:
    return (result_line(batch, row) for row in batches.rows(transaction, batch.id, states))


def result_line(batch: Batch, row: BatchRow) -> bytes:
    """The row's line of output, one for rows that were not run too."""
    if row.result is not None:
        return row.result
    if batch.kind == "anthropic":
        return anthropic_unanswered(row.custom_id, row.state)
    return openai_unanswered(batch.id, row.n, row.custom_id, row.state)


def _write(transaction: Transaction, batch: Batch, name: str, lines: Iterator[bytes], now: float) -> str:
    """The id of a new file with these lines; "" when there are none."""
    first = next(lines, None)
    if first is None:
        return ""
    file = StoredFile(
        id=new_id("file-"),
        owner=batch.owner,
        name=f"{batch.id}_{name}.jsonl",
        purpose="batch_output",
        created=now,
        expires=now + KEPT_SECONDS,
    )

    def pieces() -> Iterator[bytes]:
        yield first
        yield from lines

    return files.put(transaction, file, pieces()).id
