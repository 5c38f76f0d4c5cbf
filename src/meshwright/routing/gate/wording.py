"""Signs in the words of an answer: hedging, refusing, breaking off, repeating itself, and how long it is."""

from __future__ import annotations

import re
from collections import Counter
from math import log

MOST = 20_000
_HEDGE = re.compile(
    r"\b(?:i(?:'m| am) not (?:entirely |quite |completely )?(?:sure|certain)|i (?:think|guess|believe|assume)|not sure|"
    r"it depends|perhaps|maybe|possibly|might be|may be|could be|approximately|roughly|assum(?:e|es|ed|ing)|presumably|"
    r"unclear|not (?:specified|given|stated|clear|enough)|without (?:more|knowing|specific)|hard to say|"
    r"if we (?:suppose|assume))\b|\?\s*$",
    re.IGNORECASE,
)
_REFUSE = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable|not able)|i (?:cannot|can't|can not|won't|will not|do not have|don't have)|"
    r"as an ai|i must decline|(?:cannot|can't|impossible to|not possible to|unable to) "
    r"(?:be )?(?:answer|determine|provide|give|help|assist|calculate|say|know))",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"\b(?:wait|actually|oops|correction|however|but|mistake|let me (?:re|try)|on second thought|doesn't make sense|"
    r"that is not|contradict\w*|instead)\b",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.!?:;)\]}\"'`”’»…|*>。！？]\s*$|(?:####|\\boxed)[^\n]*\s*$|\d\s*[%€$£]?\s*$")
_SENTENCE = re.compile(r"[^.!?\n]+")


def wording(question: str, answer: str, finish: str | None) -> dict[str, float]:
    """Signs by name. `finish` is how the model said that it ended (types.response.Finish)."""
    text = answer[:MOST]
    words = len(text.split())
    sentences = [sentence.strip().lower() for sentence in _SENTENCE.findall(text) if len(sentence.strip()) > 20]
    again = sum(count - 1 for count in Counter(sentences).values())
    asked = len(question[:MOST].split())
    return {
        "empty": float(not text.strip()),
        "cut": float(finish in ("length", "context") or (words > 3 and _ENDS.search(text) is None)),
        "open": float(text.count("```") % 2 == 1 or text.count("<<") > text.count(">>")),
        "hedges": min(3.0, len(_HEDGE.findall(text))),
        "refuses": float(finish in ("refusal", "content_filter") or _REFUSE.search(text) is not None),
        "turns": min(4.0, len(_TURN.findall(text))),
        "repeats": min(3.0, float(again)),
        "length": log(1 + words),
        "length_ratio": max(-2.0, min(2.0, log((1 + words) / (1 + asked)))),
        "asked_length": log(1 + asked),
    }
