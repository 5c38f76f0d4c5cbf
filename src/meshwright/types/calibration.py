"""How far off predictions have been here: what turns a guess into an interval that holds as often as it says."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

ALL = "*"
"""Any model, or any task."""


class Bound(msgspec.Struct, frozen=True):
    """Between which factors of a prediction the truth lies, as learned from so many `rows`."""

    low: float
    high: float
    rows: int


class Kept(msgspec.Struct, frozen=True):
    """Of `rows` intervals that were made before their truth was known, so many `held` it."""

    rows: int
    held: int

    @property
    def share(self) -> float | None:
        """The share that held; None when there was none."""
        return self.held / self.rows if self.rows else None


class Reading(msgspec.Struct, frozen=True):
    """How many tokens of one family of tokenizers there are to one of the estimate, as learned from so many `rows`."""

    factor: float
    rows: int


class Share(msgspec.Struct, frozen=True):
    """Of `rows` calls, so many `went` on to the next one."""

    rows: int
    went: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Factors on the predicted tokens of an answer and on the predicted cost of a request.

    Both maps go by "MODEL TASK", where either may be ALL. `nominal` is how often an interval is meant to hold the
    truth; `kept_tokens` and `kept_cost` are how often they did. `reading` are factors on the estimated tokens of a
    request, by family of tokenizers. `fails` is how often a model did not answer, `kept_back` how often a gate did not
    believe what it answered.
    """

    nominal: float
    tokens: Mapping[str, Bound] = {}
    cost: Mapping[str, Bound] = {}
    kept_tokens: Kept = Kept(0, 0)
    kept_cost: Kept = Kept(0, 0)
    reading: Mapping[str, Reading] = {}
    fails: Mapping[str, Share] = {}
    kept_back: Mapping[str, Share] = {}


def group(model: str, task: str) -> str:
    """The name of a group."""
    return f"{model} {task}"


def bound(groups: Mapping[str, Bound], model: str, task: str) -> tuple[Bound, str] | None:
    """The narrowest group that is known: the model at the task, the model, the task, all; and which one that is."""
    for name in (group(model, task), group(model, ALL), group(ALL, task), group(ALL, ALL)):
        found = groups.get(name)
        if found is not None:
            return found, name
    return None
