"""Days as people write them, and whether words beside them say that somebody was born."""

from __future__ import annotations

import re

_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?|januar|februar|märz|maerz|marz|mai|juni|juli|oktober|dezember|janvier|fevrier|mars"
    "|avril|juin|juillet|aout|septembre|octobre|novembre|decembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto"
    "|septiembre|octubre|noviembre|diciembre"
)
DATE = re.compile(
    r"(?<![\w.])(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2} ?[-/.] ?\d{1,2} ?[-/.] ?(?:\d{4}|\d{2})"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.)?(?: of| de)? (?:{_MONTHS})\.?,?(?: de)? \d{{4}}"
    rf"|(?:{_MONTHS})\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})(?![\w])",
    re.IGNORECASE,
)
_BORN = re.compile(
    r"\b(?:born|birth(?:day|date)?|d\.?o\.?b\.?|geboren|geb\.|geburts\w{0,8}|nee? le|naissance|nacid[oa]|nacimiento"
    r"|nat[oa] il|nascita|geboortedatum|urodz\w{0,8}|nascimento)",
    re.IGNORECASE,
)
BEFORE = 40
"""Characters before a date in which the words may stand."""


def birth_dates(text: str) -> list[tuple[int, int]]:
    """Where a day of birth stands."""
    if _BORN.search(text) is None:
        return []
    return [
        match.span()
        for match in DATE.finditer(text)
        if _BORN.search(text, max(0, match.start() - BEFORE), match.start())
    ]
