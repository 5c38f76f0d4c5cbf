"""Finds the sentences that answer a question: likeness of meaning and shared words, weighed together."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import wordllama

from meshwright.providers.builtin.extract.sentences import Sentence, sentences
from meshwright.providers.builtin.frames import Document, Quote
from meshwright.types.errors import Declined, TooLarge

Vector = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]

MAX_SENTENCES = 20_000
MAX_QUOTES = 3
ENOUGH = 0.36
"""The score from which a sentence is quoted; chosen on 61 questions about five texts, 24 of them without an answer."""

NEAR = 0.93
"""A further sentence is quoted when its score is at least this share of the best."""

ALIKE = 0.4
"""The weight of the likeness of the whole sentence; the words that are shared have the rest."""

UNLIKE = 0.45
"""The likeness under which two words have nothing to do with each other."""

FROM_PLACE = 0.5
FROM_BEFORE = 0.7
_ENDINGS = ("ational", "ments", "ation", "ment", "ings", "ing", "ies", "ied", "ers", "est", "ed", "er", "es", "ly", "s")
_POINTS_BACK = re.compile(r"\W*(?:it|its|they|their|he|his|she|her|this|these|those|there)\b", re.IGNORECASE)
_MEASURE = re.compile(
    r"\d[\d.,]*[ -]?(?:m|cm|mm|km|metres?|meters?|kilomet\w+|feet|foot|ft|inch\w*|miles?|kg|g|grams?|kilograms?|"
    r"pounds?|tons?|tonnes?|lit\w+|gallons?|hectares?|acres?|years?|km/h|mph|knots)\b",
    re.IGNORECASE,
)
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
    ) -> Scores:
        vectors = self.embed([question, *texts])
        alike = np.clip((vectors[1:] @ vectors[0]).astype(np.float64), 0, 1)
        shared = self._shared(question, texts, [f"{each.heading} {titles[at]}" for at, each in found])
        fits = np.array([_fits(question, text) for text in texts])
        scores: Scores = ALIKE * alike + (1 - ALIKE) * shared + fits
        return scores

    def _shared(self, question: str, texts: Sequence[str], places: Sequence[str]) -> Scores:
        """How much of what the question names a sentence names too, 0..1; rare words weigh more (as in BM25).

        A word of like meaning counts by its likeness. What stands in the heading, the title or, for a sentence that
        begins with "it" and its like, in the sentence before, counts a part.
        """
        asked = list(dict.fromkeys(content_words(question)))
        said = [content_words(text) for text in texts]
        if not asked:
            return np.zeros(len(texts))
        likeness = self._likeness(asked, said, places)
        holding = Counter(stem(word) for words in said for word in {*words})
        weights = np.array([rarity(holding[stem(word)], len(texts)) for word in asked])
        rows = []
        for at, words in enumerate(said):
            row_ = likeness(words)
            row_ = np.maximum(row_, FROM_PLACE * likeness(content_words(places[at])))
            if at and _POINTS_BACK.match(texts[at]):
                row_ = np.maximum(row_, FROM_BEFORE * likeness(said[at - 1]))
            rows.append(row_ @ weights)
        shares: Scores = np.array(rows) / weights.sum()
        return shares

    def _likeness(
        self, asked: Sequence[str], said: Sequence[Sequence[str]], places: Sequence[str]
    ) -> Callable[[Sequence[str]], Scores]:
        """For each word of the question the likeness, 0..1, of the likest among some words; the same stem is 1."""
        vocabulary = sorted(
            {word for words in said for word in words} | {word for each in places for word in content_words(each)}
        )
        index = {word: at for at, word in enumerate(vocabulary)}
        if not vocabulary:
            return lambda words: np.zeros(len(asked))
        vectors = self.embed([*asked, *vocabulary])
        table: Scores = (vectors[: len(asked)] @ vectors[len(asked) :].T).astype(np.float64)
        table = np.where(table < UNLIKE, 0.0, table * 0.9)
        stems = np.array([stem(word) for word in vocabulary])
        for at, word in enumerate(asked):
            table[at, stems == stem(word)] = 1.0

        def likest(words: Sequence[str]) -> Scores:
            if not words:
                return np.zeros(len(asked))
            best: Scores = table[:, [index[word] for word in words]].max(axis=1)
            return best

        return likest


def _quote(found: tuple[int, Sentence], text: str, score: float) -> Quote:
    at, sentence = found
    return Quote(at, sentence.number, sentence.start, sentence.end, text, round(score, 4))


def content_words(text: str) -> list[str]:
    """Lower-case words, without those that every question has."""
    return [word for word in _WORD.findall(text.lower()) if word not in _STOP]


def stem(word: str) -> str:
    """The word without the commonest endings."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def rarity(holding: int, total: int) -> float:
    """Inverse document frequency, a sentence being the document."""
    return math.log(1 + (total - holding + 0.5) / (holding + 0.5))


def _fits(question: str, text: str) -> float:
    """A little more for a sentence that has the kind of thing that is asked for: a number, a time, a name."""
    lower = question.lower()
    if re.search(r"\bwhen\b|what (?:year|date|day|time)|how long|how often", lower):
        return 0.08 if _WHEN.search(text) else -0.05
    if re.search(r"how (?:old|tall|far|fast|high|large|big|heavy|deep|wide)", lower):
        return 0.1 if _MEASURE.search(text) else -0.05
    if re.search(
        r"how (?:many|much)"
        r"|what (?:percentage|number|price|cost|is the (?:price|cost))",
        lower,
    ):
        return 0.08 if _NUMBER.search(text) else -0.05
    if re.search(r"\bwho\b|\bwhose\b", lower):
        return 0.05 if _NAME.search(text) else -0.03
    return 0.0
