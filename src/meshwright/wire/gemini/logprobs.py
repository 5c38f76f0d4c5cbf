"""Probabilities of tokens, both ways.

Source: https://ai.google.dev/api/generate-content (LogprobsResult): what was chosen and what was likeliest, at
each step.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.response import TokenProbability
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.notes import Notes

RESULT = "choice.logprobsResult"
"""The kind of the verbatim result, which also numbers the tokens."""


class _Token(msgspec.Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class _Step(msgspec.Struct):
    candidates: list[_Token] | None = None


class _Result(msgspec.Struct, rename="camel"):
    chosen_candidates: list[_Token] | None = None
    top_candidates: list[_Step] | None = None


_RESULT: msgspec.json.Decoder[_Result] = msgspec.json.Decoder(_Result)


def logprobs_in(raw: Raw) -> tuple[tuple[TokenProbability, ...], Opaque | None]:
    """(the tokens, the result where they do not tell all of it). Raises msgspec.ValidationError."""
    wire = _RESULT.decode(raw)
    steps = wire.top_candidates or []
    found = tuple(
        TokenProbability(
            token=one.token,
            logprob=one.log_probability,
            top=tuple(
                TokenProbability(token=other.token, logprob=other.log_probability)
                for other in (steps[place].candidates or () if place < len(steps) else ())
            ),
        )
        for place, one in enumerate(wire.chosen_candidates or ())
    )
    again = logprobs_out(found, Notes())
    return found, None if again == msgspec.json.decode(raw) else Opaque(NAME, RESULT, raw)


def logprobs_out(tokens: tuple[TokenProbability, ...], notes: Notes) -> dict[str, Any]:
    """`logprobsResult` of the tokens."""
    if any(one.bytes is not None or any(other.bytes is not None for other in one.top) for one in tokens):
        notes.dropped("choices.logprobs.bytes", "A token is told as text here.")
    if any(other.top for one in tokens for other in one.top):
        notes.dropped("choices.logprobs.top", "Of a likely token no other ones are told here.")
    found: dict[str, Any] = {"chosenCandidates": [_token(one) for one in tokens]}
    if any(one.top for one in tokens):
        found["topCandidates"] = [
            {"candidates": [_token(other) for other in one.top]} if one.top else {} for one in tokens
        ]
    return found


def fits(kept: Opaque, tokens: tuple[TokenProbability, ...]) -> bool:
    """Whether the verbatim result still tells these tokens and no others."""
    try:
        return logprobs_in(kept.raw)[0] == tokens
    except msgspec.ValidationError:
        return False


def _token(one: TokenProbability) -> dict[str, Any]:
    return {"token": one.token, "logProbability": one.logprob}
