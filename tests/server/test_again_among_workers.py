"""An idempotency key among several workers: one of them makes the answer, and all of them give it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from meshwright.server.claims import Claims, Head, Telling, Wanted, hear
from meshwright.sim import Fault, Rule, Say, Upstream
from tests.gateway import Gateway, command
from tests.server.pretend import Pretend
from tests.server.test_again import Asking

MANY = 16


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """Three workers before a slow provider, and before one whose first answer fails."""
    script = (Rule(text="count", say=Say(tokens=tuple(f"t{number} " for number in range(20)))),)
    slow = Upstream(name="slow", latency=0.3, tokens_per_second=40, script=script)
    broken = Upstream(name="broken", latency=0.2, faults=(Fault("status_500", calls=(1,)),))
    with Pretend([slow, broken]) as pretend:
        toml = "[server]\nworkers = 3\n[failure]\nretries = 0\n" + pretend.toml("slow") + pretend.toml("broken")
        with Gateway(tmp_path_factory.mktemp("workers"), toml) as gateway:
            yield Asking(gateway, pretend)


def at_once(at: Asking, key: str, **more: Any) -> list[tuple[int, dict[str, str], bytes]]:
    """Many ask by one key at the same time, each over a connection of its own."""
    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(lambda _: at.ask(key, **more), range(MANY)))


@pytest.mark.parametrize("stream", [False, True])
def test_who_asks_at_the_same_time_and_who_asks_later_gets_one_answer(at: Asking, stream: bool):
    text = f"count {stream}"
    answers = [*at_once(at, text, text=text, stream=stream), *at_once(at, text, text=text, stream=stream)]
    assert {status for status, _, _ in answers} == {200}
    assert len({body for _, _, body in answers}) == 1
    assert len({headers["x-mesh-decision"] for _, headers, _ in answers}) == 1
    assert [headers.get("idempotent-replayed") for _, headers, _ in answers].count(None) == 1
    assert at.asked(text) == 1
    assert (b"[DONE]" in answers[0][2]) is stream


def test_another_request_by_that_key_is_refused_by_every_worker(at: Asking):
    assert at.ask("taken", text="first")[0] == 200
    answers = at_once(at, "taken", text="second")
    assert {status for status, _, _ in answers} == {422}
    assert at.asked("second") == 0


def test_what_failed_is_made_anew(at: Asking):
    answers = at_once(at, "failing", model="broken/m", text="try")
    assert {status for status, _, _ in answers} <= {200, 500, 502, 503}
    assert at.ask("failing", model="broken/m", text="try")[0] == 200


def test_when_the_worker_that_made_it_dies_another_makes_it_anew(at: Asking):
    first = at.ask("dying", text="before")
    assert first[0] == 200
    worker = at.gateway.workers()[0]
    os.kill(worker, signal.SIGKILL)
    until = time.monotonic() + 30
    while command(worker) and time.monotonic() < until:
        time.sleep(0.05)
    answers: list[tuple[int, dict[str, str], bytes]] = []
    until = time.monotonic() + 30
    while len(answers) < 12 and time.monotonic() < until:
        try:
            answers.append(at.ask("dying", text="before"))
        except OSError:
            time.sleep(0.1)  # its connection was to the one that died
    assert {status for status, _, _ in answers} == {200}
    assert len({json.loads(body)["id"] for _, _, body in answers}) == 1
    assert at.asked("before") <= 2


def test_what_a_dead_worker_left_is_swept_up(tmp_path: Path):
    left = tmp_path / "w1.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(left))
    os.utime(left, (1, 1))
    old = tmp_path / ("0" * 64 + ".claim")
    old.write_text("{}")
    os.utime(old, (1, 1))

    async def nothing(_: Wanted) -> Telling:
        return Telling(Head("new"))

    async def claim() -> list[str]:
        claims = Claims(tmp_path, "w2", nothing)
        wanted = Wanted("p", "k", b"f")
        owners = await asyncio.gather(*(claims.owner(wanted) for _ in range(5)))
        assert await hear(claims.address, wanted) == "new"
        other = Claims(tmp_path, "w3", nothing)
        owners.append(await other.owner(wanted))
        assert await other.owner(wanted, gone=claims.address) == ""
        for one in (claims, other):
            one.close()
        return owners

    owners = asyncio.run(claim())
    assert owners[:5] == [""] * 5
    assert owners[5].endswith("w2.sock")
    assert [path.suffix for path in tmp_path.iterdir()] == [".claim"]


def test_a_worker_that_has_only_just_opened_its_socket_is_not_taken_for_dead(tmp_path: Path):
    async def nothing(_: Wanted) -> Telling:
        return Telling(Head("new"))

    async def claim() -> None:
        claims = Claims(tmp_path, "w2", nothing)
        await claims.owner(Wanted("p", "k", b"f"))
        await asyncio.get_running_loop().shutdown_default_executor()
        claims.close()

    begins = tmp_path / "w1.sock"
    with socket.socket(socket.AF_UNIX) as opening:
        opening.bind(str(begins))
        asyncio.run(claim())
        assert begins.exists()


@pytest.mark.parametrize("says", [b"", b"nonsense\n", b'{"found":"making","whole":true,"status":200}\n'])
def test_who_hears_nothing_of_use_lets_go_of_the_connection(tmp_path: Path, says: bytes):
    """Said by one that dies, by one that is of another version, and by one whose asker loses patience."""
    address, closed = str(tmp_path / "w1.sock"), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(says)
        if not says:
            writer.write_eof()
        await reader.read()
        closed.set()
        writer.close()

    async def ask() -> None:
        async with await asyncio.start_unix_server(answer, address):
            asking = asyncio.create_task(hear(address, Wanted("p", "k", b"f")))
            if b"making" in says:
                await asyncio.sleep(0.1)
                asking.cancel()
                await asyncio.wait([asking])
            else:
                assert await asking == "new"
            await asyncio.wait_for(closed.wait(), 20)

    asyncio.run(ask())
