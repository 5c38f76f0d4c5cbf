"""Rewrites formulas: factor, expand, simplify, partial fractions, and small determinants."""

from __future__ import annotations

import math
import re

import sympy

from meshwright.providers.builtin.solve import limits
from meshwright.providers.builtin.solve.arithmetic import valued
from meshwright.providers.builtin.solve.build import Expr, build
from meshwright.providers.builtin.solve.grammar import formula
from meshwright.providers.builtin.solve.plain import plain
from meshwright.providers.builtin.solve.question import Question, Row, row
from meshwright.providers.builtin.solve.size import check_degree, degree, rational
from meshwright.providers.builtin.solve.tree import show, superscript, symbols
from meshwright.providers.builtin.solve.values import number
from meshwright.types.errors import Declined


def _factor(match: re.Match[str], question: Question) -> str:
    node = formula(match["e"])
    if not symbols(node):
        value = rational(node)
        if value is None or value.denominator != 1:
            raise Declined("I factor whole numbers and polynomials.")
        return f"{show(node)} = {prime_factors(int(value))}"
    check_degree(node)
    found = sympy.factor(build(node))
    return f"{show(node)} = {plain(found)}" + (
        " (it does not factor over the rational numbers)" if _is_whole(found) else ""
    )


def _is_whole(expr: Expr) -> bool:
    """Whether a factored polynomial is in one piece."""
    _, parts = sympy.factor_list(sympy.fraction(sympy.together(expr))[0])
    return bool(sum(power for _, power in parts) <= 1)


def prime_factors(value: int) -> str:
    """`2³ × 3² × 5`. Raises Declined for numbers that are too long to factor in time."""
    if abs(value) < 2:
        return str(value)
    if len(str(abs(value))) > limits.MAX_FACTORED:
        raise Declined(f"I factor numbers of up to {limits.MAX_FACTORED} digits.")
    found = sympy.factorint(abs(value))
    text = " × ".join(f"{prime}{superscript(power) if power > 1 else ''}" for prime, power in sorted(found.items()))
    text += " (prime)" if sum(found.values()) == 1 else ""
    return f"-1 × {text}" if value < 0 else text


def _expand(match: re.Match[str], question: Question) -> str:
    node = formula(match["e"])
    check_degree(node)
    names = len(symbols(node))
    if math.comb(int(degree(node)) + names, names) > limits.MAX_DEGREE**2:
        raise Declined("This would have too many terms.")
    return f"{show(node)} = {plain(sympy.expand(build(node)))}"


def _simplify(match: re.Match[str], question: Question) -> str | None:
    node = formula(match["e"])
    if not symbols(node):
        return valued(node, question.wish)
    check_degree(node)
    expr = build(node)
    found = sympy.simplify(expr)
    text = f"{show(node)} = {plain(found)}"
    poles = sympy.denom(sympy.together(expr))
    if poles.free_symbols and sympy.cancel(poles / sympy.denom(sympy.together(found))) != 1:
        lost = sympy.factor(sympy.cancel(poles / sympy.denom(sympy.together(found))))
        if lost.is_polynomial() and lost.free_symbols:
            text += f" (where {plain(lost)} ≠ 0)"
    return text


def _partial(match: re.Match[str], question: Question) -> str:
    node = formula(match["e"])
    check_degree(node)
    names = symbols(node)
    if len(names) != 1:
        raise Declined("I take partial fractions in one unknown.")
    return f"{show(node)} = {plain(sympy.apart(build(node), sympy.Symbol(next(iter(names)))))}"


def _square(match: re.Match[str], question: Question) -> str:
    """Complete the square of a x² + b x + c."""
    node = formula(match["e"])
    check_degree(node, 2)
    names = symbols(node)
    if len(names) != 1:
        raise Declined("I complete squares in one unknown.")
    symbol = sympy.Symbol(next(iter(names)))
    polynomial = sympy.Poly(build(node), symbol)
    if polynomial.degree() != 2:
        raise Declined("I complete the square of quadratic polynomials.")
    first, second, third = polynomial.all_coeffs()
    shift = second / (2 * first)
    rest = third - first * shift**2
    inner = plain(symbol + shift)
    text = f"({inner})²" if shift else f"{inner}²"
    head = "" if first == 1 else "-" if first == -1 else plain(first) if first.is_Integer else f"({plain(first)})"
    tail = "" if rest == 0 else f" - {plain(-rest)}" if rest < 0 else f" + {plain(rest)}"
    return f"{show(node)} = {head}{text}{tail}"


_ROW = re.compile(r"\[([^\[\]]*)\]")


def _matrix(text: str) -> Expr:
    """[[1, 2], [3, 4]] or [1 2; 3 4], up to 6 by 6, of formulas."""
    text = text.strip()
    rows_text = _ROW.findall(text) if text.startswith("[[") else text.strip("[]()").split(";")
    rows = [[formula(cell) for cell in re.split(r"\s*,\s*|\s+", each.strip())] for each in rows_text]
    if not rows or not 1 <= len(rows) <= 6 or any(len(each) != len(rows[0]) for each in rows) or len(rows[0]) > 6:
        raise Declined("I take matrices of up to 6 by 6 with rows of the same length, such as [[1, 2], [3, 4]].")
    return sympy.Matrix([[build(cell) for cell in each] for each in rows])


def _determinant(match: re.Match[str], question: Question) -> str:
    matrix = _square_matrix(match["m"])
    value = sympy.expand(matrix.det())
    written = number(value, question.wish) if value.is_number else f"= {plain(value)}"
    return f"det {_written(matrix)} {written}"


def _inverse(match: re.Match[str], question: Question) -> str:
    matrix = _square_matrix(match["m"])
    if sympy.simplify(matrix.det()) == 0:
        return f"{_written(matrix)} has no inverse: its determinant is 0"
    return f"{_written(matrix)}⁻¹ = {_written(matrix.inv())}"


def _square_matrix(text: str) -> Expr:
    matrix = _matrix(text)
    if matrix.rows != matrix.cols:
        raise Declined("Only square matrices have a determinant or an inverse.")
    return matrix


def _written(matrix: Expr) -> str:
    rows = (", ".join(plain(matrix[row_, column]) for column in range(matrix.cols)) for row_ in range(matrix.rows))
    return "[" + ", ".join(f"[{each}]" for each in rows) + "]"


_POLYNOMIAL = r"(?:expression |polynomial |quadratic |trinomial |fraction |following:? ?|number )?"
ROWS: tuple[Row, ...] = (
    row(
        r"(?:prime )?(?:factor(?:ize|ise)?|factors? of|factori[sz]ation of|prime factors of)(?:"
        rf" completely)?:? {_POLYNOMIAL}(?P<e>.+?)(?: completely)?",
        lambda match, question: (
            _factor(match, question) if not re.match(r"factors? of", match[0], re.IGNORECASE) else None
        ),
    ),
    row(
        r"(?:prime factori[sz]ation|decomposition into prime factors|prime decomposition) (?:of|for) "
        r"(?P<e>.+)",
        _factor,
    ),
    row(rf"(?:expand|multiply out|distribute|expansion of):? {_POLYNOMIAL}(?P<e>.+)", _expand),
    row(rf"(?:simplify|reduce|simplification of):? {_POLYNOMIAL}(?P<e>.+)", _simplify),
    row(r"(?:partial fractions?(?: decomposition)? of|decompose into partial fractions:?) (?P<e>.+)", _partial),
    row(r"decompose (?P<e>.+) into partial fractions", _partial),
    row(r"complete (?:the )?square(?: of| for| in)?:? (?P<e>.+)", _square),
    row(r"(?:determinant of|det)(?: (?:the )?matrix)? ?(?P<m>\[.+\])", _determinant),
    row(r"(?:inverse of|invert)(?: (?:the )?matrix)? ?(?P<m>\[.+\])", _inverse),
)
