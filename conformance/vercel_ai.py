"""Runs what applications do with Vercel's AI SDK through a gateway, each client dialect over each upstream dialect."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from installed import node_with, run
from stage import Stage

from meshwright.sim import Upstream
from report import Outcome, counts, one_line, table, write_section

CASES = Path(__file__).resolve().parent / "vercel_ai" / "cases.mjs"
PACKAGES = ("ai", "@ai-sdk/openai", "@ai-sdk/anthropic", "zod")
UPSTREAMS = {"chat": "openai_chat", "resp": "openai_responses", "anth": "anthropic_messages"}
MODELS = ("m", "m+fault:status_429", "m+fault:cut_mid", "m+fault:slow_stream")
SECONDS = 120


def main() -> int:
    """Install, run, write the section; 0 when nothing failed."""
    upstreams = [Upstream(name=name, dialect=dialect) for name, dialect in UPSTREAMS.items()]
    with tempfile.TemporaryDirectory(prefix="vercel-") as name:
        folder = Path(name)
        used = node_with(folder, PACKAGES)
        shutil.copy(CASES, folder)
        with Stage(upstreams, dict.fromkeys(UPSTREAMS, MODELS)) as stage:
            told = run(["node", CASES.name, stage.url], folder, SECONDS)
    outcomes = [_outcome(line) for line in told.splitlines() if line.startswith("{")]
    write_section("Vercel's AI SDK", "python conformance/vercel_ai.py", used, section(outcomes))
    found = counts(outcomes)
    print(f"vercel ai: {found['passed']} passed, {found['failed']} failed")
    return 1 if found["failed"] or not found["passed"] else 0


def section(outcomes: Sequence[Outcome]) -> list[str]:
    """A row for each case with its result in each pair of dialects, then what failed and why."""
    pairs = list(dict.fromkeys(one.group for one in outcomes))
    results = {(one.name, one.group): one for one in outcomes}
    rows = []
    for name in dict.fromkeys(one.name for one in outcomes):
        row = [results.get((name, pair)) for pair in pairs]
        failed = [one.group for one in row if one and one.state == "failed"]
        passed = sum(one is not None and one.state == "passed" for one in row)
        rows.append((name, passed, ", ".join(failed) or "none", sum(one is None for one in row)))
    lines = [f"Pairs of client and upstream dialect: {', '.join(pairs)}.", ""]
    lines += table(("case", "pairs passed", "pairs failed", "not applicable"), rows)
    failures = [one for one in outcomes if one.state == "failed"]
    lines += ["", "Failed:" if failures else "Nothing failed.", ""]
    lines += [f"- {one.group}, {one.name}: {one.why}" for one in failures]
    lines += [
        *([""] if failures else []),
        "Not applicable: thoughts stay with the model that signed them; the same dialect shows them.",
    ]
    return lines


def _outcome(line: str) -> Outcome:
    told = json.loads(line)
    return Outcome(f"{told['client']} over {told['upstream']}", told["name"], told["state"], one_line(told["why"]))


if __name__ == "__main__":
    sys.exit(main())
