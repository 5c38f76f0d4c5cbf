"""What a text means, as 256 numbers in this process: WordLlama's table, where the extra `offline` is installed.

The table comes inside the package `wordllama` (MIT) and takes about 100 MiB with what reads it, so it is loaded once,
and only where something in the configuration asks for it. Nothing is downloaded.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

MOST = 2_000
"""Characters that are looked at."""
MISSING = "pip install 'meshwright[offline]' to compare by meaning too"
_loaded: list[Any] = []


def load() -> bool:
    """Read the table, which takes about a second the first time; False where the extra is not installed."""
    if not _loaded:
        try:
            # A bare gateway has neither numpy nor the table.
            ranker: Any = import_module("meshwright.providers.builtin.extract.rank").Ranker()
        except ImportError:
            _loaded.append(None)
        else:
            _loaded.append(ranker)
    return _loaded[0] is not None


def loaded() -> bool:
    """Whether there is a table in memory."""
    return bool(_loaded) and _loaded[0] is not None


def closeness(text: str, other: str) -> float:
    """The cosine of what two texts mean, from 0, where they have nothing to do with each other, to 1.

    The table must be loaded. 50 µs for a sentence and some hundreds for a page, once: the latest texts are remembered.
    """
    one, two = _vector(text[:MOST]), _vector(other[:MOST])
    return min(1.0, max(0.0, float(one @ two)))


@lru_cache(maxsize=4096)
def _vector(text: str) -> Any:
    return _loaded[0].embed([text])[0]
