"""topics: phrases of the configuration, as whole words, whichever way their letters are dressed up."""

from __future__ import annotations

import re
from functools import lru_cache

from meshwright.guards.fold import fold
from meshwright.guards.guard import Guard, Options
from meshwright.types.guard import Finding

LONGEST = 200
"""Characters of a phrase."""
_GAP = r"[\W_]{1,4}"


def look(text: str, options: Options) -> list[Finding]:
    """Every place where one of the phrases stands as whole words. `*` at a word's end is any ending."""
    if not options.phrases:
        return []
    return [Finding("phrase", *match.span()) for match in _pattern(options.phrases).finditer(text)]


@lru_cache(maxsize=256)
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(_phrase, longest_first))})(?!\w)", re.IGNORECASE)


def _phrase(phrase: str) -> str:
    words = [word for word in re.split(r"[^\w*]+|_", fold(phrase).text) if word.strip("*")]
    return _GAP.join(re.escape(word.rstrip("*")) + (r"\w{0,20}" if word.endswith("*") else "") for word in words)


GUARD = Guard(
    look=look,
    summary="Phrases that you list, as whole words.",
    kinds={"phrase": "one of the rule's phrases"},
    action="block",
    places=("user", "answer"),
    reach=LONGEST + 40,
    phrases=True,
)
