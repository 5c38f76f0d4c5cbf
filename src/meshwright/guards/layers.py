"""What is packed inside a text: base64, percent signs. Each as it reads when it is unpacked, with its place."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote

from meshwright.guards.fold import fold

_BASE64 = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/_-]{20,}={0,2}")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}[^\s%]{0,200}){1,60}")
_BEFORE = re.compile(r"[^\s%]{1,64}\Z")
_URLSAFE = str.maketrans("-_", "+/")
READABLE = 0.9
"""The share of letters that a text must have whose bytes were text."""

Layer = tuple[str, int, int]


def layers(text: str) -> Iterator[Layer]:
    """(what it reads, start, end) of each packed stretch, folded."""
    for match in _BASE64.finditer(text):
        inner = _unpacked(match.group())
        if inner:
            yield fold(inner).text, *match.span()
    if "%" in text:
        for match in _PERCENT.finditer(text):
            start, end = match.span()
            before = _BEFORE.search(text, max(0, start - 64), start)
            start = before.start() if before is not None else start
            yield fold(unquote(text[start:end], errors="replace")).text, start, end


def _unpacked(packed: str) -> str:
    """The text in it, "" when there is none: words and names have base64's letters too."""
    plain = packed.rstrip("=").translate(_URLSAFE)
    if len(plain) % 4 == 1 or not any(letter.isdigit() or letter.isupper() for letter in plain):
        return ""
    try:
        raw = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        inner = raw.decode("utf-16-le" if len(raw) % 2 == 0 and raw[1::2].count(0) > len(raw) // 3 else "utf-8")
    except (binascii.Error, ValueError):
        return ""
    readable = sum(letter.isprintable() or letter in "\n\r\t" for letter in inner)
    return inner if readable >= READABLE * len(inner) else ""
