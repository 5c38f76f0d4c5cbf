"""How far the token estimates are off, by family of tokenizers and kind of text.

Usage: measure.py TEXTS.json KINDS.json COUNTS.json
    TEXTS   a list of texts, KINDS the kind of each, COUNTS what scripts/count_tokens.mjs says of them
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

from meshwright.catalog.tokens import tokens


def told(errors: list[float]) -> str:
    """The middle error and the one that nine of ten stay below, in per cent."""
    ranked = sorted(errors)
    return f"{100 * statistics.median(ranked):.0f} / {100 * ranked[int(len(ranked) * 0.9)]:.0f}"


def main(texts: list[str], kinds: list[str], counts: dict[str, list[int]]) -> None:
    """Print the table."""
    names = list(dict.fromkeys(kinds))
    print(f"| family | {' | '.join(names)} | four bytes to a token, over all |")
    print(f"|---|{'---|' * (len(names) + 1)}")
    for family, found in counts.items():
        rows = [(kind, text, count) for kind, text, count in zip(kinds, texts, found, strict=True) if count]
        cells = [
            told([abs(tokens(text, family) - count) / count for kind, text, count in rows if kind == name])
            for name in names
        ]
        before = told([abs(len(text.encode()) / 4 - count) / count for _, text, count in rows])
        print(f"| {family} | {' | '.join(cells)} | {before} |")


if __name__ == "__main__":
    main(*(json.loads(Path(path).read_text()) for path in sys.argv[1:4]))
