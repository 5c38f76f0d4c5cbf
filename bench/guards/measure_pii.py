"""Recall and precision of `pii` on sentences whose spans are known, beside a plain list of regular expressions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from time import thread_time
from typing import Any

from intervals import is_test, told
from meshwright.guards import GUARDS
from meshwright.guards.rule import Rule, scan
from meshwright.types.guard import Finding

KINDS = {
    "EMAIL_ADDRESS": "email",
    "CREDIT_CARD": "card",
    "PHONE_NUMBER": "phone",
    "IBAN_CODE": "iban",
    "US_SSN": "national_id",
    "IP_ADDRESS": "ip",
    "US_DRIVER_LICENSE": "passport",
}
"""The data's names of what `pii` looks for; names, places and streets are not among them."""
PLAIN = (
    ("email", re.compile(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b")),
    ("card", re.compile(r"\b\d(?:[ -]?\d){12,15}\b")),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")),
    ("national_id", re.compile(r"\b\d{3}-\d{2}-\d{4}\b")),
    ("ip", re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")),
    ("phone", re.compile(r"\+?\b(?:\d{1,3}[ .-]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}\b")),
)
"""What one finds on the first page of a search: the reference."""
COVERED = 0.9
"""The share of a span's characters that must be found, for it to count as found."""
Look = Callable[[str], Sequence[Finding]]
Row = dict[str, Any]
"""A sentence with its spans, as the data has it."""


def plain(text: str) -> list[Finding]:
    """The reference."""
    return [Finding(kind, *match.span()) for kind, shape in PLAIN for match in shape.finditer(text)]


def ours() -> Look:
    """The guard as a request meets it."""
    guard = GUARDS["pii"]
    rule = Rule(name="pii", uses="pii", guard=guard, action="mask", places=guard.places)
    return lambda text: scan(rule, text)


def measure_pii(path: Path, *, test: bool, wrong: bool) -> None:
    """Print the table. `wrong`: also what was missed and what was found for nothing (of the development half only)."""
    rows = [row for row in json.loads(path.read_text()) if is_test(row["full_text"]) == test]
    print(f"\npii: {path.name}, the {'test' if test else 'development'} half, {len(rows)} sentences")
    print(f"{'kind':<14}{'recall':<32}{'precision':<32}{'plain recall':<32}{'plain precision':<32}")
    looks = {"ours": ours(), "plain": plain}
    found = {name: [look(row["full_text"]) for row in rows] for name, look in looks.items()}
    for theirs, kind in KINDS.items():
        cells = []
        for each in found.values():
            hits, of = _recall(rows, each, theirs, wrong and each is found["ours"])
            right, all_found = _precision(rows, each, kind, wrong and each is found["ours"])
            cells += [told(hits, of), told(right, all_found)]
        print(f"{kind:<14}" + "".join(f"{cell:<32}" for cell in cells))
    for name, look in looks.items():
        size = sum(len(row["full_text"]) for row in rows)
        began = thread_time()
        for row in rows:
            look(row["full_text"])
        print(f"{name}: {(thread_time() - began) * 1e6 / size * 1000:.1f} µs per kB of these sentences")


def _recall(rows: list[Row], found: list[Sequence[Finding]], theirs: str, tell: bool) -> tuple[int, int]:
    hits = of = 0
    for row, findings in zip(rows, found, strict=True):
        for span in row["spans"]:
            if span["entity_type"] != theirs:
                continue
            of += 1
            start, end = span["start_position"], span["end_position"]
            covered = sum(max(0, min(one.end, end) - max(one.start, start)) for one in findings)
            hits += covered >= COVERED * (end - start)
            if tell and covered < COVERED * (end - start):
                print(f"  missed {theirs}: {row['full_text'][max(0, start - 30) : end + 10]!r}")
    return hits, of


def _precision(rows: list[Row], found: list[Sequence[Finding]], kind: str, tell: bool) -> tuple[int, int]:
    right = of = 0
    for row, findings in zip(rows, found, strict=True):
        wanted = [span for span in row["spans"] if span["entity_type"] in KINDS]
        for one in findings:
            if one.kind != kind:
                continue
            of += 1
            good = any(one.start < span["end_position"] and span["start_position"] < one.end for span in wanted)
            right += good
            if tell and not good:
                print(f"  for nothing {kind}: {row['full_text'][max(0, one.start - 30) : one.end + 10]!r}")
    return right, of
