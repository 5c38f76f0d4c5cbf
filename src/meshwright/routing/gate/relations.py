"""Signs in a question that make it hard to reckon with: comparisons, multiples, ratios, ages."""

from __future__ import annotations

import re

MOST = 20_000
_COMPARED = re.compile(r"\bthan\b|\bas (?:many|much|old|long|tall|far|fast|heavy)\b", re.IGNORECASE)
_MORE = re.compile(r"\b(?:more|less|fewer)\b", re.IGNORECASE)
_MULTIPLE = re.compile(r"\b(?:half|halves|twice|doubled?|thrice|tripled?|thirds?|quarters?|times)\b", re.IGNORECASE)
_RATIO = re.compile(r"\bratio\b|\bproportion\w*\b|\bfor every\b", re.IGNORECASE)
_AGE = re.compile(r"\byears? (?:old|older|younger|ago)\b|\bages?\b|\bhow old\b", re.IGNORECASE)
_FIRST = re.compile(r"\b(?:originally|initial\w*|start(?:s|ed)?|begin\w*|began|at first|before)\b", re.IGNORECASE)


def relations(question: str) -> dict[str, float]:
    """Signs by name. What is asked backwards, or in terms of something else, goes wrong more often."""
    text = question[:MOST]
    return {
        "compares": min(3.0, len(_COMPARED.findall(text))),
        "more_or_less": min(3.0, len(_MORE.findall(text))),
        "multiples": min(3.0, len(_MULTIPLE.findall(text))),
        "ratio": float(_RATIO.search(text) is not None),
        "ages": float(_AGE.search(text) is not None),
        "asks_for_first": float(_FIRST.search(text) is not None),
    }
