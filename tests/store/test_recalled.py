"""Kept answers in the database: found until their time is over, and gone with their owner."""

from __future__ import annotations

from pathlib import Path

import msgspec

from meshwright.store import owned, recalled
from meshwright.store.database import Database, sqlite_url
from meshwright.store.rows import Recalled

ONE = Recalled(id="aa", owner="bob", at=1.0, until=100.0, model="a/m", cost_nano=5, body=b"{}")


def test_an_answer_is_found_until_its_time_is_over_and_goes_with_its_owner(tmp_path: Path):
    database = Database(sqlite_url(tmp_path / "mesh.db"))
    database.migrate()
    with database.begin() as transaction:
        recalled.put(transaction, ONE)
        newer = msgspec.structs.replace(ONE, until=200.0, cost_nano=None)
        recalled.put(transaction, newer)
        recalled.put(transaction, msgspec.structs.replace(ONE, id="bb", owner="eve"))
        assert recalled.get(transaction, "aa", 150.0) == newer
        assert recalled.get(transaction, "bb", 150.0) is None
        assert recalled.sweep(transaction, 150.0) == 1
        assert owned.delete_all(transaction, "bob")["recalled"] == 1
        assert recalled.get(transaction, "aa", 1.0) is None
    database.close()
