"""National numbers of people: shape, check digits, and the words beside them where a shape alone says too little."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from meshwright.guards.check_digits import date6, luhn, mod11_10, verhoeff, weighted

_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CF_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
         10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip
_NRIC = {"S": ("JZIHGFEDCBA", 0), "T": ("JZIHGFEDCBA", 4), "F": ("XWUTRQPNMLK", 0), "G": ("XWUTRQPNMLK", 4)}


def _ssn(n: str) -> bool:
    return n[:3] not in ("000", "666") and n[:1] != "9" and n[3:5] != "00" and n[5:] != "0000"


def _cpf(n: str) -> bool:
    if n == n[0] * 11:
        return False
    first = weighted(n[:9], (10, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    second = weighted(n[:10], (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    return n[9:] == f"{first}{second}"


def _pesel(n: str) -> bool:
    month = int(n[2:4]) % 20
    known = 1 <= month <= 12 and 1 <= int(n[4:6]) <= 31
    return known and weighted(n, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def _china(n: str) -> bool:
    body, last = n[:17], n[17].upper()
    if not (1 <= int(n[10:12]) <= 12 and 1 <= int(n[12:14]) <= 31 and n[6:8] in ("18", "19", "20")):
        return False
    return "10X98765432"[weighted(body, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11] == last


def _turkey(n: str) -> bool:
    odd, even = sum(map(int, n[0:9:2])), sum(map(int, n[1:8:2]))
    return n[0] != "0" and (odd * 7 - even) % 10 == int(n[9]) and sum(map(int, n[:10])) % 10 == int(n[10])


def _belgium(n: str) -> bool:
    rest = int(n[9:])
    known = 1 <= int(n[2:4]) <= 12 and 1 <= int(n[4:6]) <= 31
    return known and rest in (97 - int(n[:9]) % 97, 97 - int("2" + n[:9]) % 97)


def _france(n: str) -> bool:
    return n[0] in "12" and (1 <= int(n[3:5]) <= 12 or int(n[3:5]) >= 20) and 97 - int(n[:13]) % 97 == int(n[13:])


def _korea(n: str) -> bool:
    check = (11 - weighted(n, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    return date6(n, "ymd") and n[6] in "12345678" and check == int(n[12])


def _nhs(n: str) -> bool:
    return (11 - weighted(n, (10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11) % 11 == int(n[9])


def _bsn(n: str) -> bool:
    return n != "000000000" and (weighted(n, (9, 8, 7, 6, 5, 4, 3, 2)) - int(n[8])) % 11 == 0


def _nif(n: str) -> bool:
    check = 11 - weighted(n, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return n[0] in "1235689" and (check if check < 10 else 0) == int(n[8])


def _tfn(n: str) -> bool:
    return weighted(n, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def _ahv(n: str) -> bool:
    return weighted(n, (1, 3) * 6 + (1,)) % 10 == 0


def _sweden(n: str) -> bool:
    return date6(n[-10:], "ymd") and luhn(n[-10:])


def _dni(text: str) -> bool:
    text = text.replace("-", "")
    text = text.upper().replace("X", "0", 1) if text[0] in "Xx" else text.upper()
    text = text.replace("Y", "1", 1) if text[0] == "Y" else text
    text = text.replace("Z", "2", 1) if text[0] == "Z" else text
    return _DNI[int(text[:-1]) % 23] == text[-1]


def _hetu(text: str) -> bool:
    known = date6(text[:6], "dmy")
    return known and _HETU[int(text[:6] + text[7:10]) % 31] == text[10].upper()


def _codice(text: str) -> bool:
    text = text.upper()
    total = sum(_CF_ODD[letter] for letter in text[0:15:2])
    total += sum(int(letter) if letter.isdigit() else ord(letter) - 65 for letter in text[1:14:2])
    return chr(65 + total % 26) == text[15]


def _nric(text: str) -> bool:
    letters, offset = _NRIC[text[0].upper()]
    return letters[(weighted(text[1:8], (2, 7, 6, 5, 4, 3, 2)) + offset) % 11] == text[8].upper()


def _always(text: str) -> bool:
    return True


class Number(NamedTuple):
    """Numbers of digits only: how many, the groups that they are written in (none: any), their check, and words.

    `words`: a pattern that must stand shortly before it, "" where its shape and check digits say enough.
    """

    country: str
    length: int
    groups: tuple[tuple[int, ...], ...]
    check: Callable[[str], bool]
    words: str = ""


NUMBERS = (
    Number("US", 9, ((3, 2, 4),), _ssn),
    Number("US", 9, (), _ssn, r"ssn|social security"),
    Number("CA", 9, ((3, 3, 3),), luhn, r"\bsin\b|social insurance|numéro d.assurance"),
    Number("NL", 9, (), _bsn, r"\bbsn\b|burgerservice|sofinummer"),
    Number("PT", 9, (), _nif, r"\bnif\b|contribuinte"),
    Number("AU", 9, (), _tfn, r"\btfn\b|tax file"),
    Number("GB", 10, (), _nhs, r"\bnhs\b"),
    Number("SE", 10, ((6, 4),), _sweden),
    Number("SE", 12, ((8, 4),), _sweden),
    Number("DE", 11, (), mod11_10, r"steuer|\bidnr\b|tax id"),
    Number("BR", 11, ((3, 3, 3, 2),), _cpf),
    Number("BR", 11, (), _cpf, r"\bcpf\b"),
    Number("PL", 11, (), _pesel, r"pesel"),
    Number("BE", 11, ((2, 2, 2, 3, 2),), _belgium),
    Number("TR", 11, (), _turkey, r"\btckn?\b|kimlik"),
    Number("IN", 12, ((4, 4, 4),), verhoeff),
    Number("IN", 12, (), verhoeff, r"aadhaar|aadhar|uidai"),
    Number("CH", 13, ((3, 4, 4, 2),), _ahv),
    Number("KR", 13, ((6, 7),), _korea),
    Number("FR", 15, ((1, 2, 2, 2, 3, 3, 2), (15,), (13, 2)), _france),
    Number("CN", 18, ((18,),), _china),
)


class Lettered(NamedTuple):
    """Numbers with letters in them."""

    country: str
    shape: re.Pattern[str]
    check: Callable[[str], bool]
    words: str = ""


LETTERED = (
    Lettered("ES", re.compile(r"(?:\d{8}|[XYZxyz]\d{7})-?[A-Za-z]"), _dni),
    Lettered("IT", re.compile(r"[A-Za-z]{6}\d\d[A-EHLMPRSTa-ehlmprst]\d\d[A-Za-z]\d{3}[A-Za-z]"), _codice),
    Lettered("FI", re.compile(r"\d{6}[-+A-Fa-fU-Yu-y]\d{3}[0-9A-Ya-y]"), _hetu),
    Lettered("SG", re.compile(r"[STFGstfg]\d{7}[A-Za-z]"), _nric),
    Lettered("CN", re.compile(r"\d{17}[Xx]"), _china),
    Lettered("GB", re.compile(r"(?![DFIQUVdfiquv])[A-Za-z](?![DFIOQUVdfioquv])[A-Za-z] ?\d\d ?\d\d ?\d\d ?[A-Da-d]"),
             _always, r"\bni(?:no)?\b|national insurance|insurance n"),
    Lettered("IN", re.compile(r"[A-Za-z]{3}[ABCFGHLJPTabcfghljpt][A-Za-z]\d{4}[A-Za-z]"), _always, r"\bpan\b|income"),
)  # fmt: skip
COUNTRIES = tuple(sorted({row.country for row in (*NUMBERS, *LETTERED)}))
