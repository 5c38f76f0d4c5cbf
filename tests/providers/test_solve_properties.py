"""Properties of `builtin/solve` for any input: arithmetic agrees with Python, results read back, limits hold."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from meshwright.providers.builtin.solve import limits
from meshwright.providers.builtin.solve.answer import answer
from meshwright.providers.builtin.solve.build import build
from meshwright.providers.builtin.solve.grammar import formula
from meshwright.providers.builtin.solve.plain import plain
from meshwright.providers.builtin.solve.size import rational
from meshwright.providers.builtin.solve.spelling import spell
from meshwright.providers.builtin.solve.tree import show
from meshwright.providers.builtin.solve.unit_table import EXACT, WORDS
from meshwright.providers.builtin.solve.units import unit
from meshwright.types.errors import Declined

WHOLE = st.integers(-50, 50).map(lambda number: (f"({number})" if number < 0 else str(number), Fraction(number)))
ARITHMETIC = st.recursive(
    WHOLE,
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(
        lambda parts: (
            f"({parts[0][0]} {parts[1]} {parts[2][0]})",
            {"+": Fraction.__add__, "-": Fraction.__sub__, "*": Fraction.__mul__}[parts[1]](parts[0][1], parts[2][1]),
        )
    ),
    max_leaves=8,
)


@given(ARITHMETIC)
def test_arithmetic_agrees_with_exact_fractions(case):
    text, value = case
    assert rational(formula(text)) == value
    assert build(formula(text)) == value


@given(ARITHMETIC)
def test_a_formula_reads_back_the_same_from_how_it_is_shown(case):
    text, value = case
    assert rational(formula(spell(show(formula(text)))[0])) == value


x, y = sympy.symbols("x y")
ATOMS = st.sampled_from([x, y, sympy.Integer(2), sympy.Integer(3), sympy.Rational(1, 2), sympy.pi, sympy.sqrt(3)])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        st.tuples(inner, st.integers(2, 3)).map(lambda pair: pair[0] ** pair[1]),
        inner.map(lambda part: -part),
        inner.map(sympy.sin),
        inner.map(sympy.exp),
        inner.map(lambda part: 1 / (part**2 + 1)),
    ),
    max_leaves=6,
)


@given(EXPRESSIONS)
@settings(max_examples=60)
def test_a_result_reads_back_as_the_value_that_it_stands_for(expr):
    told = plain(expr)
    try:
        back = build(formula(spell(told)[0]))
    except Declined:
        return  # over the limits of size
    at = {x: sympy.Rational(7, 5), y: sympy.Rational(3, 11)}
    first, second = sympy.N(expr.subs(at), 30), sympy.N(back.subs(at), 30)
    assert abs(first - second) <= abs(first) * sympy.Float("1e-20") + sympy.Float("1e-20"), told


def answered_or_reason(text):
    try:
        return answer(text)
    except Declined as declined:
        return declined.message


@given(st.text(max_size=60))
@settings(max_examples=150)
def test_any_text_is_answered_or_declined(text):
    assert answered_or_reason(text)


@given(st.text(alphabet="0123456789+-*/^()x!%.,= sincologe", max_size=24))
@settings(max_examples=150)
def test_anything_that_looks_like_a_formula_is_answered_or_declined_before_it_grows(text):
    try:
        node = formula(text)
        expr = build(node)
    except Declined:
        return
    assert all(len(str(abs(number.p))) <= limits.MAX_DIGITS for number in expr.atoms(sympy.Rational))


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9", "(10^9)!", "factorial(10**9)", "1!!!!!!", "2^(2^(2^(2^20)))", "1/(10^-9999)", "x^999999999",
        "(" * 300 + "1" + ")" * 300, "-" * 900 + "1", "9" * 999, "x" * 10**6, "(1.0000001)^10000000",
        "expand ((x+1)^50)^50", "expand (x+y+z+a+b+c)^60", "factor x^10000 - 1", "2^" * 300 + "2",
        "1000000th prime", "how many primes below 10000000000", "10^99999 choose 3",
    ],
)  # fmt: skip
def test_what_would_take_too_long_is_refused_before_it_is_computed(text):
    with pytest.raises(Declined):
        answer(text)


def test_units_agree_with_an_independent_table():
    pint = pytest.importorskip("pint")
    registry = pint.UnitRegistry()
    spelled = {
        "mi": "mile", "nmi": "nautical_mile", "ly": "light_year", "au": "astronomical_unit", "gal": "gallon",
        "imp gal": "imperial_gallon", "qt": "quart", "pt": "pint", "imp pt": "imperial_pint", "fl oz": "fluid_ounce",
        "US cup": "cup", "st": "stone", "short ton": "short_ton", "long ton": "long_ton", "troy oz": "troy_ounce",
        "kn": "knot", "cal": "thermochemical_calorie", "kcal": "kilothermochemical_calorie",
        "BTU": "international_british_thermal_unit",
        "hp": "mechanical_horsepower", "mmHg": "millimeter_Hg", "d": "day", "ha": "hectare",
        "Torr": "torr", "t": "tonne",
        "ct": "carat", "Å": "angstrom", "mil": "thou", "dyn": "dyne", "h": "hour", "min": "minute",
        "B": "byte", "A": "ampere", "C": "coulomb", "kWh": "kWh", "Wh": "Wh", "MWh": "MWh",
    }  # fmt: skip
    # Of 365 days; turns; a rate; a letter; lengths that the other table takes by the US survey foot.
    left_out = {"year", "decade", "century", "rpm", "Mbps", "Gbps", "b", "fathom", "furlong", "acre"}
    compared = 0
    for symbol, ours in EXACT.items():
        if symbol in left_out or symbol != ours.symbol.replace("µ", "u"):
            continue
        try:
            theirs = registry.Quantity(1.0, spelled.get(symbol, symbol))
        except pint.UndefinedUnitError:
            continue
        size = (theirs.to("bit") if ours.dimension[6] else theirs.to_base_units()).magnitude
        assert abs(float(size) - float(ours.size)) <= 1e-7 * abs(float(ours.size)), (symbol, size, ours.size)
        compared += 1
    assert compared > 120


NAMES = st.sampled_from(["mile", "feet", "kilograms", "seconds", "hour", "watts", "liter", "bits", "newton", "psi"])


@given(NAMES, NAMES, st.integers(1, 3))
def test_a_product_of_units_measures_what_its_factors_measure(first, second, power):
    product, quotient = unit(f"{first} * {second}^{power}"), unit(f"{first} per {second}")
    assert product is not None
    assert quotient is not None
    assert product.size == WORDS[first].size * WORDS[second].size ** power
    assert quotient.size == WORDS[first].size / WORDS[second].size
