"""A line is whole or recognisably not, a segment is locked while its writer lives, and failures are said."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.ledger.journal import Journal
from meshwright.ledger.lines import Begin, DamagedLine, Ended, parse, segments
from meshwright.types.decision import Trace
from meshwright.types.errors import StoreError
from tests.ledger.traces import trace


def lines(path: Path) -> list[bytes]:
    """The lines of a file, with their newlines."""
    return path.read_bytes().splitlines(keepends=True)


def locked(path: Path) -> bool:
    """Whether somebody holds the lock of a segment."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_what_is_written_is_read_again(tmp_path: Path):
    journal = Journal(tmp_path, "w1")
    journal.begin("d1", 12.5, "master")
    journal.record(trace("d1"))
    first, second = map(parse, lines(journal.path))
    assert first == Begin("d1", 12.5, "master")
    assert isinstance(second, Ended)
    assert second.trace == trace("d1")
    assert msgspec.json.decode(second.raw, type=Trace) == trace("d1")
    journal.close()


def test_every_word_of_a_segment_is_json_so_that_jq_reads_it(tmp_path: Path):
    journal = Journal(tmp_path, "w1")
    journal.record(trace('tab\tnewline\nquote"nul\0end'))
    object_text, check = lines(journal.path)[0].split(b"\t")
    assert json.loads(object_text)["d"]["id"] == 'tab\tnewline\nquote"nul\0end'
    assert isinstance(json.loads(check), int)
    journal.close()


@given(st.text(st.characters(exclude_categories=[])), st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_at_all_can_be_written(tmp_path_factory: pytest.TempPathFactory, text: str, at: float):
    journal = Journal(tmp_path_factory.mktemp("j"), "w1")
    journal.begin(text, at, text)
    journal.record(msgspec.structs.replace(trace(text), error=text, stages={text: 1.0}))
    begin, end = map(parse, lines(journal.path))
    expected = text.encode("utf-8", "replace").decode()
    assert begin == Begin(expected, at, expected)
    assert isinstance(end, Ended)
    assert end.trace.error == expected
    journal.close()


@given(st.data())
def test_a_line_with_any_byte_changed_is_damaged(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    journal = Journal(tmp_path_factory.mktemp("j"), "w1")
    journal.record(trace("d1"))
    line = bytearray(lines(journal.path)[0].rstrip(b"\n"))
    journal.close()
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte not in (line[place], 10)))
    with pytest.raises(DamagedLine):
        parse(bytes(line))


@pytest.mark.parametrize("line", [b"", b"\n", b"\t\n", b"{}\n", b"\0" * 4096, b"{}\t" + b"9" * 9999, b"\xff\t1\n"])
def test_rubbish_is_damaged(line: bytes):
    with pytest.raises(DamagedLine):
        parse(line)


def test_a_torn_line_is_damaged_wherever_it_was_torn(tmp_path: Path):
    journal = Journal(tmp_path, "w1")
    journal.begin("d1", 1.0, "master")
    journal.close()
    whole = lines(journal.path)[0].rstrip(b"\n")
    for length in range(len(whole)):
        with pytest.raises(DamagedLine):
            parse(whole[:length])


def test_a_segment_is_locked_until_its_writer_closes_it(tmp_path: Path):
    journal = Journal(tmp_path, "w1")
    assert locked(journal.path)
    journal.close()
    assert not locked(journal.path)
    journal.close()


def test_a_full_segment_is_followed_by_the_next_and_only_that_stays_locked(tmp_path: Path):
    journal = Journal(tmp_path, "a-1", rotate_bytes=5000)
    for number in range(20):
        journal.record(trace(f"d{number}"))
    found = segments(tmp_path)
    assert [segment.n for segment in found] == list(range(len(found)))
    assert len(found) > 2
    assert {segment.writer for segment in found} == {"a-1"}
    assert [locked(tmp_path / segment.name) for segment in found] == [False] * (len(found) - 1) + [True]
    ids = [parse(line) for segment in found for line in lines(tmp_path / segment.name)]
    assert [value.trace.id for value in ids if isinstance(value, Ended)] == [f"d{number}" for number in range(20)]
    journal.close()


def test_two_journals_of_the_same_name_do_not_share_a_segment(tmp_path: Path):
    one, other = Journal(tmp_path, "w1"), Journal(tmp_path, "w1")
    assert one.path != other.path
    one.close()
    other.close()


def test_nobody_else_can_read_a_journal(tmp_path: Path):
    journal = Journal(tmp_path / "made" / "here", "w1")
    assert journal.path.stat().st_mode & 0o077 == 0
    assert journal.path.parent.stat().st_mode & 0o077 == 0
    journal.close()


def test_a_rotation_that_cannot_happen_costs_no_request(tmp_path: Path):
    journal = Journal(tmp_path / "j", "w1", rotate_bytes=500)
    (tmp_path / "j").rename(tmp_path / "moved")
    journal.record(trace("d1"))
    assert "cannot open" in journal.postponed
    journal.record(trace("d2"))
    journal.close()
    (moved,) = segments(tmp_path / "moved")
    assert len(lines(tmp_path / "moved" / moved.name)) == 2


def test_what_a_rotation_that_failed_has_left_is_in_nobodys_way(tmp_path: Path):
    journal = Journal(tmp_path, "w1", rotate_bytes=500)
    left = tmp_path / journal.path.name.replace("-0.jsonl", "-1.jsonl.opening")
    left.write_bytes(b"")
    journal.record(trace("d1"))
    assert journal.postponed == ""
    assert not left.exists()
    assert len(segments(tmp_path)) == 2
    journal.close()


def test_a_closed_journal_says_so(tmp_path: Path):
    journal = Journal(tmp_path, "w1")
    journal.close()
    with pytest.raises(StoreError, match="is closed"):
        journal.begin("d1", 1.0, "master")


def test_a_folder_that_is_a_file_is_an_error_with_a_fix(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="choose another folder"):
            Journal(folder, "w1")


@pytest.mark.parametrize("name", ["", "-", "a/b", "..", "a b", "x" * 65, "a\n"])
def test_a_writer_has_a_name_that_fits_into_a_file_name(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="writer's name"):
        Journal(tmp_path, name)


@pytest.mark.parametrize("kind", ["data", "full"])
def test_syncing_covers_segments_that_were_rotated_and_even_removed_since(tmp_path: Path, kind: str):
    journal = Journal(tmp_path, "w1", rotate_bytes=3000)
    for number in range(6):
        journal.record(trace(f"d{number}"))
    (tmp_path / segments(tmp_path)[0].name).unlink()
    journal.sync("data" if kind == "data" else "full")
    journal.sync()
    journal.close()


def test_a_write_that_the_file_has_no_room_for_is_taken_back_and_the_next_that_fits_is_whole(tmp_path: Path):
    script = """
        import resource, sys
        from pathlib import Path
        from meshwright.ledger.journal import Journal
        from meshwright.types.errors import StoreError
        from tests.ledger.traces import trace
        journal = Journal(Path(sys.argv[1]), "w1")
        journal.record(trace("d0"))
        size = journal.path.stat().st_size
        # The kernel writes as much of a line as the limit has room for, as it does when a disk fills up.
        resource.setrlimit(resource.RLIMIT_FSIZE, (size * 7 // 2, size * 9))
        written = [0]
        for number in range(1, 9):
            try:
                journal.record(trace(f"d{number}"))
                written.append(number)
            except StoreError as problem:
                assert "cannot write" in str(problem), problem
        assert written == [0, 1, 2], written
        journal.begin("small", 1.0, "m")
        resource.setrlimit(resource.RLIMIT_FSIZE, (size * 9, size * 9))
        journal.record(trace("last"))
        print(*written)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (segment,) = segments(tmp_path)
    values = [parse(line) for line in lines(tmp_path / segment.name)]
    ended = [value.trace.id for value in values if isinstance(value, Ended)]
    assert ended == [*(f"d{number}" for number in done.stdout.split()), "last"]
    assert [value.id for value in values if isinstance(value, Begin)] == ["small"]


def test_a_worker_loads_no_database_toolkit():
    script = """
        import sys
        import meshwright.ledger.journal, meshwright.ledger.money, meshwright.ledger.digest
        print([name for name in sys.modules if name.partition(".")[0] in ("sqlalchemy", "alembic", "sqlite3")])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
