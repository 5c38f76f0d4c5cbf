"""Measures gateways side by side, in turns, against the upstream called directly and against nginx as a plain proxy.

    python bench/gateway/run.py                      quick: requests/s, streams/s, added latency; about a minute
    python bench/gateway/run.py full                 everything; about ten minutes
    python bench/gateway/run.py quick mesh litellm   these systems, beside direct and nginx

The system under test runs on one core, the pretend upstream and the load on another. Every answer is checked. Ends with
status 1 if a system did not start or answered wrongly, 2 if nothing could be measured. Peers live in virtual
environments in the folder that BENCH_PEERS names, ~/peers by default (switchyard/: pip install nemo-switchyard;
litellm/: pip install 'litellm[proxy]'); MESH names the command to measure when it is not the `mesh` beside this Python.
Needs Linux and a C compiler, nothing from PyPI.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import measure
import report
from process import Process, two_cores
from scenarios import MODES, SCENARIOS, Mode
from systems import DEFAULT, HERE, SYSTEMS, Places, mesh_beside_python


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", nargs="?", default="quick", choices=MODES)
    parser.add_argument("systems", nargs="*", metavar="system", help=f"of {', '.join(SYSTEMS)}")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, help="measurements of each system and scenario")
    parser.add_argument("--seconds", type=float, help="length of one measurement")
    parser.add_argument("--out", type=Path, help="append the figures to this file as JSON lines")
    parser.add_argument("--markdown", action="store_true", help="print the short table for bench/README.md at the end")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.systems) - set(SYSTEMS):
        parser.error(f"unknown system: {', '.join(sorted(unknown))} (there are {', '.join(SYSTEMS)})")
    return chosen


def sized(chosen: argparse.Namespace) -> Mode:
    """The mode with what the command line changes in it."""
    mode = MODES[chosen.mode]
    return Mode(
        tuple(chosen.scenario or mode.scenarios),
        chosen.rounds or mode.rounds,
        chosen.seconds or mode.seconds,
        mode.starts,
    )


def compiled(scratch: Path) -> Path | str:
    """The folder with mockllm and llmload, or why there is none."""
    if not sys.platform.startswith("linux"):
        return "the bench reads /proc and uses epoll: it runs on Linux only"
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        return "no C compiler: apt-get install -y gcc libc6-dev (upstream and load are small C programs)"
    for tool in ("mockllm", "llmload"):
        command = [compiler, "-O2", "-o", str(scratch / tool), str(HERE / f"{tool}.c")]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            return f"{compiler} could not compile {tool}.c: {done.stderr.strip()[:500]}"
    return scratch


@contextmanager
def stand(scratch: Path) -> Iterator[measure.Stand]:
    """The pretend upstream, running, and where everything is."""
    cores = two_cores()
    upstream = Process([str(scratch / "mockllm"), "--port", "0"], {}, cores[1], scratch / "mockllm.log")
    try:
        upstream.wait_until(lambda: upstream.log.read_text().endswith("\n"), 10)
        peers = Path(os.environ.get("BENCH_PEERS", Path.home() / "peers")).resolve()
        mesh = os.environ.get("MESH") or mesh_beside_python()
        places = Places(peers, mesh, scratch, int(upstream.log.read_text()))
        yield measure.Stand(places, scratch / "llmload", cores, upstream)
    finally:
        upstream.stop()


def started(s: measure.Stand, names: Sequence[str], mode: Mode, wrong: list[str]) -> list[measure.Running]:
    """Every system that could be started and answers rightly; the others are named with the reason, and left out."""
    systems: list[measure.Running] = []
    try:
        for name in names:
            running = measure.start(s, SYSTEMS[name], mode.starts)
            if isinstance(running, str):
                print(f"{name}: left out. {running}", flush=True)
                wrong += [name] if "did not start" in running else []
                continue
            systems.append(running)
            for fault in measure.faults(s, running):
                print(f"{name}: WRONG. {fault}", flush=True)
                wrong.append(name)
    except BaseException:
        measure.stop_all(systems)
        raise
    return systems


def run(s: measure.Stand, chosen: argparse.Namespace) -> int:
    """Start, measure, report; the exit status."""
    mode = sized(chosen)
    names = list(dict.fromkeys([*DEFAULT[:2], *chosen.systems])) if chosen.systems else list(DEFAULT)
    wrong: list[str] = []
    rows: list[measure.Row] = []
    systems = started(s, names, mode, wrong)
    try:
        if s.cores[0] == s.cores[1]:
            print("One core only: upstream, load and system share it, so only the order of systems means something.")
        for name in mode.scenarios:
            these = measure.measure(s, systems, SCENARIOS[name], mode)
            rows += these
            print(report.table(SCENARIOS[name], mode, these), flush=True)
            for row in these:
                for fault in row.faults:
                    print(f"{row.system}: WRONG. {fault}", flush=True)
                wrong += [row.system] if row.faults else []
        print(report.starts(systems, rows))
    finally:
        measure.stop_all(systems)
    if chosen.markdown:
        print(f"\n{report.markdown(systems, rows)}")
    if chosen.out:
        save(chosen.out, systems, rows)
    return 1 if wrong else 0


def save(out: Path, systems: Sequence[measure.Running], rows: Sequence[measure.Row]) -> None:
    """Append a line on the machine, one on each system and one for each row."""
    about = {"kind": "machine", "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **report.machine()}
    lines = [json.dumps(about)]
    for r in systems:
        told = {"kind": "system", "system": r.system.name, "version": r.version}
        lines.append(json.dumps(told | {"start_s": r.start_s, "idle_mb": r.idle_mb}))
    lines += [row.line() for row in rows]
    with out.open("a") as f:
        f.write("\n".join(lines) + "\n")


def main() -> int:
    """The command."""
    chosen = options(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through `finally`, so that all is ended
    with tempfile.TemporaryDirectory(prefix="bench-gateway-") as folder:
        tools = compiled(Path(folder))
        if isinstance(tools, str):
            print(tools, file=sys.stderr)
            return 2
        with stand(tools) as s:
            return run(s, chosen)


if __name__ == "__main__":
    sys.exit(main())
