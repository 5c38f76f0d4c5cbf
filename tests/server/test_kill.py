"""Killed in mid-load: every request that was answered is in the ledger, once."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.gateway import Gateway, command

BODY = json.dumps({"model": "builtin/echo", "messages": [{"role": "user", "content": "again"}]})
STREAM = json.dumps({"model": "builtin/echo", "stream": True, "messages": [{"role": "user", "content": "again"}]})


class Load:
    """Clients that ask until they are cut off, and remember what was answered to the last byte."""

    def __init__(self, url: str, clients: int) -> None:
        self.address = urlsplit(url)
        self.answered: list[str] = []
        self.threads = [threading.Thread(target=self.ask, args=(STREAM if n % 2 else BODY,)) for n in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask(self, body: str) -> None:
        connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port or 0, timeout=20)
        try:
            while True:
                connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
                answer = connection.getresponse()
                whole = answer.read()
                assert answer.status == 200
                assert whole.endswith(b"}" if body is BODY else b"data: [DONE]\n\n")
                self.answered.append(answer.headers["x-mesh-decision"])
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    def wait(self) -> list[str]:
        for thread in self.threads:
            thread.join()
        return self.answered


@pytest.mark.parametrize("seconds", [0.3, 0.7])
def test_every_answered_request_is_in_the_ledger_once_after_a_kill(tmp_path: Path, seconds: float):
    gateway = Gateway(tmp_path)
    gateway.start()
    load = Load(gateway.url, 8)
    while len(load.answered) < 20:
        time.sleep(0.01)
    time.sleep(seconds)
    gateway.kill()
    answered = load.wait()
    with gateway:
        assert gateway.chat("1 + 1")[0] == 200
    stored = gateway.stored()
    ids = [trace["id"] for trace in stored]
    assert len(ids) == len(set(ids))
    assert set(answered) - set(ids) == set()
    assert {trace["outcome"] for trace in stored} <= {"ok", "interrupted"}


def test_a_stopped_gateway_has_imported_everything(tmp_path: Path):
    gateway = Gateway(tmp_path)
    with gateway:
        ids = [gateway.chat("1 + 1")[1]["x-mesh-decision"] for _ in range(5)]
    assert [trace["id"] for trace in gateway.stored()] == ids[::-1]
    assert list((tmp_path / "state" / "journal").iterdir()) == []


def test_workers_do_not_outlive_their_control_plane(tmp_path: Path):
    gateway = Gateway(tmp_path, "[server]\nworkers = 2\n")
    gateway.start()
    workers = gateway.workers()
    assert len(workers) == 2
    assert gateway.process is not None
    os.kill(gateway.process.pid, signal.SIGKILL)
    until = time.monotonic() + 30
    while any(command(one) for one in workers) and time.monotonic() < until:
        time.sleep(0.1)
    left = [one for one in workers if command(one)]
    gateway.kill()
    for one in left:
        os.kill(one, signal.SIGKILL)
    assert left == []
    with gateway:
        assert gateway.chat("1 + 1")[0] == 200
