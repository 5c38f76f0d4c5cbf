"""Which cells of provider dialect x feature have a receipt, of which kind and date, as `python -m scripts.receipts`."""

from __future__ import annotations

from collections import Counter

from meshwright.wire import CODECS
from tests.wire.receipts import receipts


def main() -> None:
    """Print a table in Markdown: a row for each feature, a column for each dialect."""
    found = receipts()
    cells = {(one.told.feature, one.told.dialect): f"{one.told.kind} {one.told.date}" for one in found}
    print("| " + " | ".join(["feature", *CODECS]) + " |")
    print("|" + "---|" * (len(CODECS) + 1))
    for feature in sorted({one.told.feature for one in found}):
        print("| " + " | ".join([feature, *(cells.get((feature, dialect), "") for dialect in CODECS)]) + " |")
    kinds = Counter(one.told.kind for one in found)
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in ("recorded", "documented", "written"))
    print(f"\n{len(found)} receipts: {counts}; {len(cells)} cells have one")


if __name__ == "__main__":
    main()
