"""What a broken stream had said, and whether somebody else may go on from there."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from meshwright.types.response import (
    AudioDelta,
    CitationDelta,
    Delta,
    Finished,
    OpaqueDelta,
    PartEnded,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)


class Said(msgspec.Struct, frozen=True):
    """`text` is all that was said; `part` the number of the text that is still open, None when none is.

    `parts` is how many there are of any kind. `hindrance` says why nobody may go on, "" when somebody may.
    """

    text: str = ""
    part: int | None = None
    parts: int = 0
    hindrance: str = ""


def said_in(deltas: Sequence[Delta]) -> Said:
    """What the deltas of a stream that broke off come to."""
    text: list[str] = []
    part: int | None = None
    parts = 0
    hindrance = ""
    for delta in deltas:
        if isinstance(delta, TextDelta | ReasoningDelta | ToolCallDelta | AudioDelta | CitationDelta):
            parts = max(parts, delta.part + 1)
        match delta:
            case TextDelta(choice=0, refusal=False):
                text.append(delta.text)
                part = delta.part
            case TextDelta():
                hindrance = "it refused" if delta.refusal else "it gave several answers at once"
            case ReasoningDelta():
                part = None
            case PartEnded():
                part = None if delta.part == part else part
            case ToolCallDelta():
                hindrance = "it had begun to call a tool"
            case AudioDelta():
                hindrance = "it was speaking"
            case CitationDelta():
                hindrance = "it had cited"
            case OpaqueDelta(part=place) if place is not None:
                hindrance = "it had said what only its own dialect knows"
            case Finished() if not hindrance:
                hindrance = "it had finished, though its end mark did not come"
            case _:
                pass
    return Said("".join(text), part, parts, hindrance)


CLEAR = 24
"""Characters that somebody must repeat before it counts as a repetition, if he was not asked to begin with them."""


class Joint:
    """Finds where new words go on from old ones: one who was asked to go on may begin again, or repeat the last words.

    Feed it the new text; it gives what is new in it. It keeps words back while they may be a repetition. Raises
    ValueError when a repetition goes another way than what was said.
    """

    __slots__ = ("_at", "_held", "_old", "_state", "repeated")

    def __init__(self, old: str) -> None:
        self._old = old
        self._held = ""
        self._at = 0
        self._state = "looking"
        self.repeated = 0
        """Characters that were said twice and left out."""

    def feed(self, text: str) -> str:
        """What is new of it."""
        if self._state == "on":
            return text
        self._held += text
        return self._look() if self._state == "looking" else self._skip()

    def end(self) -> str:
        """All has come: what was kept back, unless it was a repetition."""
        held, self._held = self._held, ""
        if self._state == "repeating":
            raise ValueError("it ended before it came to where the first broke off")
        self._state = "on"
        return self._without_overlap(held)

    def _look(self) -> str:
        beginning = self._held.lstrip()
        clear = min(CLEAR, len(self._old.lstrip()))
        if len(beginning) < clear:
            if self._old.lstrip().startswith(beginning) or self._overlaps(self._held):
                return ""
        elif self._old.lstrip().startswith(beginning[:clear]):
            self._state = "repeating"
            self._at = len(self._old) - len(self._old.lstrip())
            self._held = beginning
            return self._skip()
        elif len(self._held) < 2 * CLEAR and self._overlaps(self._held):
            return ""
        self._state = "on"
        held, self._held = self._held, ""
        return self._without_overlap(held)

    def _skip(self) -> str:
        rest = self._old[self._at :]
        length = min(len(rest), len(self._held))
        if rest[:length] != self._held[:length]:
            raise ValueError("it began again and went another way")
        self._at += length
        self._held = self._held[length:]
        self.repeated += length
        if self._at < len(self._old):
            return ""
        self._state = "on"
        held, self._held = self._held, ""
        return held

    def _overlaps(self, new: str) -> bool:
        """Whether the new words may still turn out to be the last of the old ones."""
        return new in self._old[-2 * CLEAR :]

    def _without_overlap(self, new: str) -> str:
        """Without the last words of the old text, if it begins with at least a few of them."""
        for length in range(min(len(new), len(self._old), 2 * CLEAR), 7, -1):
            if self._old.endswith(new[:length]):
                self.repeated += length
                return new[length:]
        return new
