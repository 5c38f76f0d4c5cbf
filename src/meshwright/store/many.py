"""Very many rows at once, as the driver takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect, Table

from meshwright.store.database import Transaction


def insert(transaction: Transaction, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all name the same columns, at least two, with values that every driver takes as they are.

    The toolkit's own way asks of each value whether its type has to be converted, which takes as long as storing them.
    """
    if rows:
        statement, values = _statement(transaction.dialect, table, tuple(rows[0]))
        transaction.exec_driver_sql(statement, [values(row) for row in rows])


@lru_cache(maxsize=16)
def _statement(
    dialect: Dialect, table: Table, columns: tuple[str, ...]
) -> tuple[str, Callable[[Mapping[str, Any]], Any]]:
    """The statement in the driver's words, and what makes its parameters of a row: in order, or by name."""
    compiled: Any = table.insert().compile(dialect=dialect, column_keys=list(columns))
    return str(compiled), itemgetter(*compiled.positiontup) if compiled.positional else dict
