"""How good and how fast the guards are: python bench/guards/measure_guards.py --pii ROWS --injection DIR --pages DIR.

Half of the rows (by hash) is for development; the other is measured, and nobody looks at what was wrong in it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter

from measure_injection import measure_injection
from measure_pii import measure_pii
from meshwright.guards import GUARDS
from meshwright.guards.guard import Options
from meshwright.guards.rule import Rule, scan

ROOT = Path(__file__).resolve().parents[2]


def cost() -> None:
    """Microseconds per kB on prose and on code of this repository, the best of five."""
    texts = {
        "prose": "\n".join(path.read_text() for path in sorted((ROOT / "docs" / "decisions").glob("*.md")))[:50_000],
        "code": (ROOT / "src" / "meshwright" / "wire" / "fold.py").read_text(),
    }
    print("\nµs per kB")
    for name, guard in GUARDS.items():
        options = Options(phrases=("project falcon", "merger")) if guard.phrases else Options(threshold=guard.threshold)
        rule = Rule(name=name, uses=name, guard=guard, action=guard.action, places=guard.places, options=options)
        told = []
        for kind, text in texts.items():
            best = min(_seconds(rule, text) for _ in range(5))
            told.append(f"{kind} {best * 1e9 / len(text):.1f}")
        print(f"{name:<14}{', '.join(told)}")


def _seconds(rule: Rule, text: str) -> float:
    began = perf_counter()
    scan(rule, text)
    return perf_counter() - began


def main() -> None:
    """All that there are rows for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pii", type=Path, help="sentences with spans, as presidio-research makes them (JSON)")
    parser.add_argument("--injection", type=Path, help="a folder with BIPIA's and NotInject's files")
    parser.add_argument("--pages", type=Path, help="a folder of harmless pages (JSON)")
    parser.add_argument("--development", action="store_true", help="the other half, and what was wrong in it")
    options = parser.parse_args()
    if options.pii is not None:
        measure_pii(options.pii, test=not options.development, wrong=options.development)
    if options.injection is not None:
        measure_injection(options.injection, options.pages, test=not options.development)
    cost()


if __name__ == "__main__":
    main()
