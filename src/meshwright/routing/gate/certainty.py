"""Signs of the model's own certainty: the probabilities of its tokens, and how far its samples agree."""

from __future__ import annotations

from math import exp

from meshwright.routing.joining import conclusion
from meshwright.types.response import Response

UNLIKELY = -2.3
"""The logarithm of a tenth: a token less likely than that was a guess."""


def certainty(response: Response) -> dict[str, float]:
    """Signs by name: none when the provider sent neither logprobs nor more than one choice.

    `token_probability` is the geometric mean over the answer (Malinin and Gales, https://arxiv.org/abs/2002.07650).
    """
    signs: dict[str, float] = {}
    tokens = response.choices[0].logprobs if response.choices else None
    if tokens:
        signs["token_probability"] = exp(sum(max(-50.0, token.logprob) for token in tokens) / len(tokens))
        signs["guessed_tokens"] = sum(token.logprob < UNLIKELY for token in tokens) / len(tokens)
    if len(response.choices) > 1:
        ends = [conclusion(Response(choices=(choice,))) for choice in response.choices]
        if all(ends):
            signs["agreement"] = ends.count(ends[0]) / len(ends)
    return signs
