"""pii: what points at a person, by shape and check digit: addresses, numbers, accounts, days of birth."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from meshwright.guards.check_digits import base58, bech32, iban
from meshwright.guards.dates import birth_dates
from meshwright.guards.digits import numbers
from meshwright.guards.guard import ASKED, Guard, Options, apart
from meshwright.guards.national import LETTERED
from meshwright.types.guard import Finding

KINDS = {
    "email": "an e-mail address",
    "phone": "a telephone number: with its country, in a national form, or beside a word that says so",
    "card": "a payment card: issuer, length and Luhn's check digit",
    "iban": "a bank account: country, length and remainder",
    "national_id": "a national number of a person, with its check digits",
    "ip": "an address of the internet, version 4 or 6",
    "birth_date": "a day of birth: a date beside a word that says so",
    "crypto": "a wallet's address: Bitcoin with its checksum, Ethereum by shape",
    "passport": "a passport's or driving licence's number beside a word that says so",
}
_DIGIT = re.compile(r"\d")
_AT = re.compile(r"%40|\s?[\[(]\s?at\s?[\])]\s?")
_LOCAL = re.compile(r"[\w.%+'-]{1,64}\Z")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.|\s?[\[(]\s?dot\s?[\])]\s?)){1,6}[^\W\d_]{2,24}(?![\w-])")
_IP4 = re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\.?\w)")
_IP6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{4,39}(?![\w:])")
_NO_PERSON = ("127.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "::")  # noqa: S104  # addresses of nobody
_VERSION = re.compile(r"(?:\bv|version|release|build)\W{0,3}\Z", re.IGNORECASE)
# Digits with at most twelve other letters between two of them, and the rest of the word that they end in.
_CLUSTER = re.compile(r"\d(?:[^\d\n]{0,12}\d)*")
_REST = re.compile(r"\S{1,100}")
FEWEST = 4
"""Digits that the shortest of all these has (1.2.3.4)."""
_IBAN = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?(?!\w)")
_WALLET = re.compile(
    r"(?<!\w)(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{25,87}|BC1[02-9AC-HJ-NP-Z]{25,87}"
    r"|0x[0-9A-Fa-f]{40})(?!\w)"
)
# A word with both letters and digits, as national numbers that have letters are.
_MIXED = re.compile(
    r"(?<!\w)(?:[A-Za-z]{1,6}\d|\d{6,17}[-+]?[A-Za-z0-9])[\w+-]{2,14}(?!\w)"
    r"|(?<!\w)[A-Za-z]{2} ?\d\d ?\d\d ?\d\d ?[A-Da-d](?!\w)"
)
_PAPERS = re.compile(
    r"(?:passport|reisepass|passeport|pasaporte|driv\w{0,6} licen[cs]e|driver.?s licen[cs]e|fuhrerschein|führerschein"
    r"|permis de conduire)\W{0,3}(?:n\w{1,6}\W{0,3}|#\s?|is\W{0,3}|id\W{0,3}){0,3}\Z",
    re.IGNORECASE,
)
_PAPER = re.compile(r"[A-Za-z]{0,3}\d[\w-]{4,17}")

Found = tuple[str, int, int]


def look(text: str, options: Options) -> list[Finding]:
    """Everything in the text that points at a person; of what overlaps, the first and longest."""
    found = list[Found](_emails(text)) if options.wants("email") else []
    digits = False
    for start, end in _zones(text):
        digits = True
        found += [one for one in _in_zone(text, start, end) if options.wants(one[0])]
    if digits and options.wants("birth_date"):
        found += [("birth_date", *span) for span in birth_dates(text)]
    return apart(Finding(*one) for one in found)


def _zones(text: str) -> Iterator[tuple[int, int]]:
    """Stretches with digits enough to be somebody's number, whole words: nothing else is looked at closely."""
    for match in _CLUSTER.finditer(text):
        start, end = match.span()
        if sum(map(match.group().count, "0123456789")) < FEWEST:
            continue
        left = max(0, start - 100)
        start = max(left, text.rfind(" ", left, start) + 1, text.rfind("\n", left, start) + 1)
        rest = _REST.match(text, end)
        yield start, rest.end() if rest is not None else end


def _emails(text: str) -> Iterator[Found]:
    for start, end in _ats(text):
        domain = _DOMAIN.match(text, end, end + 260)
        if domain is None:
            continue
        from_ = max(0, start - 64)
        local = _LOCAL.search(text[from_:start])
        if local is not None and local.group().strip(".'-%"):
            yield "email", from_ + local.start(), domain.end()


def _ats(text: str) -> Iterator[tuple[int, int]]:
    """Where an @ stands, or what is written in its place."""
    at = text.find("@")
    while at >= 0:
        yield at, at + 1
        at = text.find("@", at + 1)
    if "%40" in text or "at)" in text or "at]" in text or "at )" in text or "at ]" in text:
        for match in _AT.finditer(text):
            yield match.span()


def _in_zone(text: str, start: int, end: int) -> Iterator[Found]:
    yield from _accounts(text, start, end)
    yield from _addresses(text, start, end)
    yield from _papers(text, start, end)
    yield from numbers(text, start, end)


def _accounts(text: str, start: int, end: int) -> Iterator[Found]:
    for match in _IBAN.finditer(text, max(0, start - 5), end):
        plain = match.group().replace(" ", "").replace("-", "")
        if iban(plain):
            yield "iban", *match.span()
        else:  # the next word was taken for its last group
            shorter = match.group().rpartition(" ")[0]
            if iban(shorter.replace(" ", "").replace("-", "")):
                yield "iban", match.start(), match.start() + len(shorter)
    if end - start < 26:
        return
    for match in _WALLET.finditer(text, start, end):
        word = match.group()
        if word.startswith("0x") or (bech32(word) if word[:3].lower() == "bc1" else base58(word)):
            yield "crypto", *match.span()


def _addresses(text: str, start: int, end: int) -> Iterator[Found]:
    if text.count(".", start, end) >= 3:
        for match in _IP4.finditer(text, start, end):
            if match.group() not in _NO_PERSON and not _VERSION.search(text, max(0, match.start() - 12), match.start()):
                yield "ip", *match.span()
    if text.count(":", start, end) >= 2:
        for match in _IP6.finditer(text, start, end):
            if match.group() not in _NO_PERSON and _is_ip6(match.group()):
                yield "ip", *match.span()


def _is_ip6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return text.count(":") == 7 or any(letter.isdigit() for letter in text)


def _papers(text: str, start: int, end: int) -> Iterator[Found]:
    before = text[max(0, start - 48) : start]
    if _PAPERS.search(before) is not None:
        match = _PAPER.match(text, start, end)
        if match is not None:
            yield "passport", *match.span()
    for match in _MIXED.finditer(text, start, end):
        word = match.group()
        for row in LETTERED:
            if row.shape.fullmatch(word) is None or not row.check(word):
                continue
            if not row.words or re.search(row.words, text[max(0, match.start() - 48) : match.start()], re.IGNORECASE):
                yield "national_id", *match.span()
                break


GUARD = Guard(
    look=look,
    summary="What points at a person, by shape and check digit.",
    kinds=KINDS,
    action="mask",
    places=ASKED,
    reach=96,
)
