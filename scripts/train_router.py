"""Train the shipped router weights: from outcome rows to routing/data/router.bin. Takes about a minute.

    python scripts/train_router.py outcomes-dev.jsonl.gz

The rows are those of lm-sys/RouteLLM (MMLU, Apache-2.0) and ulab-uiuc/LLMRouter (MIT): see
docs/reference/router-card.md, and data/router.LICENCES for the texts. The same rows give the same bytes on one machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

from meshwright.routing.quality.fit import fit
from meshwright.routing.quality.rows import read_rows
from meshwright.routing.quality.weights import pack

TARGET = Path(__file__).resolve().parents[1] / "src" / "meshwright" / "routing" / "data" / "router.bin"


def main(file: Path) -> None:
    """Read, fit, write."""
    weights = fit(read_rows(file))
    data = pack(weights)
    TARGET.write_bytes(data)
    print(f"{weights.told}, {len(weights.grams) // 4:,} grams, {len(data):,} bytes")
    for model in weights.models:
        print(f"  {model.name}: {model.level:.3f} over {model.rows:,} rows, penalty {weights.penalties[model.own]:g}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
