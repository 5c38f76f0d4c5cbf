"""Every sum that a text writes out, computed again with exact fractions.

"12 (adults) + 10 = $22", "3 x 60 = 180", "<<1300*10/100=130>>", "24/60 = 0.4 hours", "20% of 50 = 10": whatever stands
left of a "=" as numbers and signs, and the number to its right. Words and units between them are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from math import isfinite

import msgspec

MOST = 20_000
"""Characters that are looked at."""
MOST_SUMS = 200
ROUNDED = Fraction(1, 100)
"""How far a result may be off, relative, to count as rounded rather than wrong."""
BIG = Fraction(10) ** 30
_TOKEN = re.compile(
    r"(?P<number>(?:\d{1,3}(?:,\d{3}){1,9}|\d{1,30})(?:\.\d{1,30})?|\.\d{1,30})(?P<percent>\s*%)?"
    r"|(?P<sign>[()]|[-+*/×÷−–·x](?![a-z]))|(?P<equals>=|≈|\bis equal to\b)|(?P<of>\bof\b)"
    r"|(?P<end>[.;:!?](?:\s|$)|\n|<<|>>)|(?P<word>[^\W\d_]+|\S)",
    re.IGNORECASE,
)
_SAME = {"×": "*", "x": "*", "X": "*", "·": "*", "÷": "/", "−": "-", "–": "-"}
WIDEST = 64
"""Numbers, signs and words on each side of an equals sign: a longer sum is not read."""
PASSED = 4
"""Words between two numbers of one sum: units and what is counted."""


class Sum(msgspec.Struct, frozen=True):
    """One sum: its operands and signs, what the text says it makes, and what it makes."""

    operands: tuple[Fraction, ...]
    signs: str
    told: Fraction
    made: Fraction

    @property
    def right(self) -> bool:
        """Exactly right."""
        return self.told == self.made

    @property
    def rounded(self) -> bool:
        """Not exactly, but near."""
        return not self.right and abs(self.told - self.made) <= ROUNDED * abs(self.made)


def sums(text: str) -> list[Sum]:
    """The sums of a text, in order. What cannot be read as one is passed over in silence: it is not wrong."""
    found: list[Sum] = []
    line: list[tuple[str, str]] = []
    for match in _TOKEN.finditer(text[:MOST]):
        kind = match.lastgroup or ""
        if match["number"] is not None:
            line.append(("number", match["number"] + ("%" if match["percent"] else "")))
        elif kind == "end":
            _read(line, found)
            line = []
        else:
            line.append((kind, match[0]))
        if len(found) >= MOST_SUMS:
            return found
    _read(line, found)
    return found


def value(number: str) -> Fraction:
    """A number as it is written; "20%" is a fifth."""
    percent = number.endswith("%")
    exact = Fraction(number.rstrip("%").replace(",", "").strip())
    return exact / 100 if percent else exact


def _read(line: Sequence[tuple[str, str]], found: list[Sum]) -> None:
    equals = [at for at, (kind, _) in enumerate(line) if kind == "equals"]
    for at in equals[:MOST_SUMS]:
        before, after = line[max(0, at - WIDEST) : at], line[at + 1 : at + 1 + WIDEST]
        expression = _left(before)
        operands = tuple(value(text) for text in expression if text[-1] in "0123456789%")
        right = _result(after)
        if right is None:
            right = _expression(after)
        if right is None or len(operands) < 2:
            continue
        made = _compute(expression)
        if made is None:
            continue
        told = right
        # "20% of 50 = 10%" and the like: a percentage may be told as its hundredfold.
        told = told * 100 if made == told * 100 else told / 100 if made == told / 100 else told
        signs = "".join(text for text in expression if text in "+-*/")
        found.append(Sum(operands, signs, told, made))


def _expression(line: Sequence[tuple[str, str]]) -> Fraction | None:
    """The value of an expression that stands between two equals signs: "15 * 8 * 3/4 = 36 * 3/4 = 27" says two things.

    What stands after the last one may go on into prose, and is not read.
    """
    end = next((at for at, (kind, _) in enumerate(line) if kind == "equals"), None)
    if end is None:
        return None
    expression = _left(line[:end])
    numbers = sum(kind == "number" for kind, _ in line[:end])
    if not expression or numbers != sum(text[-1] in "0123456789%" for text in expression):
        return None
    return _compute(expression)


def _result(line: Sequence[tuple[str, str]]) -> Fraction | None:
    """The number right of the equals sign, when it stands alone: not when a further expression does."""
    sign = 1
    for at, (kind, text) in enumerate(line[:4]):
        if kind == "number":
            following = [one for one in line[at + 1 : at + 2 + PASSED] if one[0] in ("sign", "number", "equals")]
            if following and following[0][0] == "sign" and following[0][1] not in "()":
                return None
            return sign * value(text)
        if kind == "sign" and _SAME.get(text, text) == "-":
            sign = -1
        elif kind == "sign":
            return None
    return None


def _left(line: Sequence[tuple[str, str]]) -> list[str]:
    """The longest expression that ends the line: numbers and signs, words passed over where a sign follows them."""
    kept: list[str] = []
    passed = 0
    depth = 0
    for kind, text in reversed(line):
        sign = _SAME.get(text, text)
        number = kept[-1:] != [] and kept[-1][-1] in "0123456789%("
        if kind == "number":
            if number and kept[-1] != "(":
                break  # two numbers with nothing between them belong to two sums
            kept.append(text)
            passed = 0
        elif kind == "of" and number:
            kept.append("*")
        elif kind == "sign":
            depth += (sign == ")") - (sign == "(")
            if depth < 0:
                break
            kept.append(sign)
            passed = 0
        elif kind == "equals":
            break
        else:
            passed += 1
            if passed > PASSED:
                break
    return _trimmed(kept[::-1])


def _trimmed(expression: list[str]) -> list[str]:
    """Without parentheses that hold no number, and without signs that have nothing on one side."""
    while True:
        text = " ".join(expression)
        shorter = re.sub(r"\( (?:[-+*/] )*\)", "", text).split()
        if shorter == expression:
            break
        expression = shorter
    while expression and expression[0] in ("*", "/", "+", ")"):
        expression = expression[1:]
    while expression and expression[-1] in ("*", "/", "+", "-", "("):
        expression = expression[:-1]
    return expression


def _compute(expression: Sequence[str]) -> Fraction | None:
    """The value, by the usual precedence; None when it is no expression, or too large to matter."""
    values: list[Fraction] = []
    signs: list[str] = []
    before = "("
    try:
        for text in expression:
            if text[-1] in "0123456789%":
                if before[-1] in "0123456789%)":
                    return None
                values.append(value(text))
            elif text == "(":
                if before[-1] in "0123456789%)":
                    _apply_tighter(values, signs, "*")
                    signs.append("*")
                signs.append("(")
            elif text == ")":
                while signs[-1] != "(":
                    _apply(values, signs.pop())
                signs.pop()
            elif before in "(+-*/" and text == "-":
                values.append(Fraction(0))
                signs.append("-")
            else:
                _apply_tighter(values, signs, text)
                signs.append(text)
            before = text
        while signs:
            _apply(values, signs.pop())
    except (IndexError, ZeroDivisionError):
        return None
    return values[0] if len(values) == 1 and abs(values[0]) < BIG and isfinite(values[0]) else None


_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2, "(": 0}


def _apply_tighter(values: list[Fraction], signs: list[str], sign: str) -> None:
    while signs and _BINDS[signs[-1]] >= _BINDS[sign]:
        _apply(values, signs.pop())


def _apply(values: list[Fraction], sign: str) -> None:
    right, left = values.pop(), values.pop()
    if max(abs(left), abs(right)) > BIG:
        raise ZeroDivisionError
    values.append(
        left + right if sign == "+" else left - right if sign == "-" else left * right if sign == "*" else left / right
    )
