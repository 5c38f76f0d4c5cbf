"""From signs to the probability that an answer is good.

An answer that reckons goes by weights and trees that scripts/fit_gate.py has fitted to judged answers, half by each;
any other by the few weights below, which are set by hand and say so. What breaks a form that was asked for is evidence
on top of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from math import exp, log

import msgspec

from meshwright.routing.features import question
from meshwright.routing.gate.certainty import certainty
from meshwright.routing.gate.form import form
from meshwright.routing.gate.programs import programs
from meshwright.routing.gate.reckoning import reckoning
from meshwright.routing.gate.relations import relations
from meshwright.routing.gate.sources import sources
from meshwright.routing.gate.wording import wording
from meshwright.routing.quality.trees import Asked, Trees
from meshwright.types.request import Request
from meshwright.types.response import Response


class Weights(msgspec.Struct, frozen=True):
    """Log-odds of a good answer: `bias`, and so much more for one unit of each sign."""

    bias: float
    weights: Mapping[str, float]
    order: tuple[str, ...] = ()
    """The signs that trees ask for, by place."""
    trees: Trees | None = None

    def logit(self, signs: Mapping[str, float]) -> float:
        """The log-odds for these signs; those without a weight say nothing."""
        return self.bias + sum(self.weights.get(name, 0.0) * value for name, value in signs.items())


LEAST = 0.02
"""Of a hundred answers two are not what all signs say of them."""


class Fitted:
    """Weights and trees, each of which tells a probability; their mean is believed."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._trees = Asked(weights.trees, 1) if weights.trees else None

    def logit(self, signs: Mapping[str, float]) -> float:
        """The log-odds for these signs."""
        logit = self.weights.logit(signs)
        if self._trees is None:
            return logit
        (told,) = self._trees.of([signs.get(name, 0.0) for name in self.weights.order])
        even = (1 / (1 + exp(-max(-30.0, min(30.0, logit)))) + min(1.0, max(0.0, told))) / 2
        even = min(1 - LEAST, max(LEAST, even))
        return log(even / (1 - even))


FITTED = msgspec.json.decode((files("meshwright.routing") / "data" / "gate.json").read_bytes(), type=Weights)
RECKONED = Fitted(FITTED)
BY_HAND = Weights(
    1.4,
    {"empty": -6.0, "cut": -2.0, "open": -1.5, "hedges": -0.5, "turns": -0.1, "repeats": -0.6},
)
"""Four answers of five are good when nothing speaks against them: a prior, not a measurement."""
EVIDENCE = Weights(
    0.0,
    {
        "bad_call": -6.0,
        "refuses": -3.0,
        "not_json": -6.0,
        "breaks_schema": -5.0,
        "code_broken": -2.5,
        "code_left_out": -1.5,
        "not_there": -1.2,
        "guessed_tokens": -6.0,
    },
)
"""By hand as well: a form that was asked for and is not there is a bad answer, whatever its words."""
AGREEMENT = 4.0
"""Log-odds between samples that all disagree and samples that all agree."""
TOLD: Mapping[str, str] = {
    "empty": "it is empty",
    "cut": "it breaks off",
    "open": "something in it is not closed",
    "refuses": "it declines",
    "hedges": "it hedges",
    "repeats": "it repeats itself",
    "bad_call": "it calls a tool that is not there, or with arguments that do not fit",
    "not_json": "it is not the JSON that was asked for",
    "breaks_schema": "it does not keep to the schema",
    "code_broken": "its code does not parse",
    "code_left_out": "its code leaves parts out",
    "not_there": "it cites what is not there",
    "any_wrong": "a sum in it is wrong",
    "rounded_sums": "a sum in it is rounded",
    "any_unused": "it leaves a number of the question unused",
    "rest_without_minus": "it is asked for a rest and takes nothing away",
    "total_with_minus": "it is asked for a total and takes away",
    "end_fraction": "it ends with a fraction",
    "dangling": "it works out what it does not use",
    "no_end": "it comes to no result",
    "end_zero": "it comes to nothing or less",
    "turns": "it turns round on the way",
}
"""Signs that speak against an answer, in words."""


class Judgement(msgspec.Struct, frozen=True):
    """The probability that the answer is good, what was seen of it, and that in words."""

    probability: float
    signs: Mapping[str, float]
    told: str


def judge(request: Request, response: Response) -> Judgement:
    """The judgement of an answer to a request: pure, without another model. A millisecond or two for a page."""
    if not response.choices:
        return Judgement(0.0, {"empty": 1.0}, "0% likely to be good: it is empty")
    choice = response.choices[0]
    asked, text = question(request.messages), choice.message.text
    signs = form(request, choice)
    if "bad_call" not in signs:
        signs |= wording(asked, text, choice.finish)
        signs |= programs(text)
        signs |= sources(request, choice)
    else:
        signs |= {"cut": float(choice.finish == "length")}
    signs |= certainty(response)
    sums: dict[str, float] = {}
    if "code_broken" not in signs and "not_json" not in signs and (sums := reckoning(asked, text)):
        sums |= relations(asked)
    logit = (RECKONED if sums else BY_HAND).logit(signs | sums) + EVIDENCE.logit(signs)
    logit += AGREEMENT * (signs.get("agreement", 0.5) - 0.5)
    logit += AGREEMENT * (min(0.0, signs.get("token_probability", 1.0) - 0.8))
    signs = {name: round(value, 4) for name, value in (signs | sums).items() if value}
    probability = round(1 / (1 + exp(-max(-30.0, min(30.0, logit)))), 4)
    against = [words for name, words in TOLD.items() if signs.get(name, 0.0) > 0]
    why = f": {', '.join(against[:3])}" if against else ""
    return Judgement(probability, signs, f"{probability:.0%} likely to be good{why}")
