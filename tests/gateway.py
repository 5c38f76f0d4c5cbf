"""A real gateway in processes of its own: `mesh up` with a configuration, a state folder and a free port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

READY_SECONDS = 30
STOP_SECONDS = 30


class Gateway:
    """`with Gateway(folder, toml) as gateway:` runs until the end of the block. `key` is set when keys are required."""

    def __init__(self, folder: Path, toml: str = "", environment: dict[str, str] | None = None, key: str = "") -> None:
        self.folder = folder
        self.key = key
        self.file = folder / "mesh.toml"
        self.file.write_text(toml)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MESH_")},
            "MESH_STATE_DIR": str(folder / "state"),
            "MESH_DISCOVERY__ENGINES": "false",
            "MESH_DISCOVERY__KEYS": "false",
            **({"MESH_MASTER_KEY": key} if key else {}),
            **(environment or {}),
        }
        self.url = ""
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Gateway:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def mesh(self, *arguments: str) -> list[str]:
        """The command line of a `mesh` command on this gateway's configuration."""
        return [sys.executable, "-m", "meshwright.cli.main", *arguments, "--config", str(self.file)]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `mesh` command to its end."""
        return subprocess.run(
            self.mesh(*arguments), env=self.environment, capture_output=True, text=True, timeout=50, check=False
        )

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        log = (self.folder / "gateway.log").open("a")
        self.process = subprocess.Popen(
            self.mesh("up", "--port", "0", "--json"),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        log.close()
        assert self.process.stdout is not None
        said = ""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and (line := self.process.stdout.readline()):
            said += line
            if line.startswith("}"):
                told = json.loads(said)
                assert "url" in told, told
                self.url = told["url"]
                self.told = told
                return
        self.kill()
        self.kill()
        raise AssertionError(f"it did not start: {said}{self.log()}")

    def stop(self) -> int:
        """SIGTERM, as an operator would; the exit code. What does not end is killed."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.process.returncode

    def kill(self) -> None:
        """SIGKILL to all its processes at once (they are a session of their own)."""
        assert self.process is not None
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def workers(self) -> list[int]:
        """The process ids of its workers: what `multiprocessing` has spawned, but for its resource tracker."""
        assert self.process is not None
        return sorted(one for one, parent in parents() if parent == self.process.pid and b"spawn_main" in command(one))

    def log(self) -> str:
        """What it wrote to standard error."""
        return (self.folder / "gateway.log").read_text()

    def call(
        self, path: str, body: Any = None, headers: dict[str, str] | None = None, method: str | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One plain HTTP request: (status, headers in lower case, body). A body that is not bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json", **({"authorization": f"Bearer {self.key}"} if self.key else {})}
        request = urllib.request.Request(self.url + path, data, {**sent, **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()

    def chat(self, text: str, model: str = "auto", **more: Any) -> tuple[int, dict[str, str], Any]:
        """One chat request; the body is decoded."""
        status, headers, body = self.call(
            "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": text}], **more}
        )
        return status, headers, json.loads(body)

    def stored(self) -> list[dict[str, Any]]:
        """Every trace in the database, newest first."""
        done = subprocess.run(
            [sys.executable, "-c", _STORED, str(self.folder / "state")], capture_output=True, text=True, check=True
        )
        return list(json.loads(done.stdout))


def parents() -> Iterator[tuple[int, int]]:
    """Every process with its parent. Not by /proc/PID/task/TID/children: threads end while those are being read."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "stat").read_text(errors="replace")
        except OSError:
            continue  # it ended meanwhile
        yield int(folder.name), int(told.rpartition(")")[2].split()[1])


def command(process: int) -> bytes:
    """The command line of a process, empty when it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


_STORED = """
import sys
from collections.abc import Iterator
from pathlib import Path
import msgspec
from meshwright.ledger.importing import Importer
from meshwright.store import decisions
from meshwright.store.database import Database, sqlite_url
state = Path(sys.argv[1])
database = Database(sqlite_url(state / "mesh.db"))
Importer(state / "journal", database).run_once()
with database.read() as transaction:
    sys.stdout.write(msgspec.json.encode(decisions.recent(transaction, 1_000_000)).decode())
"""
