"""Check digits of numbers that belong to people: each function says whether a number of the right length is whole.

Every function gets the number without spaces and dashes. Sources: ISO/IEC 7812 (Luhn), ISO 13616 (IBAN), ISO 7064,
BIP 13 and BIP 173 (Bitcoin), and each country's own publication, named beside it.
"""

from __future__ import annotations

import hashlib

_LUHN = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_BASE58 = {letter: at for at, letter in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}
_BECH32 = {letter: at for at, letter in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_BECH32_STEPS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_VERHOEFF = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_VERHOEFF_TURN = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415",
                  "7046913258")  # fmt: skip
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20,
    "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
"""SWIFT's registry of IBAN formats."""


def luhn(digits: str) -> bool:
    """Cards, and many national numbers."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        total += _LUHN[int(digit)] if at % 2 else int(digit)
    return total % 10 == 0


def iban(text: str) -> bool:
    """Length by country, and the remainder 1 modulo 97."""
    text = text.upper()
    if IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    """The sum of digits times weights."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def mod11_10(digits: str) -> bool:
    """ISO 7064 MOD 11,10: the German tax number."""
    rest = 10
    for digit in digits[:-1]:
        rest = ((rest + int(digit)) % 10 or 10) * 2 % 11
    return (11 - rest) % 10 == int(digits[-1])


def verhoeff(digits: str) -> bool:
    """The Indian Aadhaar number (UIDAI)."""
    state = 0
    for at, digit in enumerate(reversed(digits)):
        state = int(_VERHOEFF[state][int(_VERHOEFF_TURN[at % 8][int(digit)])])
    return state == 0


def base58(text: str) -> bool:
    """An address of Bitcoin's old form: four bytes of a double SHA-256 at its end."""
    number = 0
    for letter in text:
        number = number * 58 + _BASE58[letter]
    try:
        raw = number.to_bytes(25, "big")
    except OverflowError:
        return False
    twice = hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()
    return twice[:4] == raw[-4:]


def bech32(text: str) -> bool:
    """An address of Bitcoin's new form (BIP 173 and 350)."""
    text = text.lower()
    prefix, _, rest = text.rpartition("1")
    values = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    state = 1
    for value in [*values, *(_BECH32.get(letter, 0) for letter in rest)]:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for bit, step in enumerate(_BECH32_STEPS):
            state ^= step if top >> bit & 1 else 0
    return state in (1, 0x2BC830A3)


def date6(digits: str, order: str) -> bool:
    """Whether six digits are a day: `order` is "ymd" or "dmy". Months and days within bounds, no calendar."""
    month = int(digits[2:4])
    day = int(digits[4:6] if order == "ymd" else digits[0:2])
    return 1 <= month <= 12 and 1 <= day <= 31
