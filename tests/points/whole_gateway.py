"""A gateway under work of every kind that is written down, one of whose processes dies at a commit point."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.gateway import Gateway
from tests.points.points import Point
from tests.server.pretend import Pretend

ROOT = Path(__file__).parents[2]
KEY = "a-master-key-for-tests"
TOML = """
[server]
auth = "keys"
workers = 2
[models."a/m"]
max_output = 60
price = [{ input = 1, output = 100 }]
"""
GONE = (OSError, HTTPException, urllib.error.URLError, subprocess.TimeoutExpired)
"""What a client meets when a process dies."""


class Work:
    """What was asked of one gateway, and what its callers were told."""

    def __init__(self, folder: Path, pretend: Pretend) -> None:
        self.gateway = Gateway(folder, TOML + pretend.toml("a"), key=KEY)
        self.decisions: list[str] = []
        self.kept: list[str] = []
        self.batch = ""
        self.key = ""
        self.reached, self.died = folder / "reached", folder / "died"

    @contextmanager
    def listening(self, at: Point | None) -> Iterator[None]:
        """Processes that start now have an ear on their commit points."""
        site, already = str(ROOT / "tests" / "points" / "site"), os.environ.get("PYTHONPATH", "")
        more = {
            "PYTHONPATH": f"{site}{os.pathsep}{already}" if already else site,
            "POINTS_ROOT": str(ROOT),
            "POINTS_REACHED": str(self.reached),
            "POINTS_DIED": str(self.died),
            "POINTS_AT": json.dumps(at),
        }
        before = dict(self.gateway.environment)
        self.gateway.environment |= more
        try:
            yield
        finally:
            self.gateway.environment = before

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        """As the key that spends; (0, {}, None) when nobody answers."""
        bearer = {"authorization": f"Bearer {self.key or KEY}"}
        try:
            status, told, said = self.gateway.call(path, body, {**bearer, **headers})
        except GONE:
            return 0, {}, None
        return status, told, said

    def some_of_each(self) -> None:
        """Everything that is written down: keys, chats, kept answers, a batch, files, feedback."""
        status, _, made = self.ask("/admin/v1/keys", {"name": "spender", "limits": {"money/total": 2}})
        if status == 200:
            self.key = json.loads(made)["key"]
            self.known()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.chat, range(16)))
        for number in range(2):
            self.keep(number)
        self.batches()
        if self.decisions:
            self.ask("/v1/feedback", {"decision": self.decisions[0], "score": 1})

    def known(self) -> None:
        """Wait until the workers know the key."""
        until, times = time.monotonic() + 5, 0
        while times < 16 and time.monotonic() < until and not self.died.exists():
            times = times + 1 if self.ask("/v1/models")[0] == 200 else 0
            time.sleep(0.02)

    def chat(self, number: int) -> None:
        """One chat; every other a stream."""
        body = {"model": "a/m", "messages": [{"role": "user", "content": "go"}], "stream": number % 2 == 0}
        status, headers, said = self.ask("/v1/chat/completions", body)
        if status == 200 and (number % 2 or said.endswith(b"data: [DONE]\n\n")):
            self.decisions.append(headers["x-mesh-decision"])

    def keep(self, number: int) -> None:
        """One answer that is kept."""
        status, _, said = self.ask("/v1/responses", {"model": "a/m", "input": f"keep {number}", "store": True})
        if status == 200:
            self.kept.append(json.loads(said)["id"])

    def batches(self) -> None:
        """A batch of three."""
        row = {"method": "POST", "url": "/v1/chat/completions"}
        lines = [
            {**row, "custom_id": f"r{number}", "body": {"model": "a/m", "messages": [{"role": "user", "content": "b"}]}}
            for number in range(3)
        ]
        mark = "sixteen-letters-"
        data = "\n".join(map(json.dumps, lines))
        parts = f'--{mark}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        parts += f'--{mark}\r\ncontent-disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n{data}\r\n'
        sent = (parts + f"--{mark}--\r\n").encode()
        status, _, said = self.ask("/v1/files", sent, **{"content-type": f"multipart/form-data; boundary={mark}"})
        if status != 200:
            return
        body = {"input_file_id": json.loads(said)["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        status, _, said = self.ask("/v1/batches", body)
        if status == 200:
            self.batch = json.loads(said)["id"]
            self.wait_for_batch(10)

    def wait_for_batch(self, seconds: float) -> dict[str, Any]:
        """The batch, once it is over."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            status, _, said = self.ask(f"/v1/batches/{self.batch}")
            if status == 200 and (found := json.loads(said))["status"] in ("completed", "failed"):
                return dict(found)
            if self.gateway.process is None or self.gateway.process.poll() is not None:
                break
            time.sleep(0.1)
        return {}

    def faults(self) -> list[str]:
        """Start it again, as its operator would, and look through the books."""
        wrong = []
        with self.gateway:
            if self.key and self.ask("/v1/models")[0] != 200:
                wrong.append("a key that was given out is not known")
            wrong += [f"{id} is gone" for id in self.kept if self.ask(f"/v1/responses/{id}")[0] != 200]
            if self.batch:
                found = self.wait_for_batch(30)
                counts = found.get("request_counts", {})
                if counts != {"total": 3, "completed": 3, "failed": 0}:
                    wrong.append(f"the batch came to {found.get('status')} {counts}")
        ids = [trace["id"] for trace in self.gateway.stored()]
        wrong += [f"{id} is in the ledger {ids.count(id)} times" for id in self.decisions if ids.count(id) != 1]
        done = self.gateway.run("audit", "verify")
        if done.returncode != 0:
            wrong.append(done.stdout + done.stderr)
        return wrong + self._books()

    def _books(self) -> list[str]:
        with closing(sqlite3.connect(self.gateway.folder / "state" / "mesh.db")) as database:

            def one(query: str) -> int:
                return int(database.execute(query).fetchone()[0] or 0)

            spent, held = one("SELECT sum(spent) FROM accounts"), one("SELECT sum(held) FROM accounts")
            charged = one(
                "SELECT sum(charged_nano) FROM attempts JOIN decisions ON id=decision "
                "WHERE principal IN (SELECT substr(owner, 5) FROM accounts)"
            )
            left = one("SELECT count(*) FROM leases"), one("SELECT count(*) FROM begun")
        wrong = [f"{spent} spent, {charged} charged, {held} held"] if spent != charged or held else []
        wrong += [f"{left} leases and requests are left"] if any(left) else []
        return wrong + (["the budget is gone over"] if spent > 2_000_000_000 else [])


def life(folder: Path, pretend: Pretend, at: Point | None) -> tuple[Work, bool]:
    """A gateway's work until it is done or somebody died and all of it was killed; whether somebody did."""
    folder.mkdir()
    work = Work(folder, pretend)
    with work.listening(at):
        try:
            work.gateway.start()
        except AssertionError:
            return work, work.died.exists()  # it died while it started
        work.some_of_each()
        time.sleep(1.0 if at is None else 0.2)
        if work.died.exists():
            time.sleep(0.5)
        process = work.gateway.process
        if at is None and process is not None and process.poll() is None:
            work.gateway.stop()
        else:
            work.gateway.kill()
    return work, work.died.exists()


def reached(work: Work) -> list[str]:
    """The points that its processes came by, in order of first appearance."""
    return list(dict.fromkeys(work.reached.read_text().splitlines())) if work.reached.exists() else []
