"""Cuts a document into sentences that are exact slices of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

MAX_SENTENCE = 700
"""Characters; what is longer is cut at a semicolon or a space."""


class Sentence(msgspec.Struct, frozen=True):
    """`document[start:end]`, in characters; `number` counts from 1; `heading` is the one that it stands under."""

    number: int
    start: int
    end: int
    heading: str = ""


_STARTS = re.compile(r"[ \t]*(?:[-*+•‣·][ \t]+|\d{1,3}[.)][ \t]+|#{1,6}[ \t]|\||>|[A-Z][\w ()/-]{0,30}:[ \t])")
_HEADING = re.compile(r"#{1,6}[ \t]+(?P<text>.*[^\s#].*)")
_MARKER = re.compile(r"[ \t]*(?:[-*+•‣·][ \t]+|\d{1,3}[.)][ \t]+|>[ \t]*)+")
_NEXT = re.compile(r"\S")
_RULE = re.compile(r"[\s|:=*_#-]*")
_END = re.compile(r"(?<![.!?…])[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[”’」』]?")
_ABBREVIATIONS_TEXT = (
    "mr mrs ms dr prof sr jr st vs etc e.g i.e cf al fig figs eq no nos vol pp ca approx dept est inc ltd co corp "
    "gen col sgt capt lt rev hon jan feb mar apr jun jul aug sep sept oct nov dec a.m p.m u.s u.k u.n ph.d b.c "
    "a.d art sec ch"
)
_ABBREVIATIONS = frozenset(_ABBREVIATIONS_TEXT.split())
_WORD_BEFORE = re.compile(r"([A-Za-z](?:[A-Za-z]|\.(?=[A-Za-z]))*)\.[\"'”’)\]]*$")


def sentences(text: str, spans: tuple[tuple[int, int], ...] = ()) -> list[Sentence]:
    """The sentences of `text`, or of its `spans` only, in order. A heading is none, but its sentences know it."""
    found: list[Sentence] = []
    for span_start, span_end in spans or ((0, len(text)),):
        heading = ""
        for start, end in _lines(text, span_start, span_end):
            if own := heading_of(text[start:end]) if end - start <= MAX_SENTENCE else "":
                heading = own
                continue
            for first, last in _cut(text, start, end):
                found.append(Sentence(len(found) + 1, first, last, heading))
    return found


def _lines(text: str, span_start: int, span_end: int) -> Iterator[tuple[int, int]]:
    """Stretches within which a line break is only a space: paragraphs, list items, table rows, headings."""
    start = at = span_start
    before = ""
    for line in text[span_start:span_end].splitlines(keepends=True):
        # A label is the only line so far, and what follows does not go on with a small letter.
        label = start + len(before) == at and _is_label(before) and not line.lstrip()[:1].islower()
        if before and (label or not line.strip() or _STARTS.match(line) or heading_of(before)):
            yield start, _trimmed(text, start, at)
            before = ""
        if not before:
            start = at
        before = line if line.strip() else ""
        at += len(line)
    if before:
        yield start, _trimmed(text, start, at)


def heading_of(line: str) -> str:
    """The words of a Markdown heading, "" for any other line."""
    match = _HEADING.fullmatch(line.strip()) if len(line) <= MAX_SENTENCE else None
    return match["text"].strip(" \t#") if match else ""


def _is_label(line: str) -> bool:
    """A short line that ends without a full stop, such as a title or a table's cell, ends there."""
    line = line.strip()
    return 0 < len(line) < 40 and line[-1] not in ".,;-–—"


def _trimmed(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1].isspace():
        end -= 1
    return end


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    marker = _MARKER.match(text, start, end)
    if marker:
        start = marker.end()
    at = start
    for match in _END.finditer(text, start, end):
        if _ends_here(text, at, match.start(), match.end(), end):
            yield from _short(text, at, match.end())
            at = match.end()
    yield from _short(text, at, end)


def _ends_here(text: str, start: int, stop: int, after: int, end: int) -> bool:
    """Whether a full stop ends a sentence: not behind an abbreviation or an initial, nor before a small letter."""
    if text[stop] in "。！？":
        return True
    following = _NEXT.search(text, after, end)
    if following and following[0].islower():
        return False
    if text[stop] != "." or text[stop : stop + 3] == "...":
        return True
    word = _WORD_BEFORE.search(text, max(start, stop - 20), after)
    if not word or not following:
        return True
    name = word[1].lower()
    return name not in _ABBREVIATIONS and not (len(name) == 1 and word[1].isupper() and name != "i")


def _short(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretch without outer spaces, in pieces of bearable length; nothing for rules and empty cells."""
    while start < end and text[start].isspace():
        start += 1
    end = _trimmed(text, start, end)
    while end - start > MAX_SENTENCE:
        cut = max(text.rfind("; ", start + 80, start + MAX_SENTENCE) + 1, 0) or text.rfind(
            " ", start + 80, start + MAX_SENTENCE
        )
        cut = cut if cut > start else start + MAX_SENTENCE
        yield start, _trimmed(text, start, cut)
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if start < end and not _RULE.fullmatch(text, start, end):
        yield start, end
