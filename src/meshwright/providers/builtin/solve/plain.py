"""Writes a SymPy expression as people write it: 2x² sin x, (x + 1)/2, √3, e^(2x), 3 + 4i."""

from __future__ import annotations

import sympy

from meshwright.providers.builtin.solve.build import Expr
from meshwright.providers.builtin.solve.tree import GREEK, superscript
from meshwright.types.errors import Declined

_NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "acot": "arccot", "asec": "arcsec", "acsc": "arccsc",
    "Abs": "abs", "log": "ln", "ceiling": "ceil", "Max": "max", "Min": "min", }  # fmt: skip
_FUNCTIONS = frozenset({
    "sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "acot", "asec", "acsc", "sinh", "cosh", "tanh",
    "asinh", "acosh", "atanh", "log", "Abs", "floor", "ceiling", "Max", "Min", "factorial", "erf", "erfc", "erfi", "Si",
    "Ci", "Ei", "li", "gamma", "fresnels", "fresnelc", "sign",
})  # fmt: skip
_CONSTANTS = {sympy.pi: "π", sympy.E: "e", sympy.I: "i", sympy.oo: "∞", -sympy.oo: "-∞", sympy.GoldenRatio: "φ"}

# How tightly a piece of text holds together: a sum, a product, a power, something closed.
SUM, PRODUCT, POWER, CLOSED = 1, 2, 3, 4


def plain(expr: Expr) -> str:
    """The expression in one line. Raises Declined for a result that has no short usual notation."""
    return _text(expr, SUM)


def _text(expr: Expr, outer: int) -> str:
    text, binds = _piece(expr)
    return f"({text})" if binds < outer else text


def _piece(expr: Expr) -> tuple[str, int]:
    if expr in _CONSTANTS:
        return _CONSTANTS[expr], PRODUCT if expr == -sympy.oo else CLOSED
    if expr.is_Symbol:
        return GREEK.get(expr.name, expr.name), CLOSED
    if expr.is_Integer:
        return str(expr), CLOSED if expr >= 0 else PRODUCT
    if expr.is_Rational:
        return f"{expr.p}/{expr.q}", PRODUCT
    if expr.is_Float:
        return str(expr.round(10)), CLOSED
    if expr.is_Add:
        return _sum(expr), SUM
    if expr.is_Mul:
        return _product(expr), PRODUCT
    if expr.is_Pow:
        return _power(expr)
    if isinstance(expr, sympy.exp):
        return _raised("e", expr.args[0]), POWER
    if isinstance(expr, sympy.Order):
        return f"O({_text(expr.args[0], SUM)})", CLOSED
    if expr.is_Function:
        return _call(expr, bare=True)
    raise Declined("The result has no short usual notation.")


def _sum(expr: Expr) -> str:
    text = ""
    for term in expr.as_ordered_terms():
        piece = _text(term, PRODUCT)
        if not text:
            text = piece
        elif piece.startswith("-"):
            text += " - " + piece[1:]
        else:
            text += " + " + piece
    return text


def _product(expr: Expr) -> str:
    numerator, denominator = sympy.fraction(expr, exact=True)
    sign = ""
    if numerator.could_extract_minus_sign() and not numerator.is_Add:
        sign, numerator = "-", -numerator
    elif denominator.is_Integer and denominator < 0:
        sign, denominator = "-", -denominator
    if denominator == 1:
        return sign + _factors(numerator, bare=True)
    above = _factors(numerator, bare=False)
    if numerator.is_Add:
        above = f"({above})"
    below = _factors(denominator, bare=False)
    if denominator.is_Mul or denominator.is_Add:
        below = f"({below})"
    return f"{sign}{above}/{below}"


def _factors(expr: Expr, *, bare: bool) -> str:
    """A product without a fraction. `bare`: sin x needs no parentheses because no fraction bar follows."""
    if not expr.is_Mul:
        return _call(expr, bare=bare)[0] if expr.is_Function and not isinstance(expr, sympy.exp) else _text(expr, SUM)
    # (a product that SymPy keeps apart, such as 2(x + 1), is written as it stands)
    text, last = "", None
    for factor in sorted(expr.as_ordered_factors(), key=_late):
        function = factor.is_Function and not isinstance(factor, sympy.exp)
        piece = _call(factor, bare=bare)[0] if function else _text(factor, POWER)
        text += _joint(text, last, factor, piece) + piece
        last = factor
    return text


def _late(factor: Expr) -> int:
    """Numbers, roots and constants, unknowns, sums, powers of e, functions; SymPy's own order within each."""
    if factor == sympy.I:
        return 1
    if factor.is_number:
        return 0
    if factor.is_Symbol or (factor.is_Pow and factor.args[0].is_Symbol):
        return 1
    if factor.is_Add or (factor.is_Pow and factor.args[0].is_Add):
        return 2
    return 4 if factor.is_Function and not isinstance(factor, sympy.exp) else 3


def _joint(text: str, last: Expr, factor: Expr, piece: str) -> str:
    """What stands between two factors so that the product reads back as it was meant."""
    if last is None:
        return ""
    power = last.is_Pow and (last.is_number or "√" in text)
    if piece[0] in "|0123456789" or power or (isinstance(last, sympy.exp) and last.is_number):
        return "·"
    if piece[0] == "(":
        return ""
    if last.is_Function and not isinstance(last, sympy.exp):
        return " "
    if piece[0] == "√" and not last.is_Integer:
        return "·"
    if factor.is_Function or "^" in text.rsplit(" ", 1)[-1]:
        return " "
    if last.is_number or text[-1] in "⁰¹²³⁴⁵⁶⁷⁸⁹)":
        return "·" if text[-1] in "ei" else ""
    return "" if {text[-1], piece[0]} <= {"x", "y", "z"} else "·"


def _power(expr: Expr) -> tuple[str, int]:
    base, exponent = expr.args
    if exponent == sympy.Rational(1, 2):
        return "√" + _text(base, CLOSED), POWER
    if exponent.is_Rational and exponent < 0:
        return f"1/{_text(base**-exponent, POWER)}", PRODUCT
    if base.is_Function and not isinstance(base, sympy.exp) and exponent.is_Integer:
        return f"{_call(base, bare=False)[0]}{superscript(int(exponent))}", POWER
    return _raised("e" if base == sympy.E else _text(base, CLOSED), exponent), POWER


def _raised(base: str, exponent: Expr) -> str:
    if exponent == 1:
        return base
    if exponent.is_Integer:
        return base + superscript(int(exponent))
    return f"{base}^{_text(exponent, CLOSED)}"


def _call(expr: Expr, *, bare: bool) -> tuple[str, int]:
    name = expr.func.__name__
    if name not in _FUNCTIONS:
        raise Declined(f"The result needs the function {name}, which has no usual short notation.")
    if name == "Abs":
        return f"|{_text(expr.args[0], SUM)}|", CLOSED
    if name == "factorial":
        return _text(expr.args[0], CLOSED) + "!", CLOSED
    shown = _NAMES.get(name, name)
    if bare and len(expr.args) == 1 and expr.args[0].is_Symbol:
        return f"{shown} {_text(expr.args[0], CLOSED)}", POWER
    return f"{shown}({', '.join(_text(arg, SUM) for arg in expr.args)})", CLOSED
