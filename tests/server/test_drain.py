"""Told to stop, it finishes what runs; what takes too long is cut off with words, and everything is in the ledger."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meshwright.sim import Rule, Say, Upstream
from tests.gateway import Gateway
from tests.server.pretend import Pretend
from tests.server.raw import Wire, ask

CHAT = "/v1/chat/completions"
WORDS = "one two three four five six seven eight nine ten"


@pytest.fixture(scope="module")
def pretend() -> Iterator[Pretend]:
    """A provider that takes a second, and one that speaks for a second."""
    script = (Rule(say=Say(text=WORDS)),)
    with Pretend(
        [
            Upstream(name="slow", latency=1.0, script=script),
            Upstream(name="paced", tokens_per_second=12, script=script),
            Upstream(name="forever", tokens_per_second=0.2, script=script),
        ]
    ) as running:
        yield running


def body(model: str, **more: Any) -> bytes:
    """A chat request."""
    return json.dumps({"model": f"{model}/m", "messages": [{"role": "user", "content": "hi"}], **more}).encode()


def begun(gateway: Gateway, model: str, stream: bool, pretend: Pretend) -> Wire:
    """A connection on which a request is under way at its provider."""
    before = len(pretend.sim.seen(model))
    wire = Wire(gateway.url)
    wire.post(CHAT, body(model, stream=stream))
    deadline = time.monotonic() + 40
    while len(pretend.sim.seen(model)) == before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return wire


def started(folder: Path, pretend: Pretend, more: str = "") -> Gateway:
    """A running gateway with the slow providers."""
    gateway = Gateway(folder, "".join(pretend.toml(name) for name in ("slow", "paced", "forever")) + more)
    gateway.start()
    return gateway


def is_shut(gateway: Gateway) -> bool:
    """Whether a new connection gets nothing, or a 503."""
    try:
        told = ask(gateway.url, b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n")
    except OSError:
        return True
    return told is None or told.status == 503


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_runs_is_finished_and_what_is_new_is_refused(tmp_path: Path, pretend: Pretend, number: signal.Signals):
    gateway = started(tmp_path, pretend)
    assert gateway.process is not None
    with begun(gateway, "slow", False, pretend) as whole, begun(gateway, "paced", True, pretend) as stream:
        gateway.process.send_signal(number)
        deadline = time.monotonic() + 40
        while not is_shut(gateway):
            assert time.monotonic() < deadline
        told, streamed = whole.read(), stream.read()
    assert told is not None
    assert told.status == 200
    assert WORDS in told.json()["choices"][0]["message"]["content"]
    assert streamed is not None
    assert streamed.body.endswith(b"data: [DONE]\n\n")
    gateway.process.wait(40)
    assert gateway.stop() == 0
    assert {trace.get("outcome", "ok") for trace in gateway.stored()} == {"ok"}
    assert len(gateway.stored()) == 2


def test_what_takes_longer_than_drain_seconds_is_cut_off_with_words(tmp_path: Path, pretend: Pretend):
    gateway = started(tmp_path, pretend, "[server]\ndrain_seconds = 0.3\n")
    assert gateway.process is not None
    with begun(gateway, "forever", False, pretend) as whole, begun(gateway, "forever", True, pretend) as stream:
        first = stream.more()
        gateway.process.send_signal(signal.SIGTERM)
        told = whole.read()
        rest = first
        while piece := stream.more():
            rest += piece
    assert told is not None
    assert told.status == 503
    assert "shutting down" in told.json()["error"]["message"]
    assert b"[DONE]" not in rest
    assert b"shutting down" in rest
    gateway.process.wait(40)
    assert gateway.stop() == 0
    traces = gateway.stored()
    assert [trace["outcome"] for trace in traces] == ["cancelled", "cancelled"]
    assert all(len(trace["attempts"]) == 1 for trace in traces)
    assert "2 requests are cut off" in gateway.log()


def test_a_killed_worker_is_replaced_and_its_requests_are_accounted_for(tmp_path: Path, pretend: Pretend):
    gateway = started(tmp_path, pretend)
    try:
        done = gateway.chat("1 + 1")[1]["x-mesh-decision"]
        (worker,) = gateway.workers()
        with begun(gateway, "forever", False, pretend) as lost:
            os.kill(worker, signal.SIGKILL)
            assert lost.read() is None
        deadline = time.monotonic() + 40
        while not _answers(gateway):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert gateway.workers() != [worker]
        while not (interrupted := _outcomes(gateway, "interrupted")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert len(interrupted) == 1
        assert gateway.call(f"/v1/decisions/{done}")[0] == 200
    finally:
        code = gateway.stop()
    assert code == 0


def _answers(gateway: Gateway) -> bool:
    """Whether it answers; a gateway with a single worker refuses connections until the next one is there."""
    try:
        return gateway.chat("1 + 1")[0] == 200
    except OSError:
        return False


def _outcomes(gateway: Gateway, outcome: str) -> list[Any]:
    rows = json.loads(gateway.call("/v1/decisions?limit=100")[2])["data"]
    return [row for row in rows if row["outcome"] == outcome]


def test_two_workers_answer_as_one(tmp_path: Path):
    with Gateway(tmp_path, "[server]\nworkers = 2\n") as gateway:
        assert len(gateway.workers()) == 2
        ids = [gateway.chat("1 + 1")[1]["x-mesh-decision"] for _ in range(40)]
        for decision in ids:
            assert gateway.call(f"/v1/decisions/{decision}")[0] == 200
        listed = [row["id"] for row in json.loads(gateway.call("/v1/decisions?limit=100")[2])["data"]]
        assert sorted(listed) == sorted(ids)
        deadline = time.monotonic() + 40
        while True:
            text = gateway.call("/metrics")[2].decode()
            counted = [line for line in text.splitlines() if line.startswith("mesh_requests_total")]
            if sum(int(line.split()[-1]) for line in counted) == 40:
                break
            assert time.monotonic() < deadline, counted
            time.sleep(0.1)


def test_a_decision_that_never_was_is_not_waited_for(tmp_path: Path):
    with Gateway(tmp_path) as gateway:
        began = gateway.chat("1 + 1")[1]["x-mesh-decision"]
        status, _, told = gateway.call("/v1/decisions/dec_00000000000" + began[15:])
        assert status == 404
        assert "x-mesh-decision" in json.loads(told)["error"]["message"]
