"""Many rows at once are the same rows, and the same in the words of each driver."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from meshwright.store import many
from meshwright.store.database import Database, sqlite_url
from meshwright.store.tables import decisions

ROW = {
    "at": 1.5, "day": 0, "principal": "p", "dialect": "d", "asked": "", "route": "", "strategy": "", "served": "a/m",
    "outcome": "ok", "status": 200, "stream": True, "seconds": 0.25, "first_byte": None, "cost_nano": 7,
    "input_tokens": None, "output_tokens": 2**62, "trace": b"{\xff}", "task": "", "answer": "%s :x ?",
}  # fmt: skip


def test_what_was_put_in_at_once_comes_out_as_what_the_toolkit_puts_in(tmp_path: Path):
    database = Database(sqlite_url(tmp_path / "mesh.db"))
    database.migrate()
    with database.begin() as transaction:
        many.insert(transaction, decisions, [])
        many.insert(transaction, decisions, [{"id": f"d{n}", **ROW} for n in range(3)])
        transaction.execute(decisions.insert(), [{"id": "other", **ROW}])
        rows = [row._asdict() for row in transaction.execute(select(decisions).order_by(decisions.c.id))]
    database.close()
    assert [row.pop("id") for row in rows] == ["d0", "d1", "d2", "other"]
    assert [row == rows[-1] for row in rows] == [True] * 4
    assert rows[0]["trace"] == ROW["trace"]
    assert rows[0]["stream"] is True


def test_a_driver_that_wants_names_gets_names():
    statement, values = many._statement(postgresql.psycopg.dialect(), decisions, ("id", *ROW))
    assert "%(answer)s" in statement
    assert values({"id": "d", **ROW}) == {"id": "d", **ROW}
