"""Starts systems, loads them in turns, and makes rows of the figures: neighbours in time are what a ratio compares."""

from __future__ import annotations

import http.client
import json
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import ask
import bodies
from process import DidNotStart, Process, foreground, free_port, read, tree
from scenarios import EXPECT_JSON, EXPECT_STREAM, LEAST_EVENTS, Mode, Scenario
from systems import KEY, Launch, Places, System

References = tuple[str, ...]
REFERENCES: References = ("direct", "nginx", "switchyard")


@dataclass
class Running:
    """A system that has started and answers rightly. `process` is None for the upstream itself."""

    system: System
    port: int
    process: Process | None
    version: str = ""
    start_s: list[float] = field(default_factory=list)
    idle_mb: float = 0.0


@dataclass(frozen=True)
class Row:
    """Medians over the rounds of one scenario and system; `ratio` and `added` (ms) are taken within each round.

    `core_busy` is the share of its core that the system used, `load_busy` what upstream and load used of theirs: near
    1 they are the limit, not the system. `others_busy` is what others on the machine used of the two cores, 0 to 2.
    """

    scenario: str
    system: str
    figures: dict[str, float]
    ratio: dict[str, list[float]]
    added: dict[str, dict[str, float]]
    cpu_us: float | None
    core_busy: float | None
    load_busy: float | None
    others_busy: float | None
    memory_mb: float
    errors: int
    faults: tuple[str, ...]

    def line(self) -> str:
        """The row as one line of JSON."""
        return json.dumps({"kind": "row", **asdict(self)})


@dataclass(frozen=True)
class Stand:
    """What all measurements share: the two tools, where they run, and the pretend upstream."""

    places: Places
    load: Path
    cores: tuple[int, int]
    upstream: Process


def start(stand: Stand, system: System, starts: int) -> Running | str:
    """Start a system, several times if its start is to be timed, or say why it cannot be measured."""
    if system.launch is None:
        return Running(system, stand.places.upstream, None)
    running: Running | None = None
    for n in range(starts):
        port = free_port()
        launch = system.launch(stand.places, port)
        if isinstance(launch, str):
            return launch
        process = Process(launch.command, launch.env, stand.cores[0], stand.places.scratch / f"{system.name}.log")
        try:
            took = process.wait_until(lambda port=port: answers(port, system))  # type: ignore[misc]
            if running is None:
                running = Running(system, port, process, version(launch))
            running.start_s.append(took)
            running.port, running.process = port, process
        except BaseException as stopped:
            process.stop()
            if isinstance(stopped, DidNotStart):
                return f"did not start: {stopped}"
            raise
        if n + 1 < starts:
            process.stop()
    if running is None or running.process is None:
        raise ValueError("a system is started at least once")
    running.idle_mb = running.process.memory_mb()
    return running


def answers(port: int, system: System) -> bool:
    """Whether it gives a whole answer yet."""
    try:
        return ask.meaning(ask.chat(port, system.model, KEY)) is not None
    except (OSError, http.client.HTTPException):
        return False  # not listening yet: the caller asks again until its limit


def version(launch: Launch) -> str:
    """What the system says of its own version, on one line; nginx says it on standard error."""
    said = subprocess.run(launch.version, check=False, capture_output=True, text=True, timeout=30)
    return " ".join((said.stdout or said.stderr).split())[:80]


def faults(stand: Stand, running: Running) -> list[str]:
    """Where its answers differ from the upstream's, and whether what it must do on the way is really on."""
    system = running.system
    found = ask.faults(running.port, system.model, KEY, stand.places.upstream, checks_keys=system.checks_keys)
    if system.name == "mesh" and not found:
        found = ask.decision_faults(running.port, system.model, KEY)
    return found


def load(stand: Stand, running: Running, scenario: Scenario, seconds: float, warmup: float = 0.25) -> dict[str, Any]:
    """One measurement: llmload's report, with the CPU time of the system, and what others took of its core."""
    with tempfile.NamedTemporaryFile(dir=stand.places.scratch, suffix=".json") as body:
        body.write(bodies.chat(running.system.model, stream=scenario.stream, documents=scenario.documents))
        body.flush()
        wanted: dict[str, object] = {
            "port": running.port,
            "key": KEY,
            "body": body.name,
            "conns": scenario.conns,
            "rate": scenario.rate,
            "seconds": seconds,
            "warmup": warmup,
            "events": LEAST_EVENTS if scenario.stream else 0,
        }
        command = [str(stand.load), *(word for k, v in wanted.items() for word in (f"--{k}", str(v)))]
        for text in EXPECT_STREAM if scenario.stream else EXPECT_JSON:
            command += ["--expect", text]
        called, before, began = upstream(stand, "GET", "/stats"), spent(stand, running), time.perf_counter()
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, preexec_fn=foreground(stand.cores[1])
        )
    if done.returncode:
        return {"failed": done.stderr.strip()[:300] or f"llmload ended with status {done.returncode}"}
    report: dict[str, Any] = json.loads(done.stdout)
    took = time.perf_counter() - began
    used, ours, *both = (now - then for now, then in zip(spent(stand, running), before, strict=True))
    report["cpu_us"] = used / report["total"] * 1e6 if running.process and report["total"] else None
    report["core_busy"] = used / took if running.process else None
    report["load_busy"] = ours / took
    report["others_busy"] = max(0.0, sum(both) - used - ours) / took
    report["upstream_answers"] = upstream(stand, "GET", "/stats")["answers"] - called["answers"]
    report["first_error"] = done.stderr.strip()[:600]
    return report


def spent(stand: Stand, running: Running) -> tuple[float, ...]:
    """CPU seconds so far: of the system, of upstream and load together, then of each core, whoever used it."""
    loads = resource.getrusage(resource.RUSAGE_CHILDREN)  # llmload counts once it has ended, no other child ends here
    system = running.process.cpu_s() if running.process else 0.0
    ours = stand.upstream.cpu_s() + loads.ru_utime + loads.ru_stime
    return system, ours, *(core_s(core) for core in dict.fromkeys(stand.cores))


def core_s(core: int) -> float:
    """Seconds that a core has been busy since boot."""
    words = next(w for line in read(Path("/proc/stat")).splitlines() if (w := line.split())[0] == f"cpu{core}")
    ticks = [int(word) for word in words[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / 100  # without idle and waiting for disks; USER_HZ is 100 in this file


def upstream(stand: Stand, method: str, path: str) -> dict[str, int]:
    """Set the pretend upstream, or read how much it has answered."""
    told: dict[str, int] = json.loads(ask.call(stand.places.upstream, method, path).body)
    return told


def measure(stand: Stand, systems: Sequence[Running], scenario: Scenario, mode: Mode) -> list[Row]:
    """All systems in turns, `mode.rounds` times, each round beginning with another one."""
    upstream(stand, "PUT", f"/set?delay_ms={scenario.delay_ms}&gap_ms={scenario.gap_ms}")
    try:
        for running in systems:
            load(stand, running, scenario, mode.seconds / 4)
        rounds = []
        for n in range(mode.rounds):
            turn = n % len(systems)
            order = [*systems[turn:], *systems[:turn]]
            rounds.append({r.system.name: load(stand, r, scenario, mode.seconds) for r in order})
    finally:
        upstream(stand, "PUT", "/set?delay_ms=0&gap_ms=0")
    return [row(running, scenario, rounds) for running in systems]


def row(running: Running, scenario: Scenario, rounds: Sequence[dict[str, dict[str, Any]]]) -> Row:
    """The medians of one system, and its ratio to, or what it adds to, each reference in the same round."""
    name = running.system.name
    mine = [r[name] for r in rounds if "failed" not in r[name]]
    pairs = {
        other: [(r[name], r[other]) for r in rounds if "failed" not in r[name] and "failed" not in r[other]]
        for other in REFERENCES
        if other in rounds[0] and other != name
    }
    ratio, added = {}, {}
    for other, both in pairs.items():
        if scenario.adds:
            added[other] = {f: statistics.median(a[f] - b[f] for a, b in both) for f in scenario.adds} if both else {}
        elif ratios := [a[scenario.figure] / b[scenario.figure] for a, b in both if b[scenario.figure]]:
            ratio[other] = [statistics.median(ratios), min(ratios), max(ratios)]
    fields = ("rps", "events_per_s", "p50", "p99", "ttft_p50", "ttft_p99")
    figures = {f: statistics.median(r[f] for r in mine) for f in fields} if mine else {}
    return Row(
        scenario.name,
        name,
        figures,
        ratio,
        added,
        middle(mine, "cpu_us"),
        middle(mine, "core_busy"),
        middle(mine, "load_busy"),
        middle(mine, "others_busy"),
        running.process.memory_mb() if running.process else 0.0,
        sum(r["errors"] for r in mine),
        tuple(dict.fromkeys(round_faults([r[name] for r in rounds], scenario))),
    )


def middle(reports: Sequence[dict[str, Any]], name: str) -> float | None:
    """The median of a field over the rounds that have it."""
    values = [r[name] for r in reports if r[name] is not None]
    return statistics.median(values) if values else None


def round_faults(reports: Sequence[dict[str, Any]], scenario: Scenario) -> list[str]:
    """What makes figures untrue: a failed run, a wrong answer, an answer without its call upstream or with several."""
    found = []
    for r in reports:
        if "failed" in r:
            found.append(f"the load failed: {r['failed']}")
            continue
        if r["errors"] or r["first_error"]:
            found.append(f"{r['errors']} wrong answers, the first: {r['first_error']}")
        if abs(r["upstream_answers"] - r["total"]) > 2 * scenario.conns:
            found.append(f"{r['total']} answers, but the upstream gave {r['upstream_answers']}")
    return found


def stop_all(systems: Sequence[Running]) -> None:
    """End every system that was started, with all that it started."""
    for running in systems:
        if running.process and tree(running.process.popen.pid):
            running.process.stop()
