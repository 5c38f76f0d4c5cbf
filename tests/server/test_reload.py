"""mesh.toml changes under a running gateway: the snapshot is swapped whole, or refused and the old one stays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from meshwright.ledger.digest import digest, new_key, shown
from meshwright.sim import Rule, Say, Upstream
from meshwright.store import keys
from meshwright.store.database import Database, sqlite_url
from meshwright.store.rows import Key
from tests.gateway import Gateway
from tests.server.pretend import Pretend
from tests.server.raw import Wire

SECONDS = 40.0
HI = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def pretend() -> Iterator[Pretend]:
    """A provider that is there, and one that is slow."""
    slow = Rule(say=Say(text="one two three four five six seven eight nine ten " * 3))
    with Pretend([Upstream(name="new"), Upstream(name="paced", tokens_per_second=30, script=(slow,))]) as running:
        yield running


@pytest.fixture(scope="module")
def running(pretend: Pretend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all tests here; each starts from the file that it writes."""
    with Gateway(tmp_path_factory.mktemp("reload"), pretend.toml("paced")) as gateway:
        yield gateway


def until(holds: Callable[[], Any]) -> Any:
    """Wait until it holds; gives what it gave."""
    deadline = time.monotonic() + SECONDS
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
    return found


def snapshot(gateway: Gateway) -> int:
    """The version that is served."""
    return int(json.loads(gateway.call("/readyz")[2])["snapshot"])


def rewrite(gateway: Gateway, text: str) -> None:
    """Write the file and wait for its snapshot."""
    before = snapshot(gateway)
    gateway.file.write_text(text)
    until(lambda: snapshot(gateway) > before)


def test_a_new_provider_is_served_and_a_running_stream_goes_on(running: Gateway, pretend: Pretend):
    rewrite(running, pretend.toml("paced") + "# begin\n")
    body = json.dumps({"model": "paced/m", "stream": True, "messages": HI}).encode()
    with Wire(running.url) as wire:
        wire.post("/v1/chat/completions", body)
        first = wire.more()
        rewrite(running, pretend.toml("new"))
        assert running.chat("hi", model="new/m")[0] == 200
        assert running.chat("hi", model="paced/m")[0] == 404
        rest = first
        while not rest.endswith(b"0\r\n\r\n") and (piece := wire.more()):
            rest += piece
    assert b"data: [DONE]" in rest
    assert rest.count(b'"content":" ten"') == 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[providers.new\n", "mesh.toml:1"),
        ("[providers.new]\nbase_ur = 'x'\n", "base_url"),
        ("[routes.x]\nstrategy = 'nonsense'\n", "nonsense"),
        ("[server]\nauth = 'open'\nhost = '0.0.0.0'\n", "without keys only loopback"),
        ("\x00", "mesh.toml"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason_and_the_old_state_stays(
    running: Gateway, pretend: Pretend, text: str, why: str
):
    rewrite(running, pretend.toml("new") + f"# before {why}\n")
    before, said = snapshot(running), len(running.log())
    running.file.write_text(text)
    until(lambda: "refused, the old one stays" in running.log()[said:])
    assert why in running.log()[said:]
    assert snapshot(running) == before
    assert running.chat("hi", model="new/m")[0] == 200


def test_a_file_that_is_deleted_changes_nothing_until_it_is_back(running: Gateway, pretend: Pretend):
    rewrite(running, pretend.toml("new") + "# to be deleted\n")
    said = len(running.log())
    running.file.unlink()
    until(lambda: "cannot be read" in running.log()[said:])
    assert running.chat("hi", model="new/m")[0] == 200
    rewrite(running, pretend.toml("paced"))
    assert running.chat("hi", model="new/m")[0] == 404


def test_the_server_part_needs_a_restart_and_says_so(running: Gateway, pretend: Pretend):
    said = len(running.log())
    rewrite(running, pretend.toml("new") + "[server]\nmax_body_mb = 0.0001\n")
    assert "needs a restart" in running.log()[said:]
    assert running.chat("hi" * 200, model="new/m")[0] == 200


def test_a_request_keeps_the_snapshot_that_it_began_with(running: Gateway, pretend: Pretend):
    rewrite(running, pretend.toml("paced") + "# again\n")
    asked = len(pretend.sim.seen("paced"))
    with Wire(running.url) as wire:
        wire.post("/v1/chat/completions", json.dumps({"model": "paced/m", "messages": HI}).encode())
        until(lambda: len(pretend.sim.seen("paced")) > asked)
        before = snapshot(running)
        rewrite(running, pretend.toml("new") + "# gone\n")
        told = wire.read()
    assert told is not None
    assert told.status == 200
    trace = json.loads(running.call(f"/v1/decisions/{told.headers['x-mesh-decision']}")[2])["trace"]
    assert trace["decision"]["snapshot"] == before


def test_keys_that_are_made_and_revoked_are_known_without_a_restart(tmp_path: Path):
    with Gateway(tmp_path, '[server]\nauth = "keys"\n', key="the-master-key-of-this-test") as gateway:
        database = Database(sqlite_url(tmp_path / "state" / "mesh.db"))
        key = new_key()
        row = Key(id="a", prefix=shown(key), hash=digest(key), name="a", scopes=("inference",), created=time.time())

        def status() -> int:
            return gateway.call("/v1/models", headers={"authorization": f"Bearer {key}"})[0]

        assert status() == 401
        with database.begin() as transaction:
            keys.put(transaction, row)
        until(lambda: status() == 200)
        assert gateway.call("/metrics", headers={"authorization": f"Bearer {key}"})[0] == 403
        with database.begin() as transaction:
            assert keys.revoke(transaction, "a", time.time())
        until(lambda: status() == 401)
        database.close()
