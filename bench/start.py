"""Prints what starting costs: `python bench/start.py [rounds]` with the interpreter that has Meshwright installed.

Best and median of some rounds: importing the package, `mesh --version`, from `mesh up` to an answer on /readyz, and the
resident memory of a worker, fresh, after it has answered, and after somebody has looked at decisions.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

MESH = [sys.executable, "-m", "meshwright.cli.main"]
BODY = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "What is 12.5% of 840?"}]}).encode()


def timed(command: list[str]) -> float:
    """Seconds that a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def get(url: str, data: bytes | None = None) -> bytes:
    """The body of one answer."""
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def resident(process: int) -> float:
    """Resident memory in MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def workers(process: int) -> list[int]:
    """The worker processes of a gateway."""
    children = [
        int(child)
        for task in Path(f"/proc/{process}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def gateway() -> dict[str, float]:
    """One start in a new state folder: seconds and MiB by what they are of."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "MESH_STATE_DIR": folder}
        began = time.perf_counter()
        process = subprocess.Popen(
            [*MESH, "up", "--port", "0", "--json"],
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert process.stdout is not None
            said = b""
            while not said.endswith(b"}\n"):
                said += process.stdout.readline()
            found = {"s  mesh up until ready": time.perf_counter() - began}
            url = json.loads(said)["url"]
            (worker,) = workers(process.pid)
            found["MiB worker, fresh"] = resident(worker)
            for _ in range(50):
                get(f"{url}/v1/chat/completions", BODY)
            found["MiB worker, after 50 answers"] = resident(worker)
            get(f"{url}/v1/decisions")
            found["MiB worker, after decisions were read"] = resident(worker)
            found["MiB control plane"] = resident(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        return found


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    bare = min(timed([sys.executable, "-c", "pass"]) for _ in range(rounds))
    series: dict[str, list[float]] = {
        "s  import meshwright (interpreter not counted)": [
            timed([sys.executable, "-c", "import meshwright"]) - bare for _ in range(rounds)
        ],
        "s  mesh --version": [timed([*MESH, "--version"]) for _ in range(rounds)],
    }
    for _ in range(rounds):
        for name, value in gateway().items():
            series.setdefault(name, []).append(value)
    for name, values in series.items():
        sys.stdout.write(f"{name:<48} best {min(values):7.3f}   median {statistics.median(values):7.3f}\n")


if __name__ == "__main__":
    main()
