"""Writes one section of RESULTS.md, leaving the others as they are, and reads what test runners have counted."""

from __future__ import annotations

import fcntl
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

RESULTS = Path(__file__).resolve().parent / "RESULTS.md"
TITLE = "# Conformance: other people's tests and clients against Meshwright\n"


@dataclass(frozen=True)
class Outcome:
    """One test: the class or module it stands in, its name, `passed`, `failed` or `skipped`, and why not passed."""

    group: str
    name: str
    state: str
    why: str = ""


def write_section(title: str, command: str, versions: str, body: Sequence[str]) -> None:
    """Put a section into RESULTS.md, in place of an older one of that title, else at the end."""
    today = datetime.now(UTC).date().isoformat()
    text = "\n".join((f"## {title}", "", f"`{command}`, {today}; {versions}.", "", *body)).rstrip() + "\n"
    with RESULTS.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        old = file.read() or TITLE
        start = old.find(f"\n## {title}\n")
        if start < 0:
            new = old.rstrip("\n") + "\n\n" + text
        else:
            end = old.find("\n## ", start + 1)
            new = old[: start + 1] + text + ("" if end < 0 else old[end:])
        file.seek(0)
        file.truncate()
        file.write(new)


def junit(file: Path) -> list[Outcome]:
    """The outcomes of a pytest run, from the file that `--junit-xml` wrote."""
    found = []
    for case in ET.parse(file).getroot().iter("testcase"):  # written by our own run
        state, why = "passed", ""
        for child in case:
            if child.tag in {"failure", "error", "skipped"}:
                state = "skipped" if child.tag == "skipped" else "failed"
                why = one_line(child.get("message") or child.text or "")
        found.append(Outcome(case.get("classname", ""), case.get("name", ""), state, why))
    return found


def counts(outcomes: Iterable[Outcome]) -> Counter[str]:
    """How many of each state."""
    return Counter(one.state for one in outcomes)


def differences(
    first: Mapping[str, Outcome], second: Mapping[str, Outcome], cause: Callable[[str], str], places: int = 6
) -> list[str]:
    """How many pass in the first run and not in the second, and a line for each cause: where, and how many there.

    `cause` makes a cause of what a test says; what differs in many places is shown with the first `places` of them.
    """
    causes: dict[str, Counter[str]] = {}
    for name, one in first.items():
        other = second.get(name, Outcome(one.group, one.name, "failed", "it was not run"))
        if one.state == "passed" and other.state != "passed":
            causes.setdefault(cause(other.why), Counter())[_place(one)] += 1
    lines = [f"{sum(map(Counter.total, causes.values())) or 'none'}.", ""]
    for why, found in sorted(causes.items(), key=lambda pair: -pair[1].total()):
        shown = [f"`{where}` ({count})" for where, count in found.most_common(places)]
        more = [f"and {len(found) - places} other groups"] * (len(found) > places)
        lines.append(f"- {found.total()}: {why}. In {', '.join(shown + more)}")
    return [*lines, ""] if causes else lines


def _place(one: Outcome) -> str:
    """The file and the test, without the client's kind and its settings: `messages.test_batches::create`."""
    file = one.group.removeprefix("tests.api_resources.").rpartition(".")[0]
    test = re.sub(r"^test_(raw_response|streaming_response|method)_|_with_all_params", "", one.name.partition("[")[0])
    return f"{file}::{test}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """The lines of a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return lines


def one_line(text: str, size: int = 200) -> str:
    """The text without line breaks and without addresses that change from run to run, cut to `size` characters."""
    flat = re.sub(r"0x[0-9a-f]{6,}", "0x…", " ".join(text.split()))
    flat = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", flat)
    return flat if len(flat) <= size else flat[: size - 1] + "…"
