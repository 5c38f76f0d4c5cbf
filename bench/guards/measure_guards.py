"""How good and how fast the guards are: python bench/guards/measure_guards.py --pii ROWS --injection DIR --pages DIR.

Half of the rows (by hash) is for development; the other is measured, and nobody looks at what was wrong in it.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from time import thread_time

from intervals import is_test, told
from measure_injection import guard, measure_injection
from measure_pii import measure_pii
from meshwright.guards import GUARDS
from meshwright.guards.guard import Options
from meshwright.guards.rule import Rule, scan

ROOT = Path(__file__).resolve().parents[2]


def alarms(prompts: Path, *, test: bool) -> None:
    """How many of prompts without persons, secrets or attacks (questions of exams, mostly) have a finding."""
    data = gzip.decompress(prompts.read_bytes()) if prompts.suffix == ".gz" else prompts.read_bytes()
    texts = [text for line in data.splitlines() if is_test(text := json.loads(line)["prompt"]) == test]
    print(f"\nfalse alarms on {len(texts)} prompts, {sum(map(len, texts)) / 1e6:.1f} MB")
    for name in ("pii", "secrets", "injection"):
        print(f"{name:<14}{told(sum(map(guard(name), texts)), len(texts))}")


def cost() -> None:
    """Microseconds per kB on prose and on code of this repository, the best of five."""
    texts = {
        "prose": "\n".join(path.read_text() for path in sorted((ROOT / "docs" / "decisions").glob("*.md")))[:50_000],
        "code": (ROOT / "src" / "meshwright" / "wire" / "fold.py").read_text(),
    }
    print("\nµs per kB")
    for name, row in GUARDS.items():
        if row.missing is not None and row.missing():
            continue
        options = Options(phrases=("project falcon", "merger")) if row.phrases else Options(threshold=row.threshold)
        rule = Rule(name=name, uses=name, guard=row, action=row.action, places=row.places, options=options)
        shown = []
        for kind, text in texts.items():
            best = min(_seconds(rule, text) for _ in range(5))
            shown.append(f"{kind} {best * 1e9 / len(text):.1f}")
        print(f"{name:<14}{', '.join(shown)}")


def _seconds(rule: Rule, text: str) -> float:
    began = thread_time()
    scan(rule, text)
    return thread_time() - began


def main() -> None:
    """All that there are rows for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pii", type=Path, help="sentences with spans, as presidio-research makes them (JSON)")
    parser.add_argument("--injection", type=Path, help="a folder with BIPIA's and NotInject's files")
    parser.add_argument("--pages", type=Path, help="a folder of harmless pages (JSON)")
    parser.add_argument("--development", action="store_true", help="the other half, and what was wrong in it")
    parser.add_argument("--prompts", type=Path, help="prompts without anything to find (JSON lines with `prompt`)")
    options = parser.parse_args()
    if options.pii is not None:
        measure_pii(options.pii, test=not options.development, wrong=options.development)
    if options.injection is not None:
        measure_injection(options.injection, options.pages, test=not options.development)
    if options.prompts is not None:
        alarms(options.prompts, test=not options.development)
    cost()


if __name__ == "__main__":
    main()
