"""Replays every receipt and writes down which cells of provider x feature have one, and how many checks passed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from report import Outcome, counts, junit, one_line, table, write_section

ROOT = Path(__file__).resolve().parent.parent
SUITES = {
    "tests/wire/test_receipts.py": "each alone: its request, its answer, its counts, and its answer for every client",
    "tests/wire/test_receipts_of_other_calls.py": "vectors and ranks",
    "tests/server/test_receipts.py": "behind a running gateway: its own client, and two others in turns",
}


def run(suite: str, folder: Path) -> list[Outcome]:
    """The outcomes of one suite."""
    file = folder / "junit.xml"
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", suite, f"--junit-xml={file}"]
    subprocess.run(pytest, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    return junit(file)


def main() -> int:
    """Run the suites and write the section; 1 when something failed."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.receipts"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    *cells, summary = done.stdout.splitlines()
    with tempfile.TemporaryDirectory() as folder:
        outcomes = {suite: run(suite, Path(folder)) for suite in SUITES}
    rows = []
    for suite, found in outcomes.items():
        states = counts(found)
        rows.append((SUITES[suite], states["passed"], states["failed"], states["skipped"]))
    failed = [one for found in outcomes.values() for one in found if one.state == "failed"]
    body = [f"{summary}.", "", *table(("replayed", "passed", "failed", "not applicable"), rows), ""]
    body += [f"- {one.name}: {one_line(one.why)}" for one in failed] or ["Nothing failed."]
    body += ["", "Not applicable: no client speaks Bedrock's or Cohere's chat to a gateway.", "", *cells]
    body += [
        "",
        "Where they come from and how they are made again: [tests/wire/receipts](../tests/wire/receipts/README.md).",
    ]
    write_section("Recorded answers of providers", "python conformance/receipts.py", "no network", body)
    print(f"{summary}; {len(failed)} checks failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
