"""A gateway process as a user starts it, with pretend providers behind it: what every script here asks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from meshwright.sim import Sim, Upstream

STOP_SECONDS = 30
START_SECONDS = 60


class Stage:
    """`with Stage(upstreams, models) as stage:` serves both until the end of the block.

    `models` are the names of each upstream's models, one called `m` where nothing is said. `quirks` are those of the
    real provider that all of them pretend to be. `more` are further lines of its mesh.toml.
    """

    def __init__(
        self,
        upstreams: Sequence[Upstream],
        models: Mapping[str, Sequence[str]] | None = None,
        quirks: Sequence[str] = (),
        more: Sequence[str] = (),
    ) -> None:
        self.upstreams = upstreams
        self.sim = Sim(upstreams)
        self.url = ""
        self._models = models or {}
        self._quirks = quirks
        self._more = more
        self._folder = tempfile.TemporaryDirectory(prefix="conformance-")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.sim.__aenter__(), self._loop).result(10)
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the gateway as an operator would, then the upstreams."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        asyncio.run_coroutine_threadsafe(self.sim.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    def log(self) -> str:
        """What the gateway wrote to standard error."""
        return (Path(self._folder.name) / "gateway.log").read_text()

    def _start(self) -> None:
        folder = Path(self._folder.name)
        file = folder / "mesh.toml"
        file.write_text(self._toml())
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MESH_")}
        environment |= {
            "MESH_STATE_DIR": str(folder / "state"),
            "MESH_DISCOVERY__ENGINES": "false",
            "MESH_DISCOVERY__KEYS": "false",
        }
        command = [sys.executable, "-m", "meshwright.cli.main", "up", "--port", "0", "--json", "--config", str(file)]
        with (folder / "gateway.log").open("w") as log:
            self._process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        # It is killed when it takes too long, which ends the reading.
        watch = threading.Timer(START_SECONDS, self._process.kill)
        watch.start()
        said = ""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said += line
            if line.startswith("}"):
                self.url = json.loads(said).get("url", "")
                break
        watch.cancel()
        if not self.url:
            raise RuntimeError(f"The gateway did not start: {said}{self.log()}")

    def _toml(self) -> str:
        lines = ["[builtin]", "enabled = false"]
        for one in self.upstreams:
            lines += [
                f"[providers.{one.name}]",
                f'base_url = "{self.sim.url(one.name)}"',
                f'dialect = "{one.dialect}"',
                'auth = "none"',
                f"quirks = {json.dumps([*self._quirks])}",
                f"models = {json.dumps([*self._models.get(one.name, ['m'])])}",
            ]
        return "\n".join((*lines, *self._more, ""))
