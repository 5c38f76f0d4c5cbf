"""Which task a request is: a probability for each, likeliest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def classify(question: str, characters: int, attachments: Sequence[str], computable: float) -> Mapping[str, float]:
    """Placeholder until the trained classifier lands."""
    if computable > 0.5:
        return {"compute": 0.9, "maths": 0.1}
    if "file" in attachments or characters > 3 * len(question) + 400:
        return {"extract": 0.7, "knowledge": 0.3}
    return {"knowledge": 0.6, "chat": 0.4}
