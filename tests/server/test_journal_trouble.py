"""When the journal cannot be written, requests are refused rather than served unaccounted, and the log says why."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from meshwright.ledger.journal import Journal
from meshwright.server.worker import keep_synced
from meshwright.sim import Rule, Say, Upstream
from meshwright.types.errors import StoreError
from tests.gateway import Gateway
from tests.server.pretend import Pretend
from tests.server.raw import Wire

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
HI = [{"role": "user", "content": "hi"}]
FILLING = "x" * 100_000


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose journal is much longer than its log, so that a limit on files stops the journal alone."""
    script = (Rule(say=Say(text="one two three four five six seven eight nine ten")),)
    folder = tmp_path_factory.mktemp("trouble")
    paced = Upstream(name="paced", tokens_per_second=20, script=script)
    with Pretend([paced]) as pretend, Gateway(folder, pretend.toml("paced")) as running:
        for _ in range(60):
            running.chat("1 + 1")
        yield running


@contextmanager
def full_disk(gateway: Gateway) -> Iterator[None]:
    """Within it no file of the worker may become longer than its journal is now."""
    (segment,) = (gateway.folder / "state" / "journal").iterdir()
    assert segment.stat().st_size > len(gateway.log()) + 10_000
    (worker,) = gateway.workers()
    before = resource.prlimit(worker, resource.RLIMIT_FSIZE, (segment.stat().st_size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, before)


def test_requests_are_refused_and_then_served_again(gateway: Gateway):
    with full_disk(gateway):
        for path, more in ((CHAT, {}), (CHAT, {"stream": True}), (MESSAGES, {"max_tokens": 9})):
            body = {"model": "builtin/echo", "messages": HI, **more}
            status, headers, told = gateway.call(path, body)
            assert status == 500
            assert headers["content-type"] == "application/json"
            error = json.loads(told)["error"]
            assert "journal" in error["message"]
        assert gateway.call("/healthz")[0] == 200
    assert "they could not be accounted for" in gateway.log()
    assert "File too large" in gateway.log()
    status, headers, _ = gateway.chat("1 + 1")
    assert status == 200
    assert gateway.call(f"/v1/decisions/{headers['x-mesh-decision']}")[0] == 200


def test_a_stream_that_cannot_be_accounted_for_does_not_end_well(gateway: Gateway):
    with Wire(gateway.url) as wire:
        wire.post(CHAT, json.dumps({"model": "paced/m", "stream": True, "messages": HI}).encode())
        first = wire.more()
        with full_disk(gateway):
            rest = first
            while not rest.endswith(b"0\r\n\r\n") and (piece := wire.more()):
                rest += piece
    assert b"[DONE]" not in rest
    assert b"store_error" in rest
    assert gateway.chat("1 + 1")[0] == 200


def test_a_journal_that_cannot_begin_a_new_file_says_so(tmp_path: Path):
    with Gateway(tmp_path, "[journal]\nrotate_mb = 0.001\n") as gateway:
        (worker,) = gateway.workers()
        before = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        assert "warning" not in json.loads(gateway.call("/readyz")[2])
        with Wire(gateway.url) as wire:
            open_files = len(list(Path(f"/proc/{worker}/fd").iterdir()))
            wire.post(CHAT, json.dumps({"model": "builtin/echo", "messages": HI}).encode())
            assert wire.read() is not None
            highest = max(int(one.name) for one in Path(f"/proc/{worker}/fd").iterdir())
            assert open_files <= highest + 1
            resource.prlimit(worker, resource.RLIMIT_NOFILE, (_lowest_free(worker), before[1]))
            for _ in range(5):
                wire.post(CHAT, json.dumps({"model": "builtin/echo", "messages": HI}).encode())
                told = wire.read()
                assert told is not None
                assert told.status == 200
            wire.send(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            ready = wire.read()
            wire.send(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n")
            metrics = wire.read()
            resource.prlimit(worker, resource.RLIMIT_NOFILE, before)
            assert ready is not None
            assert "Too many open files" in ready.json()["warning"]
            assert metrics is not None
            assert b"mesh_journal_postponed 1\n" in metrics.body
            for _ in range(5):
                gateway.chat("1 + 1")
            assert "warning" not in json.loads(gateway.call("/readyz")[2])


def _lowest_free(process: int) -> int:
    used = {int(one.name) for one in Path(f"/proc/{process}/fd").iterdir()}
    return next(number for number in range(10_000) if number not in used)


class Failing:
    """A journal whose disk fails for the first time that it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.again = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def sync(self) -> None:
        """Fail, then do."""
        self.asked += 1
        if self.asked == 1:
            raise StoreError("The disk does not answer.")
        self.loop.call_soon_threadsafe(self.again.set)


async def test_a_disk_that_failed_once_is_tried_again(caplog: pytest.LogCaptureFixture):
    journal = Failing()
    task = asyncio.create_task(keep_synced(cast(Journal, journal), 0.0))
    async with asyncio.timeout(30):
        await journal.again.wait()
    task.cancel()
    assert "The disk does not answer." in caplog.text
