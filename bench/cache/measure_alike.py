"""How often questions in other words would get a kept answer, and how often a wrong one: bench/cache/measure_alike.py.

The pairs of pairs.tsv are of our own making: the same question in other words, and questions that differ in one word
that counts. Half of them (by hash) were looked at while the list of such words was made; the other half is measured.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from meshwright.kernel.kept.alike import facts
from meshwright.providers.builtin import meaning
from meshwright.routing.likeness import meant

PAIRS = Path(__file__).parent / "pairs.tsv"
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def rows(*, test: bool) -> list[tuple[bool, str, str]]:
    """(whether they ask the same, one question, the other)."""
    lines = [line.split("\t") for line in PAIRS.read_text().splitlines()]
    return [
        (kind == "same", one, other)
        for kind, one, other in lines
        if (hashlib.sha256(f"{one}\t{other}".encode()).digest()[0] % 2 == 1) == test
    ]


def main() -> None:
    """The table, by words alone and by meanings too where their table is installed."""
    test = "--development" not in sys.argv[1:]
    pairs = rows(test=test)
    for by in ("words", "words and meanings"):
        if by != "words":
            meaning.load()
            if not meaning.loaded():
                print(meaning.MISSING)
                break
        scores = [(same, meant(one, (other,)), facts(one) == facts(other), one, other) for same, one, other in pairs]
        of_same = sum(same for same, *_ in scores)
        print(f"\nby {by}: {of_same} pairs that ask the same, {len(scores) - of_same} that do not")
        print(f"{'alike':<8}{'answered':<12}{'wrongly':<12}{'answered without the check of facts':<38}{'wrongly':<10}")
        for least in THRESHOLDS:
            cells = [
                sum(same is wanted and score >= least and (equal or not checked) for same, score, equal, *_ in scores)
                for checked in (True, False)
                for wanted in (True, False)
            ]
            print(f"{least:<8}{cells[0]:<12}{cells[1]:<12}{cells[2]:<38}{cells[3]:<10}")
        if not test:
            for same, score, equal, one, other in scores:
                if not same and equal:
                    print(f"  wrong at {score:.2f}: {one} / {other}")


if __name__ == "__main__":
    main()
