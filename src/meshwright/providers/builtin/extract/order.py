"""Puts documents in the order in which they answer a question: likeness of meaning and BM25, added up.

BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), section 3.2, its
sum divided by the most that the question could reach, so that both halves lie between 0 and 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from meshwright.providers.builtin.extract.rank import Ranker, Scores, content_words, rarity, stem

K1, B = 1.2, 0.75
"""The usual values: how soon a repeated word counts no more, and how much a long document is held to account."""
ALIKE = 0.35
"""The weight of the likeness of meaning. Recall among the first five, of 100 questions over 1,890 passages (MuSiQue)
and of 48 requests over 698 long documents (tau2-bench's bank): likeness alone 0.49 and 0.14, BM25 alone 0.50 and 0.12,
both 0.54 and 0.16."""
PASSAGE = 120
"""Words of a passage. A document is as like the question as its likest passage: the mean of a long text is like
nothing."""


def order(ranker: Ranker, query: str, texts: Sequence[str]) -> Scores:
    """A score from 0 to 1 for each text."""
    scores: Scores = ALIKE * _alike(ranker, query, texts) + (1 - ALIKE) * _bm25(query, texts)
    return np.clip(scores, 0, 1)


def _alike(ranker: Ranker, query: str, texts: Sequence[str]) -> Scores:
    passages, owners = [], []
    for at, text in enumerate(texts):
        for passage in _passages(text):
            passages.append(passage)
            owners.append(at)
    best: Scores = np.zeros(len(texts))
    if passages:
        vectors = ranker.embed([query, *passages])
        likeness = (vectors[1:] @ vectors[0]).astype(np.float64)
        np.maximum.at(best, np.array(owners), likeness)
    return best


def _passages(text: str) -> list[str]:
    said = text.split()
    return [" ".join(said[at : at + PASSAGE]) for at in range(0, len(said), PASSAGE)]


def _bm25(query: str, texts: Sequence[str]) -> Scores:
    asked = {stem(word) for word in content_words(query)}
    held = [Counter(stem(word) for word in content_words(text)) for text in texts]
    lengths = np.array([one.total() for one in held], dtype=np.float64)
    usual = lengths.mean() or 1.0
    scores: Scores = np.zeros(len(texts))
    most = 0.0
    for word in sorted(asked):
        times = np.array([one[word] for one in held], dtype=np.float64)
        weight = rarity(int((times > 0).sum()), len(texts))
        most += weight * (K1 + 1)
        scores += weight * times * (K1 + 1) / (times + K1 * (1 - B + B * lengths / usual))
    return scores / most if most else scores
