"""Numbers that belong to people: cards, telephones and national numbers, told apart by length, groups and check."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshwright.guards.check_digits import luhn
from meshwright.guards.dates import DATE
from meshwright.guards.national import NUMBERS

# Groups of digits with one or two separators between them, as people write long numbers. At most 48 characters, so
# that nothing is looked at twice; what goes on after them begins anew.
_RUN = re.compile(r"(?<![\w+])(?:\+ ?)?\(?\d(?:[\d]|[ .\-/()]{1,3}(?=[\d(])){4,46}(?<=\d)")
_GROUP = re.compile(r"\d+")
_PHONE_WORDS = re.compile(
    r"phone|\btel\b|tel[.:]|call|mobile|\bcell|\bfax|whatsapp|\bsms\b|text me|telefon|telephone|handy|\bmobil|anruf"
    r"|rufnummer|appel|telefono|movil|contact|number (?:is|at)|reach (?:me|us|him|her|them)|hotline|extension"
    r"|\bdesk\b|\bdial|\bring\b|answering at|messages? (?:to|at)|registered|\bline\b",
    re.IGNORECASE,
)
_CARD_WORDS = re.compile(
    r"card|\bcc\b|credit|debit|visa|mastercard|amex|maestro|kredit|carte|tarjeta|carta|cvv", re.IGNORECASE
)
_AFTER = re.compile(r"\W{0,3}(?:office|home|work|mobile|cell|fax|desk|phone|tel)\b", re.IGNORECASE)
_EXTENSION = re.compile(r" ?(?:x|ext\.?) ?\d{1,5}(?!\w)", re.IGNORECASE)
BEFORE = 48
"""Characters before a number in which words about it may stand."""
# Beginnings and lengths (ISO/IEC 7812): Visa, Mastercard, Amex, Diners, Discover, JCB, UnionPay, Maestro.
_CARD = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35\d{14}|62\d{14,17}"
    r"|(?:50|5[6-9]|6\d)\d{10,17}|(?:2131|1800)\d{11}"
)
_PLAIN = frozenset("0123456789")
_BY_LENGTH = {size: [row for row in NUMBERS if row.length == size] for size in range(6, 20)}
_SHAPES = frozenset(
    {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 1), (3, 3, 4)}
    | {groups for row in NUMBERS for groups in row.groups}
)
"""Groups in which a number may stand among others; one that stands by itself may have any."""

Found = tuple[str, int, int]


def numbers(text: str, start: int = 0, end: int | None = None) -> Iterator[Found]:
    """Every number there that is somebody's, as (kind, start, end)."""
    for run in _RUN.finditer(text, start, len(text) if end is None else end):
        start, end = run.span()
        after = text[end : end + 1]
        if after.isdigit() or ((after.isalpha() or after == "_") and len(run.group()) < 12):
            continue
        yield from _in_run(text, start, end)


def _in_run(text: str, start: int, end: int) -> Iterator[Found]:
    groups = [match.span() for match in _GROUP.finditer(text, start, end)]
    if all(last - first == 1 for first, last in groups):
        groups = [(groups[0][0], groups[-1][1])]  # spelled digit by digit
    sizes = tuple(last - first for first, last in groups)
    at = 0
    while at < len(groups):
        for to in range(min(len(groups), at + 7), at, -1):
            whole = at == 0 and to == len(groups)
            shape = sizes[at:to]
            if not whole and to - at > 1 and shape not in _SHAPES:
                continue
            first, last = (start, end) if whole else (groups[at][0], groups[to - 1][1])
            kind = _kind(text, first, last, shape, whole)
            if kind == "phone" and (more := _EXTENSION.match(text, last)) is not None:
                last = more.end()
            if kind:
                yield kind, first, last
                at = to - 1
                break
        at += 1


def _kind(text: str, start: int, end: int, shape: tuple[int, ...], whole: bool) -> str:
    said = text[start:end]
    digits = "".join(letter for letter in said if letter in _PLAIN)
    if not 6 <= len(digits) <= 19:
        return ""
    before = text[max(0, start - BEFORE) : start]
    if len(digits) >= 12 and _is_card(digits, before):
        return "card"
    for row in _BY_LENGTH[len(digits)]:
        fits = (shape in row.groups if row.groups else whole or len(shape) == 1) and row.check(digits)
        if fits and (not row.words or re.search(row.words, before, re.IGNORECASE)):
            return "national_id"
    # A few groups of a longer run are a telephone's only in a form that nothing else has.
    after = text[end : end + 12]
    if len(digits) <= 15 and (whole or shape == (3, 3, 4)) and _is_phone(said, digits, shape, before, after):
        return "phone"
    return ""


def _is_card(digits: str, before: str) -> bool:
    if not luhn(digits) or digits == digits[0] * len(digits):
        return False
    # One in ten numbers has Luhn's check digit: the short and rare forms need a word beside them.
    rare = len(digits) < 14 or (digits[0] == "6" and not digits.startswith(("6011", "65", "62", "64")))
    usual = not rare and _CARD.fullmatch(digits) is not None
    return usual or _CARD_WORDS.search(before) is not None


def _is_phone(said: str, digits: str, groups: tuple[int, ...], before: str, after: str) -> bool:
    if DATE.fullmatch(said) or len(set(digits)) == 1:
        return False
    if said[0] == "+":
        return len(digits) >= 8
    if len(groups) > 6 or (len(groups) > 1 and min(groups) == 1 and "(" not in said and groups[0] != 1):
        return False
    if _PHONE_WORDS.search(before) or (_AFTER.match(after) and (len(groups) > 1 or len(digits) >= 9)):
        return len(digits) >= 6
    if "." in said and len(groups) <= 4 and len(set(said) & set(" -()/")) == 0 and groups != (3, 3, 4):
        return False  # a version, an amount, a section
    if "(" in said and "." not in said and 8 <= len(digits) <= 12:
        return True
    if groups in ((3, 3, 4), (1, 3, 3, 4)):  # North America
        return digits[-10] not in "01"
    if digits.startswith("00") and len(groups) > 1:
        return 10 <= len(digits) <= 15
    if digits[0] == "0" and len(groups) > 1:  # national forms begin with 0 nearly everywhere else
        return 9 <= len(digits) <= 11
    return False
