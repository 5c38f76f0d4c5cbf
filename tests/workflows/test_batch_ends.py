"""How batches end: out of time, taken over from a dead runner, and each row with the result that came first."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from meshwright.kernel.config.tables import RouteSettings
from meshwright.sim import Say
from meshwright.store import batches, files
from meshwright.store.database import Database
from meshwright.store.rows import Batch, StoredFile
from meshwright.types.principal import LOCAL
from meshwright.workflows.batches.finish import finish
from meshwright.workflows.batches.ids import new_id, ours
from meshwright.workflows.batches.lines import MOST_PROBLEMS, openai_line, read_rows
from meshwright.workflows.batches.run import Runner
from tests.kernel.house import house
from tests.store.databases import address, fresh


def batch(id: str = "b1", **more: object) -> Batch:
    """A batch that has begun."""
    usual: dict[str, object] = {
        "id": id,
        "owner": "ann",
        "kind": "openai",
        "endpoint": "/v1/chat/completions",
        "status": "in_progress",
        "created": 1.0,
        "expires": 4e9,
    }
    return Batch(**{**usual, **more})  # type: ignore[arg-type]  # the values above have the fields' types


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A new one."""
    return fresh(tmp_path)


def told(database: Database, id: str) -> list[dict[str, object]]:
    """The lines of a file."""
    with database.read() as transaction:
        return [json.loads(line) for line in files.lines(transaction, id, 1000)]


def test_rows_that_came_too_late_are_named_in_the_error_file(database: Database):
    with database.begin() as transaction:
        batches.put(transaction, batch(expires=5.0))
        batches.add_rows(transaction, "b1", [("a", b"{}"), ("b", b"{}"), ("c", b"{}")])
        batches.finish_row(transaction, "b1", 1, "ok", openai_line("b1", 1, "b", 200, "dec_1", b"{}"))
    finish(database, "b1")
    with database.read() as transaction:
        ended = batches.get(transaction, "b1")
    assert ended is not None
    assert ended.status == "expired"
    assert [line["custom_id"] for line in told(database, ended.output_file)] == ["b"]
    late = told(database, ended.error_file)
    assert [(line["custom_id"], line["response"]) for line in late] == [("a", None), ("c", None)]
    assert all("batch_expired" in json.dumps(line["error"]) for line in late)
    finish(database, "b1")
    with database.read() as transaction:
        assert batches.get(transaction, "b1") == ended, "a second end changes nothing"


def test_the_first_result_of_a_row_stays(database: Database):
    with database.begin() as transaction:
        batches.put(transaction, batch())
        batches.add_rows(transaction, "b1", [("a", b"{}")])
        assert batches.finish_row(transaction, "b1", 0, "ok", b"first\n")
        assert not batches.finish_row(transaction, "b1", 0, "failed", b"second\n")
        assert [row.result for row in batches.rows(transaction, "b1", ("ok", "failed"))] == [b"first\n"]


def test_a_batch_is_not_ended_while_rows_wait_and_there_is_time(database: Database):
    with database.begin() as transaction:
        batches.put(transaction, batch())
        batches.add_rows(transaction, "b1", [("a", b"{}")])
    finish(database, "b1")
    with database.read() as transaction:
        left = batches.get(transaction, "b1")
        assert left is not None
        assert (left.status, len(batches.waiting(transaction, "b1", -1, 9))) == ("in_progress", 1)


async def test_no_more_is_asked_than_can_be_kept_and_nothing_twice(tmp_path: Path):
    database = Database(address(tmp_path), busy_seconds=0.05)
    database.migrate()
    body = json.dumps({"model": "route/it", "messages": [{"role": "user", "content": "hi"}]}).encode()
    with database.begin() as transaction:
        batches.put(transaction, batch(owner=LOCAL.id))
        batches.add_rows(transaction, "b1", [(name, body) for name in "abc"])
    route = RouteSettings(strategy="fixed", pool=("small/m",))
    async with house({"small": Say(text="ok")}, route) as at, asyncio.timeout(60):
        runner = Runner(at.kernel, database, "first", concurrency=1)
        await runner.look()
        with database.begin():  # nobody else can write meanwhile
            await asyncio.sleep(1.5)
            assert at.asked().get("small", 0) <= 1
        while runner.busy:
            await asyncio.sleep(0.1)
            await runner.look()
        assert at.asked() == {"small": 3}
        await runner.stop()
    with database.read() as transaction:
        assert batches.counts(transaction, ["b1"]) == {"b1": {"ok": 3}}
    database.close()


def test_a_runner_keeps_its_batches_and_takes_those_of_the_dead(database: Database):
    with database.begin() as transaction:
        batches.put(transaction, batch("b1"))
        batches.put(transaction, batch("b2", status="completed"))
        assert [one.id for one in batches.claim(transaction, "first", 100.0, 30.0)] == ["b1"]
        assert batches.claim(transaction, "second", 110.0, 30.0) == []
        assert [one.id for one in batches.claim(transaction, "first", 120.0, 30.0)] == ["b1"]
        assert [one.id for one in batches.claim(transaction, "second", 151.0, 30.0)] == ["b1"]
        assert batches.claim(transaction, "first", 152.0, 30.0) == []
        batches.release(transaction, "second")
        assert [one.id for one in batches.claim(transaction, "first", 153.0, 30.0)] == ["b1"]


def test_nobody_sees_what_others_have(database: Database):
    with database.begin() as transaction:
        batches.put(transaction, batch())
        files.put(transaction, StoredFile(id="f1", owner="ann", name="n", purpose="batch", created=1.0), [b"a\nb"])
        assert batches.get(transaction, "b1", "bob") is None
        assert batches.page(transaction, "bob", "openai", 9) == []
        assert not batches.remove(transaction, "b1", "bob")
        assert files.get(transaction, "f1", "bob") is None
        assert files.page(transaction, "bob", 9) == []
        assert not files.remove(transaction, "f1", "bob")


@pytest.mark.parametrize("size", [1, files.PIECE - 1, files.PIECE, 2 * files.PIECE + 3])
def test_lines_survive_the_cutting_of_a_file_into_pieces(database: Database, size: int):
    data = b"x" * size + b"\n\n" + b"last"
    with database.begin() as transaction:
        file = StoredFile(id="f1", owner="ann", name="n", purpose="batch", created=1.0)
        assert files.put(transaction, file, (data[at : at + 1000] for at in range(0, len(data), 1000))).size == len(
            data
        )
        assert list(files.lines(transaction, "f1", size + 10)) == [b"x" * size, b"last"]
        if size > files.PIECE:
            with pytest.raises(ValueError, match="longer"):
                list(files.lines(transaction, "f1", 1000))


def test_files_whose_time_is_over_go_unless_a_batch_needs_them(database: Database):
    with database.begin() as transaction:
        for id, expires in (("old", 5.0), ("needed", 5.0), ("young", 50.0), ("kept", None)):
            file = StoredFile(id=id, owner="ann", name="n", purpose="batch", created=1.0, expires=expires)
            files.put(transaction, file, [b"x"])
        batches.put(transaction, batch(status="validating", input_file="needed"))
        assert files.expire(transaction, 10.0) == 1
        assert {file.id for file in files.page(transaction, "ann", 9)} == {"needed", "young", "kept"}


def test_only_so_many_problems_are_told():
    rows, problems = read_rows([b"{"] * 1000, "/v1/responses")
    assert (rows, len(problems)) == ([], MOST_PROBLEMS)


def test_ids_of_providers_are_never_taken_for_ours():
    assert all(ours(new_id(kind)) for kind in ("file-", "batch_", "msgbatch_"))
    assert not any(map(ours, ("file-abc", "batch_abc", "msgbatch_01", "mesh_", "")))
