"""How long an answer will be, in tokens: what its task usually takes, what was asked for, and thinking nobody sees."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from meshwright.routing.standing import standing
from meshwright.routing.tasks import TASKS
from meshwright.types.decision import Features, Signal
from meshwright.types.model import Model
from meshwright.types.request import ReasoningControl, Request

USUAL = 250
"""Tokens, when the task is not known."""
UNLIMITED = 1_000_000_000
EDGE = 400
"""Characters at the beginning and the end of a question in which a length is asked for."""
THOUGHTS: Mapping[str, int] = {
    "none": 0, "minimal": 60, "low": 400, "medium": 1_200, "high": 3_500, "xhigh": 7_000, "max": 12_000,
}  # fmt: skip
"""Tokens of thinking by effort, at a task that calls for it: rough priors, corrected by what is seen here."""
WEIGHTY: Mapping[str, float] = {"maths": 1.0, "code": 1.0, "reason": 1.0, "compute": 0.6}
LIGHT = 0.35
"""What other tasks take of that."""
OF_BUDGET = 0.3
"""How much of a budget is used, where no effort is named."""
VERBOSITY: Mapping[str, float] = {"low": 0.5, "medium": 1.0, "high": 2.0}

_UNITS = {
    "character": 0.25, "token": 1.0, "word": 1.35, "line": 15.0, "bullet": 25.0, "sentence": 28.0, "item": 25.0,
    "paragraph": 110.0, "page": 650.0,
}  # fmt: skip
_NUMBERS = {
    "a": 1, "one": 1, "single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "twenty": 20, "fifty": 50, "hundred": 100,
}  # fmt: skip
_ASKED = re.compile(
    r"\b(?P<of>this|these|the|following|above|of|has|have|is|are|per|every|each)?\s*"
    rf"\b(?P<count>\d{{1,6}}|{'|'.join(_NUMBERS)})[- ](?:(?:to|or|and) \w+[- ])?(?:short |simple |key |plain )?"
    rf"(?P<unit>{'|'.join(_UNITS)})s?\b"
)
_HINTS = (
    "brief",
    "concise",
    "in short",
    "tl;dr",
    "tldr",
    "just the",
    "only the",
    "detail",
    "thorough",
    "comprehensive",
    "at length",
)
_BRIEF = re.compile(
    r"\b(?:brief(?:ly)?|concise(?:ly)?|in short|tl;?dr|just the (?:answer|number|code)|only the)\b", re.IGNORECASE
)
_LONG = re.compile(
    r"\b(?:in (?:great |full )?detail|detailed|thorough(?:ly)?|comprehensive(?:ly)?|at length)\b", re.IGNORECASE
)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says of its answer's length; fields as those of Features."""

    asked_for: int | None = None
    wordy: float = 1.0
    answers: int = 1
    effort: str = ""
    budget: int | None = None


def wished(request: Request, question: str) -> Wish:
    """What is said of the length of the answer, in words and in settings."""
    told = (question if len(question) <= 2 * EDGE else f"{question[:EDGE]}\n{question[-EDGE:]}").lower()
    wordy = VERBOSITY.get(request.verbosity, 1.0)
    # Looking for a piece of a word takes a tenth of what the expression takes, and mostly none is there.
    if any(word in told for word in _HINTS):
        wordy *= 0.5 if _BRIEF.search(told) else 2.0 if _LONG.search(told) else 1.0
    effort, budget = _thinking(request.reasoning) if request.reasoning is not None else ("", None)
    return Wish(asked_for=_asked_for(told), wordy=wordy, answers=max(1, request.n or 1), effort=effort, budget=budget)


def answer_tokens(model: Model, features: Features, signal: Signal) -> float:
    """Tokens that the model is expected to write, hidden ones too, over all answers asked for; the likeliest number.

    What was seen of it here (`signal.longer`) corrects the prior, at this task if it was seen at it, else over all.
    """
    task = features.task
    seen = features.asked_for
    visible = float(seen) if seen is not None else (TASKS[task][1] if task else USUAL) * features.wordy
    tokens = visible + _hidden(model, features)
    if signal.longer:
        tokens *= longer_here(signal, task)
    return min(tokens, limit(model, features)) * features.answers


def longer_here(signal: Signal, task: str) -> float:
    """How many times as long as the prior its answers to the task are, or all of them."""
    return signal.longer.get(task) or signal.longer.get("", 1.0)


def limit(model: Model, features: Features) -> int:
    """Tokens that one answer can have at most."""
    return min(features.max_tokens or UNLIMITED, model.max_output or UNLIMITED)


def _hidden(model: Model, features: Features) -> float:
    """Thinking before the answer."""
    known = standing(model)
    if not known.thinks or features.effort == "none":
        return 0.0
    if not (features.effort or features.budget) and not known.unasked:
        return 0.0
    share = WEIGHTY.get(features.task, LIGHT)
    if features.budget and not features.effort:
        return OF_BUDGET * features.budget * share
    tokens = THOUGHTS.get(features.effort or "medium", THOUGHTS["medium"]) * share
    return min(tokens, features.budget) if features.budget else tokens


def _thinking(asked: ReasoningControl) -> tuple[str, int | None]:
    """The effort ("" when none is named) and the budget."""
    if asked.mode == "off":
        return "none", None
    if asked.effort or asked.budget:
        return asked.effort or "", asked.budget
    return ("medium" if asked.mode in ("on", "adaptive") else ""), None


def _asked_for(told: str) -> int | None:
    """Tokens of the length that the words ask for; None when they ask for none."""
    if not any(unit in told for unit in _UNITS):
        return None
    for found in _ASKED.finditer(told):
        if found["of"]:
            continue  # "this 2,000-word essay" is not what is to be written
        count = found["count"]
        number = int(count) if count.isdigit() else _NUMBERS[count]
        return max(1, round(number * _UNITS[found["unit"]]))
    return None
