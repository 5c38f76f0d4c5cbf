"""Questions that ask the same in other words: found among those whose answers are kept, if all that counts is equal."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from typing import NamedTuple

from meshwright.routing.likeness import meant

MOST_SCOPES = 1_000
MOST_QUESTIONS = 128
"""Questions of one scope; the oldest make room. Each is compared with, in about 20 µs."""
LONGEST = 1_000
"""Characters of a question that is compared; longer ones must be equal."""
_WORD = re.compile(r"\w+(?:[.,:/'’-]\w+)*|[%€$£<>=+*/]")
# Words that say how something is asked, and not what.
_EMPTY_WORDS = (
    "a an and are as at be been being but by can could did do does for had has have how i if in is it its me my "
    "of on or our please so than that the their them then there they this to us was we were will with would you "
    "your am about any some may might shall should i'm it's what's explain tell give name describe know want need "
    "like way possible able question help get find show mean means meaning let whether also just really exactly"
)
# Small words that turn a question into another one although nearly all else is the same.
_TURNING_WORDS = (
    "not no never none without except unless neither nor cannot can't don't doesn't isn't aren't won't wasn't "
    "before after more less most least up down in out on off over under from to into with who whom whose when "
    "where why which than or and between should may"
)
_EMPTY, _TURNING = frozenset(_EMPTY_WORDS.split()), frozenset(_TURNING_WORDS.split())
_ORDERED = frozenset(["from", "to", "into", "than", "before", "after"])
"""With one of these, who comes first matters."""
_ENDINGS = ("'s", "ings", "ing", "ies", "es", "ed", "s")


class Asked(NamedTuple):
    """A question whose answer is kept."""

    text: str
    facts: tuple[str, ...]
    key: bytes


def facts(text: str) -> tuple[str, ...]:
    """What must be equal: numbers, signs and words that turn a question round, in order; and every word of content.

    Likeness alone cannot tell "iron" from "zinc": two questions ask the same only if they are about the same words,
    whatever their endings.
    """
    turning, content = list[str](), list[str]()
    for match in _WORD.finditer(text.lower().replace("’", "'")):
        word = match.group()
        if word in _TURNING or not word[0].isalpha():
            turning.append(word)
        if word not in _EMPTY and word not in _TURNING:
            content.append(_stem(word))
    if not _ORDERED.intersection(turning):
        content = sorted(set(content))
    return (*turning, "|", *content)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] in "ey" else word


class Alike:
    """One worker's questions, by their scope: everything else of the request, and whose cache it is."""

    def __init__(self) -> None:
        self._scopes: OrderedDict[bytes, deque[Asked]] = OrderedDict()

    def add(self, scope: bytes, text: str, key: bytes) -> None:
        """Remember a question."""
        if not 0 < len(text) <= LONGEST:
            return
        there = self._scopes.setdefault(scope, deque(maxlen=MOST_QUESTIONS))
        self._scopes.move_to_end(scope)
        there.append(Asked(text, facts(text), key))
        if len(self._scopes) > MOST_SCOPES:
            self._scopes.popitem(last=False)

    def nearest(self, scope: bytes, text: str, least: float) -> bytes | None:
        """The key of the question that is most alike, and alike enough."""
        there = self._scopes.get(scope)
        if there is None or not 0 < len(text) <= LONGEST:
            return None
        own = facts(text)
        near = [(meant(text, (one.text,)), one.key) for one in there if one.facts == own]
        best = max(near, default=(0.0, b""))
        return best[1] if best[0] >= least else None
