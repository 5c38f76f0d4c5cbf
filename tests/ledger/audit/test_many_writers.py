"""Many processes append to one chain at once, are killed in the middle, and the chain has no fork and no hole."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshwright.ledger.audit.verify import verify
from meshwright.store import decisions
from meshwright.store.database import Database, sqlite_url
from tests.ledger.traces import trace
from tests.store.postgres import missing, running

WRITER = """
    import sys
    from pathlib import Path
    from meshwright.ledger.audit.seals import seal
    from meshwright.ledger.audit.signing import checkpoint
    from meshwright.ledger.issuing import issue
    from meshwright.store.database import Database
    url, name, many = sys.argv[1], sys.argv[2], int(sys.argv[3])
    database = Database(url, busy_seconds=60)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(many):
        issue(database, f"{name} {number}", actor=name)
        print(number, flush=True)
        if number % 5 == 0:
            seal(database, piece=3)
            checkpoint(database, Path(sys.argv[4]))
"""
WRITERS = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "mesh.db")
    elif reason := missing():
        pytest.skip(reason)
    else:
        with running() as address:
            yield address


def start(url: str, name: str, many: int, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), url, name, str(many), str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_processes_that_append_at_once_make_one_chain_even_if_they_are_killed(url: str, tmp_path: Path):
    database = Database(url)
    database.migrate()
    with database.begin() as transaction:
        decisions.insert(transaction, [decisions.prepare(trace(f"d{n}")) for n in range(20)])
    writers = [start(url, f"writer{n}", 10, tmp_path / "keys") for n in range(WRITERS - 1)]
    doomed = start(url, "doomed", 100_000, tmp_path / "keys")
    for writer in (*writers, doomed):
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in (*writers, doomed):
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    assert doomed.stdout is not None
    for line in doomed.stdout:
        if line == "3\n":
            break
    else:
        raise AssertionError("it ended before it was killed")
    time.sleep(0.007)
    doomed.send_signal(signal.SIGKILL)
    said = doomed.communicate(timeout=50)[0].splitlines()
    for writer in writers:
        out, _ = writer.communicate(timeout=50)
        assert writer.returncode == 0, out
    report = verify(database, tmp_path / "keys")
    assert report.faults == ()
    assert (report.decisions, report.unsealed) == (20, 0)
    assert report.entries >= report.seals + 30 + 4 + len(said)
    database.close()
