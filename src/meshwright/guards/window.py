"""A text that comes in pieces, gone over before it leaves: as little is held back as the longest pattern needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from meshwright.guards.examine import look
from meshwright.guards.masks import Masks, masked
from meshwright.guards.rule import Rule
from meshwright.types.guard import Finding

BEHIND = 64
"""Characters that have left already and are read again, for the words before a number."""
MOST_HELD = 20_000
"""Characters that are held back at the most while a finding goes on (a private key)."""
MUCH = 2_000
LONGEST_HEAD = 80
"""Characters of the head of a pattern of many words."""
_LAST_WORD = re.compile(r"\S+\s*\Z")


class Window:
    """One text on its way. `told` hears of each finding, once it is complete; it may raise.

    `found` is called with the rule and None when the rule's guard failed.
    """

    def __init__(
        self, rules: Sequence[Rule], masks: Masks, told: Callable[[Rule, Sequence[Finding] | None], None]
    ) -> None:
        self._rules = rules
        self._masks = masks
        self._told = told
        self._words = max((_words(rule) for rule in rules), default=0)
        self._reach = max((rule.guard.reach for rule in rules), default=0)
        self._behind = ""
        self._held = ""
        self._look_at = 0

    def feed(self, text: str) -> str:
        """What may leave, after this piece."""
        self._held += text
        if len(self._held) < self._look_at:
            return ""
        made = self._leave(self._cut())
        # What is held for long (a private key) is not looked at anew for each letter that comes.
        size = len(self._held)
        self._look_at = size + size // 10 if size > MUCH else 0
        return made

    def end(self) -> str:
        """All that is left."""
        return self._leave(len(self._held))

    def _cut(self) -> int:
        """How much of what is held may leave, as far as words tell."""
        held = self._held
        cut = min(self._masks.begun(held), self._before_words())
        for rule in self._rules:
            for sign in rule.guard.opens:
                if (at := held.rfind(sign, max(0, len(held) - LONGEST_HEAD))) >= 0:
                    cut = min(cut, at)
            for one in look(rule, held, self._behind) or ():
                if one.start < cut < one.end and len(held) - one.start < MOST_HELD:
                    cut = one.start
        return cut

    def _before_words(self) -> int:
        """The place before the last words, and before numbers whose groups may go on."""
        if not self._words:
            return len(self._held)
        held, at, words = self._held, len(self._held), 0
        least = max(0, at - self._reach)
        while at > least:
            match = _LAST_WORD.search(held, max(least, at - 65), at)
            if match is None:
                at = least if not held[least:at].strip() else at
                break
            words += 1
            number = any(letter.isdigit() for letter in match.group()) or len(match.group().strip()) < 5
            if words > self._words and not number:
                break
            at = match.start()
        return max(at, least)

    def _leave(self, cut: int) -> str:
        text, self._held = self._held[:cut], self._held[cut:]
        if not text:
            return ""
        seen = text
        for rule in self._rules:
            found = look(rule, text, self._behind)
            if found is None:
                self._told(rule, None)
            elif found:
                self._told(rule, found)
                if rule.action == "mask":
                    text = masked(text, found)
        self._behind = (self._behind + seen)[-BEHIND:]
        return self._masks.show(text)


def _words(rule: Rule) -> int:
    """How many words of its end a text's beginning of a finding may have."""
    return max((len(phrase.split()) for phrase in rule.options.phrases), default=3) if rule.guard.phrases else 3
