"""Putting a stand-in where something was found, and putting the thing back where its stand-in comes out again."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from meshwright.types.guard import Finding

_TOKEN = re.compile(r"(?:<|\\u003[cC]|&lt;)\s?([A-Za-z]{2,20}(?:_[A-Za-z]{2,20}){0,2}_\d{1,6})\s?(?:>|\\u003[eE]|&gt;)")
_BEGUN = re.compile(
    r"(?:<|\\(?:u(?:0(?:0(?:3[cC]?)?)?)?)?|&(?:l(?:t;?)?)?)[\s\w]{0,48}(?:\\(?:u(?:0(?:0(?:3)?)?)?)?|&(?:g(?:t)?)?)?\Z"
)
LONGEST = 64
"""Characters of a stand-in, however it is written."""


def masked(text: str, found: Sequence[Finding]) -> str:
    """The text with what was found gone for good: `[email]` in its place."""
    return _put(text, found, [f"[{one.kind}]" for one in found])


def _put(text: str, found: Sequence[Finding], words: Sequence[str]) -> str:
    pieces, at = list[str](), 0
    for one, word in zip(found, words, strict=True):
        pieces += (text[at : one.start], word)
        at = one.end
    return "".join((*pieces, text[at:]))


class Masks:
    """The stand-ins of one request: the same thing has the same one, numbered in order of appearance.

    A conversation that goes on has the same stand-ins in it again, so that a provider's prompt cache knows it.
    """

    def __init__(self) -> None:
        self._things: dict[str, str] = {}
        self._words: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._taken: set[str] = set()
        self.put_back = 0

    def __len__(self) -> int:
        return len(self._things)

    def avoid(self, text: str) -> None:
        """Whatever looks like a stand-in there already is not used as one."""
        if "<" in text:
            self._taken.update(match[1].upper() for match in _TOKEN.finditer(text))

    def hide(self, text: str, found: Sequence[Finding]) -> str:
        """The text with a stand-in for each thing that was found."""
        return _put(text, found, [self.word(one.kind, text[one.start : one.end]) for one in found])

    def word(self, kind: str, thing: str) -> str:
        """The stand-in of a thing."""
        known = self._words.get((kind, thing))
        if known is not None:
            return known
        number = self._counts.get(kind, 0) + 1
        while f"{kind.upper()}_{number}" in self._taken:
            number += 1
        self._counts[kind] = number
        name = f"{kind.upper()}_{number}"
        self._things[name] = thing
        self._words[kind, thing] = word = f"<{name}>"
        return word

    def show(self, text: str, json: bool = False) -> str:
        """The text with the things in place of their stand-ins; `json`: inside a JSON string."""
        if not self._things or ("<" not in text and "\\u003" not in text and "&lt;" not in text):
            return text

        def thing(match: re.Match[str]) -> str:
            found = self._things.get(match[1].upper())
            if found is None:
                return match.group()
            self.put_back += 1
            return msgspec.json.encode(found)[1:-1].decode() if json else found

        return _TOKEN.sub(thing, text)

    def begun(self, text: str) -> int:
        """Where a stand-in begins that may go on behind the text's end; its length when there is none."""
        match = _BEGUN.search(text, max(0, len(text) - LONGEST))
        return match.start() if match is not None else len(text)
