"""Recall and precision of `presidio` on sentences whose spans are known: names, places, groups, dates.

usage: python bench/guards/measure_presidio.py PII.json [--test]

It needs presidio-analyzer and a model for English in the same environment (docs/how-to/guards.md). A span counts as
found when nine tenths of its characters are, as in `measure_pii`, and as touched when any of them is: of an address
Presidio finds the town, or a part of the street's name.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from time import thread_time

from intervals import is_test, told
from meshwright.guards.guard import Options
from meshwright.guards.presidio import GUARD, MODELS, model
from meshwright.types.guard import Finding

KINDS = {
    "PERSON": "name",
    "GPE": "place",
    "STREET_ADDRESS": "place",
    "NRP": "group",
    "DATE_TIME": "date",
    "ORGANIZATION": "",
    "TITLE": "",
}
"""The data's names of what is looked at, and what the guard calls them; "" has no kind, and is told all the same."""
COVERED = 0.9


def covered(start: int, end: int, found: Sequence[Finding]) -> float:
    """The share of a span's characters that were found."""
    inside = {at for one in found for at in range(max(start, one.start), min(end, one.end))}
    return len(inside) / max(1, end - start)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--test", action="store_true", help="the half that was never looked at while tuning")
    options = parser.parse_args()
    rows = [row for row in json.loads(options.rows.read_text()) if is_test(row["full_text"]) == options.test]
    settings = Options(threshold=GUARD.threshold)
    GUARD.look("Anna lives in Rome.", settings)  # what is read at first is not the guard's time
    spans = {kind: [0, 0, 0] for kind in KINDS}
    made: dict[str, list[int]] = {}
    began = thread_time()
    for row in rows:
        found = GUARD.look(row["full_text"], settings)
        for span in row["spans"]:
            if (kind := span["entity_type"]) in KINDS:
                share = covered(span["start_position"], span["end_position"], found)
                spans[kind][0] += 1
                spans[kind][1] += share >= COVERED
                spans[kind][2] += share > 0
        for one in found:
            good, count = made.setdefault(one.kind, [0, 0])
            over = any(one.start < span["end_position"] and span["start_position"] < one.end for span in row["spans"])
            made[one.kind] = [good + over, count + 1]
    milliseconds = (thread_time() - began) * 1000 / len(rows)
    half = "test" if options.test else "development"
    print(f"presidio with {model()} of {', '.join(MODELS)}: the {half} half, {len(rows)} sentences")
    print(f"{'kind':<16}{'found':<34}{'touched':<34}")
    for kind, (count, whole, touched) in spans.items():
        print(f"{kind:<16}{told(whole, count):<34}{told(touched, count):<34}")
    print("precision (it lies on something that is marked, of whatever kind):")
    for kind, (good, count) in sorted(made.items()):
        print(f"{kind:<16}{told(good, count):<34}")
    print(f"{milliseconds:.1f} ms a sentence")


if __name__ == "__main__":
    main()
