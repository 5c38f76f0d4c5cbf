"""What outcome rows cannot tell, in words: to be said to whoever learns from them, before he relies on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from meshwright.routing.quality.rows import FEWEST, Row

NAMES = 5


def shortcomings(rows: Sequence[Row], served: Collection[str]) -> list[str]:
    """A sentence for each thing that is wrong with the whole of the rows; `served` are bare names of models."""
    scored = [row.by_model() for row in rows]
    names = sorted({name for each in scored for name in each})
    told = []
    if len(rows) < FEWEST:
        told.append(f"{len(rows)} rows are few: under {FEWEST} only each model's mean score is learned.")
    if repeats := len(rows) - len({row.prompt for row in rows}):
        told.append(
            f"{repeats:,} rows repeat the prompt of another. Each counts: what is learned looks surer than it is."
        )
    if len(names) == 1:
        told.append(f"{names[0]} is the only model: there is nothing to compare it with.")
    elif alone := _alone(scored):
        told.append(
            f"{_listed(alone)} shares no row with the most of the others: what it was asked may have been easier, or "
            "harder. Ask the models the same questions."
        )
    if strangers := [name for name in names if name not in served]:
        told.append(
            f"No model that is served here is called {_listed(strangers)}: what was learned of it changes nothing. "
            "`mesh models` lists the names; what is before the slash does not count."
        )
    return told


def _alone(scored: Sequence[dict[str, float]]) -> list[str]:
    """Models that are not compared, directly or through others, with those of the most rows."""
    groups: list[set[str]] = []
    for each in scored:
        met = set(each).union(*(group for group in groups if group & set(each)))
        groups = [group for group in groups if not group & met] + [met]
    count = Counter(name for each in scored for name in each)
    most = max(groups, key=lambda group: sum(count[name] for name in group))
    return sorted(set(count) - most)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES
    return ", ".join(names[:NAMES]) + (f" or {more} more" if more > 0 else "")
