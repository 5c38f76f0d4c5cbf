"""A model's limits: kept to in requests of other dialects, and learned from refusals, whose words name the number.

Each pattern is a provider's own sentence, as its documentation or its users quote it: OpenAI, vLLM and OpenRouter
("maximum context length is"), Anthropic ("prompt is too long", "maximum allowed number of output tokens"), Google
("input token count", "supported range"), xAI ("maximum prompt length"), Moonshot ("exceeded model token limit"), Cohere
("cannot exceed"), Bedrock ("exceeds the model limit of").
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import msgspec

from meshwright.types.request import Request
from meshwright.wire.dialect import Target
from meshwright.wire.notes import Notes

FEWEST, MOST = 256, 100_000_000
"""Tokens. What lies outside is no model's limit, whatever it says."""
_N = r"(\d[\d,]{0,11})"
_PATTERNS: tuple[tuple[Literal["window", "max_output"], re.Pattern[str]], ...] = tuple(
    (fact, re.compile(pattern.replace("N", _N), re.IGNORECASE))  # type: ignore[misc]  # mypy widens the literals
    for fact, pattern in (
        ("max_output", r"model supports at most N completion tokens"),
        ("max_output", r"max_tokens: \d+ > N, which is the maximum allowed number of output tokens"),
        ("max_output", r"maximum tokens you requested exceeds the model limit of N\b"),
        (
            "max_output",
            r"maxOutputTokens value of \d+ but the supported range is from 1 \(inclusive\) to N \(exclusive",
        ),
        ("window", r"maximum context length is N tokens"),
        ("window", r"prompt is too long: \d+ tokens > N maximum"),
        ("window", r"input token count(?: \(\d+\))? exceeds the maximum number of tokens allowed \(?N\b"),
        ("window", r"maximum prompt length is N\b"),
        ("window", r"exceeded model token limit: N \(requested"),
        ("window", r"number of tokens in the prompt cannot exceed N\b"),
    )
)


class Limit(NamedTuple):
    """A limit in tokens: of question and answer together (`window`), or of the answer (`max_output`)."""

    fact: Literal["window", "max_output"]
    tokens: int


def within(request: Request, target: Target, notes: Notes) -> Request:
    """The request with no more tokens for an answer than the model can give, which its provider would refuse."""
    most = target.max_output
    if most is None or request.max_tokens is None or request.max_tokens <= most:
        return request
    notes.changed("max_tokens", f"The longest answer of this model has {most} tokens.")
    return msgspec.structs.replace(request, max_tokens=most)


def stated_limit(words: str) -> Limit | None:
    """The limit that an error's message names; None when it names none. Limits of rates are none of a model's."""
    for fact, pattern in _PATTERNS:
        if found := pattern.search(words):
            tokens = int(found[1].replace(",", "")) - ("exclusive" in found[0])
            return Limit(fact, tokens) if FEWEST <= tokens <= MOST else None
    return None
