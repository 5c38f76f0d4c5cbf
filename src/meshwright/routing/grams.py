"""What the task classifier sees of a question: its words, their neighbours, short runs of letters, and its shape."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from meshwright.routing.lexicon import THEMES

REACH = 2_000
"""Characters looked at from each end; what lies between them costs nothing."""
EDGE = 14
"""Words at the beginning and at the end, where an instruction stands when text comes with it."""
NEAR = 100
"""Words from each end whose pairs are looked at."""
RUN = 4
"""Letters in a run."""
ORDER = 200
"""Characters that an instruction has at most."""
WORTH = (1.6, 1.5, 1.0, 1.0, 1.5)
"""How much each set counts; found by cross-validation."""

_DIGITS = re.compile(r"\d+")
_BREAK = re.compile(r"[:\n](?=\s|$)|\n")
_TOKENS = re.compile(r"\w+|[^\w\s]")
_SIGNS = ("+", "*", "/", "^", "=", "√", "∫")
_CODE = ("```", "def ", "();", "){", ") {", "=>", "import ", "</", "    ", "SELECT ", "#include", "Error:", "::")


def grams(question: str, characters: int, attachments: Sequence[str], computable: float) -> tuple[set[str], ...]:
    """Five sets: shape and themes; the instruction; the edges; all words; runs of letters.

    Digits are all the same here: a number's value says nothing of the task. `characters` is the whole request's length.
    """
    text = question if len(question) <= 2 * REACH else f"{question[:REACH]}\n{question[-REACH:]}"
    lowered, numbers = _DIGITS.subn("0", text.lower())
    words = _TOKENS.findall(lowered)
    told = _instruction(lowered)
    shape = _shape(text, words, numbers)
    shape |= _themes("", words[:NEAR]) | _themes("told ", told)
    shape.update(f"with {kind}" for kind in attachments)
    shape.add(f"computable {int(computable * 4)}")
    if characters - len(question) > REACH:
        shape.add("much beside")
    return shape, _marked("!", told), _edges(words), _pairs(words), _runs(lowered)


def _instruction(lowered: str) -> list[str]:
    """What is asked, where text comes with it: the words before a colon or a break, and a short last paragraph."""
    lead = _BREAK.split(lowered[:ORDER], maxsplit=1)[0]
    words = _TOKENS.findall(lead)[:EDGE]
    last = lowered[-ORDER:].rstrip().rpartition("\n")[2] if "\n" in lowered else ""
    if last and len(last) < ORDER:
        words += _TOKENS.findall(last)[-EDGE:]
    return words


def _themes(mark: str, words: list[str]) -> set[str]:
    """Which themes of the lexicon are touched, and which more than once."""
    found: dict[str, int] = {}
    for themes in filter(None, map(THEMES.get, words)):
        for theme in themes:
            found[theme] = found.get(theme, 0) + 1
    counted = {f"{mark}theme {theme} {min(count, 3)}" for theme, count in found.items()}
    return counted | {f"{mark}theme {theme}" for theme in found}


def _shape(text: str, words: list[str], numbers: int) -> set[str]:
    """Coarse measures, each in a few steps."""
    signs = sum(map(text.count, _SIGNS))
    return {
        f"length {len(text).bit_length()}",
        f"words {min(len(words), 9)}",
        f"lines {min(text.count(chr(10)).bit_length(), 4)}",
        f"numbers {min(8 * numbers // (len(words) + 1), 4)}",
        f"signs {min(signs, 3)}" if signs * 40 > len(text) else "signs few",
        f"code {min(sum(mark in text for mark in _CODE), 3)}",
        "foreign 0" if text.isascii() else f"foreign {min(_surplus(text) * 8 // len(text), 8) + 1}",
        "asks" if "?" in text[-3:] else "asks inside" if "?" in text else "asks not",
    }


def _edges(words: list[str]) -> set[str]:
    """The first and the last words, marked with the end at which they stand."""
    found = _marked("^", words[:EDGE]) | _marked("$", words[-EDGE:])
    found.add("^^" + " ".join(words[:1]))
    found.add("^^" + " ".join(words[:2]))
    found.add("$$" + " ".join(words[-1:]))
    return found


def _surplus(text: str) -> int:
    """Bytes of UTF-8 beyond one for each character."""
    return len(text.encode(errors="replace")) - len(text)


def _marked(mark: str, words: list[str]) -> set[str]:
    found = {mark + word for word in words}
    found.update([f"{mark}{one} {two}" for one, two in pairwise(words)])
    return found


def _pairs(words: list[str]) -> set[str]:
    """All words, and the pairs near the ends."""
    found = set(words)
    near = words if len(words) <= 2 * NEAR else words[:NEAR] + words[-NEAR:]
    found.update([f"{one} {two}" for one, two in pairwise(near)])
    return found


def _runs(lowered: str) -> set[str]:
    """Runs of letters at both ends: they know word stems, and languages that put no spaces."""
    head, tail = f" {lowered[:100]} ", f" {lowered[-60:]} " if len(lowered) > 100 else ""
    found = {"~" + head[at : at + RUN] for at in range(len(head) - RUN + 1)}
    found.update(["~" + tail[at : at + RUN] for at in range(len(tail) - RUN + 1)])
    return found
