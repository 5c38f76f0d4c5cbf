"""Converts measurements, exactly: 5 miles to km, 100 °F in °C, how many seconds are in 3 days."""

from __future__ import annotations

import re
from fractions import Fraction

import msgspec
import sympy

from meshwright.providers.builtin.solve.grammar import formula
from meshwright.providers.builtin.solve.question import Question, Row, row
from meshwright.providers.builtin.solve.size import rational
from meshwright.providers.builtin.solve.tree import superscript
from meshwright.providers.builtin.solve.unit_table import EXACT, HEAT, NAMES, WORDS, Dimension, Unit
from meshwright.providers.builtin.solve.values import Wish, number
from meshwright.types.errors import Declined

_NOTHING: Dimension = (0, 0, 0, 0, 0, 0, 0, 0)
_AMBIGUOUS = {
    "ton": "a tonne, a short ton or a long ton", "tons": "a tonne, a short ton or a long ton",
    "cup": "a US cup or a metric cup", "cups": "a US cup or a metric cup", "month": "28 to 31 days",
    "months": "28 to 31 days", "barrel": "one of several barrels", "barrels": "one of several barrels",
}  # fmt: skip


class Measure(msgspec.Struct, frozen=True):
    """A unit made of units: how it reads, its size in SI units, what it measures, and which definitions it uses."""

    text: str
    size: Fraction
    dimension: Dimension
    notes: tuple[str, ...] = ()


_FACTOR = re.compile(
    r"(?P<shape>square |sq\.? |cubic |cu\.? )?(?P<name>[A-Za-z][A-Za-z_\-.]*?)"
    r"(?:\^\(?(?P<power>-?\d)\)?|(?P<digit>[23]))?",
    re.IGNORECASE,
)
_SHAPES = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}


def unit(text: str) -> Measure | None:
    """`km/h`, `square feet`, `kg m/s^2`: the unit, or None when a word in it is no unit.

    Raises Declined for a unit that has several sizes.
    """
    text = re.sub(r"\bper\b", "/", text.strip())
    measure = Measure("", Fraction(1), _NOTHING)
    for at, part in enumerate(re.split(r"\s*/\s*", text)):
        sign = 1 if at == 0 else -1
        if at and measure.text:
            measure = msgspec.structs.replace(measure, text=measure.text + "/")
        known = _joined(part)
        for factor in [known] if known else re.split(r"\s*\*\s*|(?<!square)(?<!sq)(?<!cubic)(?<!cu)\s+(?!\^)", part):
            added = _factor(factor, sign)
            if added is None:
                return None
            gap = "" if not measure.text or measure.text.endswith("/") else "·"
            measure = Measure(
                measure.text + gap + added.text, measure.size * added.size,
                tuple(map(sum, zip(measure.dimension, added.dimension, strict=True))), measure.notes + added.notes,  # type: ignore[arg-type]  # eight again
            )  # fmt: skip
    return measure if measure.text else None


def _joined(part: str) -> str:
    """`nautical miles` is one unit: its name in the table, "" if it is not there."""
    joined = part.strip().lower().replace(" ", "_").replace("fl._", "fl_").replace("fl_oz", "floz")
    return joined if joined in WORDS and joined not in EXACT else ""


def _factor(text: str, sign: int) -> Measure | None:
    match = _FACTOR.fullmatch(text.strip())
    if not match:
        return None
    found = _named(match["name"])
    if found is None:
        return None
    power = int(match["power"] or match["digit"] or 1) * _SHAPES.get((match["shape"] or "").lower().strip(" ."), 1)
    if not 1 <= abs(power) <= 4:
        return None
    written = found.symbol + (superscript(power) if power != 1 else "")
    notes = (found.note,) if found.note else ()
    return Measure(written, found.size ** (sign * power), tuple(each * sign * power for each in found.dimension), notes)  # type: ignore[arg-type]  # eight


def _named(name: str) -> Unit | None:
    if name.lower() in _AMBIGUOUS:
        raise Declined(f"“{name}” may mean {_AMBIGUOUS[name.lower()]}: name the one you mean.")
    if name in EXACT:
        return EXACT[name]
    return WORDS.get(name.lower())


_QUANTITY = re.compile(
    r"(?P<n>-? ?(?:\d+(?:[.,]\d+)*(?:e[+-]?\d+)?(?: ?[*/^] ?\(?-?[\d.]+\)?)*"
    r"|\([^a-z]*\)|an?(?= )|half an?(?= )|\.\d+))[ -]?(?P<u>[A-Za-z].*)",
    re.IGNORECASE,
)


def _quantity(text: str) -> tuple[Fraction, str] | None:
    """`5 miles` -> (5, "miles"); "a mile" is one; a bare unit is none."""
    match = _QUANTITY.fullmatch(text.strip())
    if not match:
        return None
    written = match["n"].lower()
    if written in ("a", "an"):
        return Fraction(1), match["u"]
    if written.startswith("half"):
        return Fraction(1, 2), match["u"]
    value = rational(formula(match["n"]))
    return None if value is None else (value, match["u"])


_PARTS = re.compile(r"(?:,? and |, ?| )(?=\d)")


def _measured(text: str) -> tuple[str, Measure, Fraction] | None:
    """The sum of `5 ft 10 in`: as written, in which measure (of the first part), and how much in SI units."""
    text = re.sub(r"(?<=\d) ?'(?= ?\d|$)", " ft ", text)
    text = re.sub(r'(?<=\d) ?"', " in", text)
    total, shown = Fraction(0), []
    first: Measure | None = None
    for part in _PARTS.split(text.strip()):
        quantity = _quantity(part)
        measure = unit(quantity[1]) if quantity else None
        if quantity is None or measure is None:
            return None
        if first is None:
            first = measure
        elif first.dimension != measure.dimension or quantity[0] < 0:
            return None
        total += quantity[0] * measure.size
        shown.append(f"{_written(quantity[0])} {measure.text}")
    return None if first is None else (" ".join(shown), first, total)


def _written(value: Fraction) -> str:
    return number(sympy.Rational(value.numerator, value.denominator), Wish(form="decimal"))[2:]


def _convert(match: re.Match[str], question: Question) -> str | None:
    return convert(match["q"], match["u"], question.wish)


def convert(quantity: str, target: str, wish: Wish) -> str | None:
    """`5 mi = 8.04672 km`; None when one of the two is no measurement. Raises Declined when they do not fit."""
    heat = _temperature(quantity, target, wish)
    if heat is not None:
        return heat
    angle = _angle(quantity, target, wish)
    if angle is not None:
        return angle
    measured, wanted = _measured(quantity), unit(target)
    if measured is None or wanted is None:
        return None
    shown, measure, total = measured
    if measure.dimension != wanted.dimension:
        raise Declined(
            f"{measure.text} measures {_kind(measure)} and {wanted.text} {_kind(wanted)}: one cannot become the other."
        )
    value = total / wanted.size
    notes = sorted({*measure.notes, *wanted.notes})
    return f"{shown} {_equal(value, wish)} {wanted.text}" + (f" ({', '.join(notes)})" if notes else "")


def _kind(measure: Measure) -> str:
    return NAMES.get(measure.dimension, "something else")


def _equal(value: Fraction, wish: Wish) -> str:
    """`= 8.04672`, or `≈ 0.6213711922` instead of an unreadable fraction."""
    if not wish.form:
        wish = msgspec.structs.replace(wish, form="decimal")
    return number(sympy.Rational(value.numerator, value.denominator), wish)


def _temperature(quantity: str, target: str, wish: Wish) -> str | None:
    found = _quantity(quantity)
    source = HEAT.get(found[1].strip().lower().replace(" ", "_")) if found else None
    goal = HEAT.get(target.strip().lower().replace(" ", "_"))
    if found is None or source is None or goal is None:
        return None
    kelvin = found[0] * source.size + source.zero
    if kelvin < 0:
        raise Declined(f"{_written(found[0])} {source.symbol} is below absolute zero.")
    return f"{_written(found[0])} {source.symbol} {_equal((kelvin - goal.zero) / goal.size, wish)} {goal.symbol}"


_DEGREES = frozenset({"deg", "degree", "degrees", "degs"})
_RADIANS = frozenset({"rad", "radian", "radians", "rads"})


def _angle(quantity: str, target: str, wish: Wish) -> str | None:
    """Degrees and radians, by way of pi."""
    match = re.fullmatch(r"(.+?)[ ]*\b(deg|degrees?|degs|rads?|radians?)", quantity.strip(), re.IGNORECASE)
    goal = target.strip().lower()
    if not match or goal not in _DEGREES | _RADIANS:
        return None
    value = rational(formula(match[1]))
    to_radians = match[2].lower() in _DEGREES
    if to_radians == (goal in _DEGREES):
        return None
    if to_radians and value is not None:
        angle = sympy.Rational(value.numerator, value.denominator) * sympy.pi / 180
        return f"{_written(value)}° {number(angle, wish)} rad"
    text = match[1].strip()
    pieces = re.fullmatch(r"(?P<n>[\d./]*) ?\*? ?pi ?(?:/ ?(?P<d>\d+))?", text)
    if pieces:
        above = rational(formula(pieces["n"] or "1")) or Fraction(1)
        degrees = above * 180 / int(pieces["d"] or 1)
        return f"{text.replace('pi', 'π').replace(' ', '')} rad {_equal(degrees, wish)}°"
    if value is None:
        return None
    return f"{_written(value)} rad {number(sympy.Rational(value.numerator, value.denominator) * 180 / sympy.pi, wish)}°"


def _how_many(match: re.Match[str], question: Question) -> str | None:
    quantity = match["q"].strip()
    if not re.match(r"[-\d.(]|an? |half ", quantity, re.IGNORECASE):
        quantity = "1 " + quantity
    return convert(quantity, match["u"], question.wish)


def _sum(match: re.Match[str], question: Question) -> str | None:
    """`5 km + 300 m`: measurements of one kind added up."""
    left, right = _measured(match["a"]), _measured(match["b"])
    if left is None or right is None:
        return None
    if left[1].dimension != right[1].dimension:
        raise Declined(f"{left[1].text} and {right[1].text} cannot be added: they measure different things.")
    total = left[2] + right[2] if match["sign"] == "+" else left[2] - right[2]
    return f"{left[0]} {match['sign']} {right[0]} {_equal(total / left[1].size, question.wish)} {left[1].text}"


ROWS: tuple[Row, ...] = (
    row(r"how many (?P<u>.+?) (?:are |is )?(?:there )?(?:in|make up|make|equal|=|to) (?P<q>.+)", _how_many),
    row(r"how many (?P<u>.+?) (?:does|do|is|are) (?P<q>.+?)(?: have| contain| equal)?", _how_many),
    row(r"number of (?P<u>.+?) in (?P<q>.+)", _how_many),
    row(r"how (?:long|far|much|heavy|hot|cold|tall|fast|big) (?:is|are) (?P<q>.+) (?:in|to) (?P<u>.+)", _convert),
    row(r"(?:convert|change|express|turn) (?P<q>.+) (?:to|into|in|as) (?P<u>.+)", _convert),
    row(r"(?P<q>.+) (?:to|into|in|as|=) (?P<u>[^\d]+[23]?)", _convert),
    row(r"(?P<a>[^+]+?) (?P<sign>[+-]) (?P<b>\d[^+]*)", _sum),
)  # fmt: skip
