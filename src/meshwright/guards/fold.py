"""Seeing through tricks of Unicode: letters that look alike, digits of other scripts, and letters that nobody sees."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right

import msgspec

GONE = "\0"
"""Stands for a letter that is not seen, until it is taken out."""
MOST_KNOWN = 20_000
FEW = 24
"""So many different letters beyond ASCII are quicker replaced one by one."""
# Letters of other scripts that look like a Latin one (from Unicode's confusables.txt, UTS 39; the lower-case and
# upper-case ones that fonts do not tell apart).
_LOOKS = {
    **dict(zip("аеорсухіјѕһԁԛԝѵгпвкмнт", "aeopcyxijshdqwvrnbkmht", strict=True)),
    **dict(zip("АВЕКМНОРСТУХІЈЅԌԚԜѴЗ", "ABEKMHOPCTYXIJSGQWV3", strict=True)),
    **dict(zip("οαινκρτυχγβεηωςμδ", "oaivkptuxybenwcud", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    **dict(zip("ıɑɡɩʏᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꞏ", "iagiyacdejkmoptuvwz.", strict=True)),
    **dict(zip("‐‑‒–—―−⁃﹣", "---------", strict=True)),
    **dict(zip("‘’‚‛′“”„‟″", "'''''\"\"\"\"\"", strict=True)),
    **dict(zip("․。｡٫∙·•", ".......", strict=True)),
    "∶": ":",
    "⁄": "/",
    "∕": "/",
}
_TAGS = range(0xE0020, 0xE007F)
"""Letters that no font shows and that stand for ASCII: whole sentences are hidden in them."""
_UNSEEN = frozenset({"Cf", "Mn", "Me"})


def _letter(code: int) -> str:
    letter = chr(code)
    if code < 128:
        return letter
    if letter in _LOOKS:
        return _LOOKS[letter]
    if code in _TAGS:
        return chr(code - 0xE0000)
    kind = unicodedata.category(letter)
    if kind in _UNSEEN or letter in "\u115f\u1160\u3164\uffa0\u2800":
        return GONE
    if kind == "Zs":
        return " "
    digit = unicodedata.digit(letter, None)
    if digit is not None:
        return str(digit)
    plain = "".join(one for one in unicodedata.normalize("NFKD", letter) if unicodedata.category(one) != "Mn")
    if len(plain) != 1:
        return letter
    return _LOOKS.get(plain, plain)


class _Letters(dict[int, str]):
    """What each letter is seen as; filled as letters come, up to a bound."""

    def __missing__(self, code: int) -> str:
        seen = _letter(code)
        if len(self) < MOST_KNOWN:
            self[code] = seen
        return seen


_letters = _Letters()


class Folded(msgspec.Struct, frozen=True):
    """A text as it is seen. `starts` and `moved` lead back: None when each letter stands where it stood."""

    text: str
    starts: list[int] | None = None
    moved: list[int] | None = None

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The same stretch of the original."""
        if self.starts is None or self.moved is None or end <= start:
            return start, end
        first = self.moved[bisect_right(self.starts, start) - 1] + start
        return first, self.moved[bisect_right(self.starts, end - 1) - 1] + end


def _as_seen(text: str) -> str:
    others = {letter for letter in set(text) if letter > "\x7f"}
    if len(others) > FEW:
        return text.translate(_letters)
    for letter in others:
        text = text.replace(letter, _letters[ord(letter)])
    return text


def fold(text: str) -> Folded:
    """The text with look-alikes as the letters that they look like, and without what nobody sees."""
    if text.isascii() and GONE not in text:
        return Folded(text)
    seen = _as_seen(text)
    if GONE not in seen:
        return Folded(seen)
    pieces, starts, moved = seen.split(GONE), list[int](), list[int]()
    at = 0
    for gone, piece in enumerate(pieces):
        if piece:
            starts.append(at)
            moved.append(gone)
            at += len(piece)
    return Folded("".join(pieces), starts or [0], moved or [0])
