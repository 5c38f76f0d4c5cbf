"""A database comes up to date from wherever it was, and says what is wrong and how to mend it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from meshwright.store import settings
from meshwright.store.database import Database, sqlite_url
from meshwright.store.tables import metadata
from meshwright.types.errors import StoreError
from tests.store.databases import address, fresh


def test_migrating_from_nothing_gives_the_tables_that_the_code_speaks_of(tmp_path: Path):
    database = fresh(tmp_path / "a folder" / "100%")
    with database.read() as transaction:
        context = MigrationContext.configure(transaction, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        indexes = {
            index["name"]
            for table in metadata.tables
            for index in inspect(transaction).get_indexes(table)
            if "duplicates_constraint" not in index
        }
    assert indexes == {index.name for table in metadata.tables.values() for index in table.indexes}
    database.close()


def test_migrating_again_keeps_what_is_there(tmp_path: Path):
    database = fresh(tmp_path)
    with database.begin() as transaction:
        settings.put(transaction, "colour", "blue")
    database.close()
    again = fresh(tmp_path)
    again.migrate()
    with again.read() as transaction:
        assert settings.every(transaction) == {"colour": "blue"}
    again.close()


def test_a_schema_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path):
    database = fresh(tmp_path)
    with database.begin() as transaction:
        transaction.exec_driver_sql("UPDATE alembic_version SET version_num='9999'")
    with pytest.raises(StoreError, match=r"schema 9999, which is newer.*Start the newer version again"):
        database.migrate()
    with database.read() as transaction:
        assert MigrationContext.configure(transaction).get_current_revision() == "9999"
    database.close()


def test_somebody_elses_database_is_refused_and_left_alone(tmp_path: Path):
    with sqlite3.connect(tmp_path / "mesh.db") as theirs:
        theirs.execute("CREATE TABLE keys (secret)")
    theirs.close()
    database = Database(sqlite_url(tmp_path / "mesh.db"))
    with pytest.raises(StoreError, match="not Meshwright's"):
        database.migrate()
    with database.read() as transaction:
        assert inspect(transaction).get_table_names() == ["keys"]
    database.close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path):
    file = tmp_path / "mesh.db"
    file.write_bytes(b"# my diary\n" * 1000)
    database = Database(sqlite_url(file))
    with pytest.raises(StoreError, match=r"is not a SQLite database.*Move that file away"):
        database.migrate()
    database.close()
    assert file.read_bytes() == b"# my diary\n" * 1000


def test_a_folder_that_cannot_be_made_is_an_error_with_a_fix(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="name another folder"):
        Database(sqlite_url(tmp_path / "file" / "mesh.db"))


def test_a_database_that_is_a_folder_is_an_error_with_a_fix(tmp_path: Path):
    (tmp_path / "mesh.db").mkdir()
    database = Database(sqlite_url(tmp_path / "mesh.db"))
    with pytest.raises(StoreError, match="cannot be opened"):
        database.migrate()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_is_not_ours_is_an_error_with_a_fix(tmp_path: Path):
    (tmp_path / "closed").mkdir(mode=0o500)
    for file in (tmp_path / "closed" / "mesh.db", tmp_path / "closed" / "below" / "mesh.db"):
        with pytest.raises(StoreError, match="writable for this user"):
            Database(sqlite_url(file)).migrate()


def test_a_locked_database_is_an_error_after_the_wait(tmp_path: Path, kind: str):
    if kind != "sqlite":
        pytest.skip("locks rows, and not the database")
    database = fresh(tmp_path)
    other = Database(sqlite_url(tmp_path / "mesh.db"), busy_seconds=0.05)
    with database.begin() as transaction:
        settings.put(transaction, "colour", "blue")
        with pytest.raises(StoreError, match="is locked by another process"), other.begin():
            pytest.fail("two writers at once")
        with other.read() as reading:  # a reader is not held up
            assert settings.every(reading) == {}
    database.close()
    other.close()


def test_a_full_disk_is_an_error_and_the_database_goes_on_when_there_is_room(tmp_path: Path):
    database = Database(sqlite_url(tmp_path / "mesh.db"))
    with database.begin() as transaction:
        transaction.exec_driver_sql("PRAGMA max_page_count=8")
    with pytest.raises(StoreError, match=r"the disk is full.*Free some space"):
        database.migrate()
    with database.read() as transaction:
        assert inspect(transaction).get_table_names() == []  # nothing half done
    with database.begin() as transaction:
        transaction.exec_driver_sql("PRAGMA max_page_count=1000000")
    database.migrate()
    database.close()


def test_a_transaction_happens_whole_or_not_at_all(tmp_path: Path):
    database = fresh(tmp_path)

    def fail_halfway() -> None:
        with database.begin() as transaction:
            settings.put(transaction, "colour", "blue")
            raise LookupError

    with pytest.raises(LookupError):
        fail_halfway()
    with database.read() as transaction:
        assert settings.every(transaction) == {}
    database.close()


def test_a_reader_cannot_write_by_mistake(tmp_path: Path):
    database = fresh(tmp_path)
    with pytest.raises(StoreError, match=r"cannot be written|read-only"), database.read() as transaction:
        settings.put(transaction, "colour", "blue")
    with database.begin() as transaction:  # the same connection writes again
        settings.put(transaction, "colour", "green")
    database.flush()
    database.close()


def test_a_reader_sees_one_unchanging_picture(tmp_path: Path):
    database = fresh(tmp_path)
    with database.read() as reading:
        assert settings.get(reading, "colour") is None
        with database.begin() as writing:
            settings.put(writing, "colour", "blue")
        database.flush()
        assert settings.get(reading, "colour") is None
    database.close()


def test_a_refused_statement_tells_neither_its_values_nor_its_text(tmp_path: Path):
    database = fresh(tmp_path)
    twice = "INSERT INTO settings VALUES ('a', 'confidential'), ('a', 'confidential')"
    with pytest.raises(StoreError) as caught, database.begin() as transaction:
        transaction.exec_driver_sql(twice)
    assert "UNIQUE" in str(caught.value).upper()
    assert "confidential" not in str(caught.value)
    database.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mesh.db", "nosuch://x/y", ""])
def test_an_address_that_cannot_serve_is_an_error_with_a_fix(url: str):
    with pytest.raises(StoreError) as caught:
        Database(url)
    assert caught.value.fix


def test_a_server_that_is_not_there_is_an_error_that_says_so_and_does_not_take_for_ever():
    pytest.importorskip("psycopg")
    database = Database("postgresql+psycopg://mesh@/postgres?host=/nowhere&connect_timeout=3")
    with pytest.raises(StoreError, match="cannot be reached") as error, database.read():
        pass
    assert "server run" in (error.value.fix or "")
    told = database._engine.dialect.create_connect_args(database._engine.url)[1]
    assert told["connect_timeout"] == "3"


def test_a_missing_driver_is_an_error_that_does_not_tell_the_password():
    with pytest.raises(StoreError) as caught:
        Database("oracle+oracledb://me:hunter2@db.internal/mesh")
    assert "hunter2" not in str(caught.value)


def test_processes_that_start_together_all_find_a_migrated_database(tmp_path: Path):
    script = """
        import sys
        from meshwright.ledger.keys import ensure_master
        from meshwright.store.database import Database
        sys.stdin.read(1)
        database = Database(sys.argv[1])
        database.migrate()
        print(ensure_master(database).created)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), address(tmp_path / "new")]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("!")
        process.stdin.flush()
    said = [process.communicate()[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * 6
    assert sorted(said) == ["False"] * 5 + ["True"]
