"""Tables of what was measured: for the terminal, and a short one in Markdown."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

from measure import Row, Running
from scenarios import SCENARIOS, Mode, Scenario

NOISY = 0.2
"""Share of a core, of the two that the bench uses, that others may use before a row is marked."""


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = str(len(os.sched_getaffinity(0)))
    cpu = models[0] if models else platform.machine()
    return {"cpu": cpu, "cores": cores, "kernel": platform.release(), "python": platform.python_version()}


def number(value: float | None, digits: int = 0) -> str:
    """A number for people: thousands separated, a dash for none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def share(value: float | None) -> str:
    """A share as a percentage, a dash for none."""
    return "-" if value is None else f"{value:.0%}"


def ratio(row: Row, other: str) -> str:
    """The ratio to a reference with its range over the rounds, or a dash."""
    if other not in row.ratio:
        return "-"
    middle, low, high = row.ratio[other]
    return f"{middle:.3f} ({low:.3f}-{high:.3f})" if other != "switchyard" else f"{middle:.2f} ({low:.2f}-{high:.2f})"


def added(row: Row, other: str, figure: str) -> float | None:
    """Milliseconds added to a reference, if it was there."""
    return row.added.get(other, {}).get(figure)


def overrun(scenario: Scenario, row: Row) -> bool:
    """Whether requests came faster than the system answers, so that its latency only says how long the round was."""
    return row.figures.get("rps", 0.0) < 0.9 * scenario.rate


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, the first to the left and the others to the right."""
    widths = [max(len(line[i]) for line in [head, *rows]) for i in range(len(head))]
    lines = [
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in [head, *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)


def table(scenario: Scenario, mode: Mode, rows: Sequence[Row]) -> str:
    """One scenario for the terminal."""
    title = f"{scenario.name}: {scenario.says} ({mode.rounds} rounds of {mode.seconds:g} s)"
    head = ["system", scenario.figure, *throughput_head(scenario), "cpu us", "core", "load core", "MiB", "wrong", ""]
    lines = []
    for row in rows:
        shown = row.figures.get(scenario.figure)
        others = row.others_busy or 0.0
        note = "no answer within a round: --seconds" if not row.figures.get("rps") else ""
        note = "cannot keep up with the rate" if overrun(scenario, row) else note
        note = f"others used {others:.0%} of a core" if others > NOISY and not note else note
        lines.append(
            [
                row.system,
                number(shown, 3 if scenario.adds else 0),
                *throughput_cells(scenario, row),
                number(row.cpu_us, 1),
                share(row.core_busy),
                share(row.load_busy),
                number(row.memory_mb or None),
                str(row.errors),
                note,
            ]
        )
    return f"\n{title}\n{grid(head, lines)}"


def throughput_head(scenario: Scenario) -> list[str]:
    """The columns that compare."""
    if scenario.adds:
        return ["p99", *(f"+{f} to {o}" for o in ("direct", "nginx") for f in scenario.adds)]
    return ["per core", "p50 ms", "p99 ms", "of direct", "of nginx", "of switchyard"]


def throughput_cells(scenario: Scenario, row: Row) -> list[str]:
    """The cells under `throughput_head`."""
    if scenario.adds:
        cells = [number(added(row, o, f), 3) for o in ("direct", "nginx") for f in scenario.adds]
        return [number(row.figures.get(scenario.adds[1]), 3), *cells]
    times = [number(row.figures.get(f), 2) for f in ("p50", "p99")]
    return [number(per_core(scenario, row)), *times, *(ratio(row, o) for o in ("direct", "nginx", "switchyard"))]


def per_core(scenario: Scenario, row: Row) -> float | None:
    """What a fully busy core would do, from the CPU time used: nginx, say, does not fill its core with this load."""
    shown = row.figures.get(scenario.figure)
    return shown / row.core_busy if shown is not None and row.core_busy else None


def starts(systems: Sequence[Running], rows: Sequence[Row]) -> str:
    """Start time and memory of each system, and its version."""
    lines = []
    for running in systems:
        if running.process:
            loaded = max((r.memory_mb for r in rows if r.system == running.system.name), default=0.0)
            began = number(statistics.median(running.start_s), 2)
            says = f"{running.version}; {running.system.because}"
            lines.append([running.system.name, began, number(running.idle_mb), number(loaded), says])
    head = ["system", "start s", "MiB idle", "MiB most", "version"]
    return f"\nstart: to the first right answer; memory: proportional set size\n{grid(head, lines)}"


def markdown(systems: Sequence[Running], rows: Sequence[Row]) -> str:
    """The short table for bench/README.md."""
    found = {(r.scenario, r.system): r for r in rows}
    head = [
        "system",
        "requests/s",
        "of nginx",
        "streams/s",
        "of nginx",
        "added ms p50 / p99",
        "added first token ms",
        "memory MiB",
        "start s",
    ]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for running in systems:
        name = running.system.name
        cells = [name]
        for scenario in ("json", "stream"):
            r = found.get((scenario, name))
            cells += [
                number(r.figures.get("rps")) if r else "-",
                f"{r.ratio['nginx'][0]:.3f}" if r and "nginx" in r.ratio else "-",
            ]
        slow, first = found.get(("latency", name)), found.get(("ttft", name))
        both = " / ".join(number(added(slow, "direct", f) if slow else None, 2) for f in ("p50", "p99"))
        cells.append("cannot keep up" if slow and overrun(SCENARIOS["latency"], slow) else both)
        late = first and overrun(SCENARIOS["ttft"], first)
        cells.append("cannot keep up" if late else number(added(first, "direct", "ttft_p50") if first else None, 2))
        plain = found.get(("json", name))
        cells += [number((plain.memory_mb if plain else 0.0) or None)]
        cells += [number(statistics.median(running.start_s) if running.start_s else None, 2)]
        lines.append(cells)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
