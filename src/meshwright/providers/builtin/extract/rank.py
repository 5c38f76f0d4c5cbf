"""Finds the sentences that answer a question: likeness of meaning and shared words, weighed together."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import wordllama

from meshwright.providers.builtin.extract.sentences import Sentence, sentences
from meshwright.providers.builtin.frames import Document, Quote
from meshwright.types.errors import Declined, TooLarge

Vector = npt.NDArray[np.float32]

MAX_SENTENCES = 20_000
MAX_QUOTES = 3
ENOUGH = 0.33
"""The score from which a sentence counts as an answer; chosen on 51 questions, 21 of them without an answer."""

NEAR = 0.93
"""A further sentence is quoted when its score is at least this share of the best."""

_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*", re.UNICODE)
_STOP_TEXT = (
    "a an and any are as at be been but by can could did do does for from had has have he her his how i if in "
    "into is it its me my no not of on one or our out over shall she should so some such than that the their them "
    "then there these they this those to under up us was we were what when where which who whom whose why will "
    "with would you your about tell please according document documents text context article passage given say "
    "says said mention mentioned answer question much many long often"
)
_STOP = frozenset(_STOP_TEXT.split())
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand|once|twice|half)\b",
    re.IGNORECASE,
)
_WHEN = re.compile(
    r"\b(?:1[5-9]|20)\d\d\b|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|monday|"
    r"tuesday|wednesday|thursday|friday|saturday|sunday|noon|midnight|century|day|days|week|weeks|month|months|year|years|hour|"
    r"hours|minutes|morning|evening|afternoon)\b|\d(?::\d\d)? ?[ap]\.?m",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+|\b[A-Z][a-z]+ (?:[A-Z]\. ?)?[A-Z][a-z]+")


class Ranker:
    """The embedding model, loaded once: 256 numbers for a text, from a table inside the package `wordllama`."""

    def __init__(self) -> None:
        folder = Path(wordllama.__file__).parent
        self._model: Any = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)

    def embed(self, texts: Sequence[str]) -> Vector:
        """One row of length 1 for each text."""
        found: Vector = self._model.embed(list(texts), norm=True)
        return np.nan_to_num(found)

    def best(self, question: str, documents: Sequence[Document]) -> tuple[tuple[Quote, ...], int]:
        """Up to three quotes, best first, and how many sentences were searched; no quotes when none is good enough.

        Raises Declined when the documents hold no sentence, TooLarge over MAX_SENTENCES.
        """
        found = [
            (at, each) for at, document in enumerate(documents) for each in sentences(document.text, document.spans)
        ]
        if not found:
            raise Declined("The supplied context has no text to search.")
        if len(found) > MAX_SENTENCES:
            raise TooLarge(f"The context has {len(found)} sentences; builtin/extract searches up to {MAX_SENTENCES}.")
        texts = [documents[at].text[each.start : each.end] for at, each in found]
        scores = self._scores(question, texts, found, [document.title for document in documents])
        order = np.argsort(-scores, kind="stable")
        top = float(scores[order[0]])
        if top < ENOUGH:
            return (), len(found)
        kept: list[int] = []
        for place in order[: 4 * MAX_QUOTES]:
            fresh = all(texts[place] != texts[other] for other in kept)
            if fresh and scores[place] >= max(ENOUGH, NEAR * top) and len(kept) < MAX_QUOTES:
                kept.append(int(place))
        return tuple(_quote(found[place], texts[place], float(scores[place])) for place in kept), len(found)

    def _scores(
        self, question: str, texts: Sequence[str], found: Sequence[tuple[int, Sentence]], titles: Sequence[str]
    ) -> npt.NDArray[np.float64]:
        asked = Counter(_stems(question))
        places = [_stems(f"{each.heading} {titles[at]}") for at, each in found]
        shared = _overlap(asked, [_stems(text) for text in texts], places)
        vectors = self.embed([question, *texts])
        alike = (vectors[1:] @ vectors[0]).astype(np.float64)
        fits = np.array([_fits(question, text) for text in texts])
        scores: npt.NDArray[np.float64] = 0.45 * np.clip(alike, 0, 1) + 0.55 * shared + fits
        return scores


def _quote(found: tuple[int, Sentence], text: str, score: float) -> Quote:
    at, sentence = found
    return Quote(at, sentence.number, sentence.start, sentence.end, text, round(score, 4))


def _stems(text: str) -> list[str]:
    """Lower-case words without the commonest endings, without the words that every question has."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP]


def _stem(word: str) -> str:
    for ending in (
        "ational",
        "ments",
        "ation",
        "ment",
        "ings",
        "ing",
        "ies",
        "ied",
        "ers",
        "est",
        "ed",
        "er",
        "es",
        "ly",
        "s",
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _overlap(asked: Counter[str], texts: Sequence[list[str]], places: Sequence[list[str]]) -> npt.NDArray[np.float64]:
    """The share of the question's words that a sentence has, 0..1, rare words counting more (as in BM25).

    A word of the heading or the title above the sentence counts half.
    """
    total = len(texts)
    holding = Counter(word for words in texts for word in set(words))
    weight = {word: math.log(1 + (total - holding[word] + 0.5) / (holding[word] + 0.5)) for word in asked}
    whole = sum(weight.values()) or 1.0
    mean = sum(map(len, texts)) / total or 1.0
    scores = []
    for words, place in zip(texts, places, strict=True):
        counts, above = Counter(words), set(place)
        score = 0.0
        for word in asked:
            if word in counts:
                score += weight[word] * min(1.0, 2.2 / (1 + 1.2 * (0.7 + 0.3 * len(words) / mean)))
            elif word in above:
                score += 0.5 * weight[word]
        scores.append(score / whole)
    shares: npt.NDArray[np.float64] = np.clip(np.array(scores), 0, 1)
    return shares


def _fits(question: str, text: str) -> float:
    """A little more for a sentence that has the kind of thing that is asked for: a number, a time, a name."""
    lower = question.lower()
    if re.search(r"\bwhen\b|what (?:year|date|day|time)|how long|how often", lower):
        return 0.08 if _WHEN.search(text) else -0.05
    if re.search(
        r"how (?:many|much|old|tall|far|fast|high|large|big|heavy|deep)"
        r"|what (?:percentage|number|price|cost|is the (?:price|cost))",
        lower,
    ):
        return 0.08 if _NUMBER.search(text) else -0.05
    if re.search(r"\bwho\b|\bwhose\b", lower):
        return 0.05 if _NAME.search(text) else -0.03
    return 0.0
