"""Writes a computed number: exactly, and as a decimal where that helps."""

from __future__ import annotations

import decimal

import msgspec
import sympy

from meshwright.providers.builtin.solve import limits
from meshwright.providers.builtin.solve.build import Expr
from meshwright.providers.builtin.solve.plain import plain
from meshwright.types.errors import Declined

SIGNIFICANT = 10


class Wish(msgspec.Struct, frozen=True):
    """How the answer is wanted: decimal places, "decimal" or "fraction" or "" for what suits, and a currency sign."""

    places: int | None = None
    form: str = ""
    currency: str = ""


PLAIN = Wish()


def number(expr: Expr, wish: Wish = PLAIN) -> str:
    """`= 105`, `= 7/12 ≈ 0.5833333333`, `≈ 3.14`: a value with the sign that says how exact it is.

    Raises Declined for what is no number: an undefined or an unevaluated value.
    """
    if expr.has(sympy.nan, sympy.zoo):
        raise Declined("The result is undefined.")
    if expr in (sympy.oo, -sympy.oo):
        return f"= {plain(expr)}"
    if wish.places is not None:
        return _rounded(expr, wish)
    if expr.is_Rational:
        return _fraction(expr, wish)
    if not _is_short(expr):
        return f"≈ {decimals(expr)}"
    exact = plain(expr)
    if wish.form == "decimal":
        return f"≈ {decimals(expr)}"
    approximate = decimals(expr)
    return f"= {exact}" if exact == approximate else f"= {exact} ≈ {approximate}"


def _is_short(expr: Expr) -> bool:
    return sympy.count_ops(expr) <= 25 and not expr.has(sympy.Integral, sympy.Sum, sympy.Limit)


def _fraction(expr: Expr, wish: Wish) -> str:
    if wish.currency and expr.q != 1:
        return _rounded(expr, msgspec.structs.replace(wish, places=2))
    if expr.q == 1:
        return f"= {_money(str(expr.p), wish)}"
    finite = _finite(expr)
    if wish.form == "fraction":
        return f"= {expr.p}/{expr.q}"
    if finite:
        return f"= {finite}" if wish.form == "decimal" else f"= {expr.p}/{expr.q} = {finite}"
    if wish.form == "decimal" or len(str(expr.p)) + len(str(expr.q)) > 24:
        return f"≈ {decimals(expr)}"
    return f"= {expr.p}/{expr.q} ≈ {decimals(expr)}"


def _finite(expr: Expr) -> str:
    """The exact decimal of a fraction if it has one of up to 14 digits, else ""."""
    for places in range(1, 15):
        scaled = expr * 10**places
        if scaled.q == 1:
            digits = str(abs(scaled.p)).rjust(places + 1, "0")
            text = f"{'-' if expr < 0 else ''}{digits[:-places]}.{digits[-places:]}"
            return text if len(digits.strip("0")) <= 14 else ""
    return ""


def _rounded(expr: Expr, wish: Wish) -> str:
    places = wish.places or 0
    if not expr.is_real:
        raise Declined("I only round real numbers.")
    exact = expr if expr.is_Rational else None
    with decimal.localcontext() as context:
        context.prec = limits.MAX_DIGITS + 50
        if exact is not None:
            value = decimal.Decimal(int(exact.p)) / decimal.Decimal(int(exact.q))
        else:
            whole = max(len(str(abs(int(sympy.floor(expr))))), 1)
            value = decimal.Decimal(str(expr.evalf(whole + places + 15)))
        text = format(value.quantize(decimal.Decimal(1).scaleb(-places), rounding=decimal.ROUND_HALF_UP), "f")
        same = exact is not None and decimal.Decimal(text) == value and exact.q * 10**places % exact.q == 0
    return f"{'=' if same else '≈'} {_money(text, wish)}"


def _money(text: str, wish: Wish) -> str:
    if not wish.currency:
        return text
    return f"-{wish.currency}{text[1:]}" if text.startswith("-") else wish.currency + text


def decimals(expr: Expr, significant: int = SIGNIFICANT) -> str:
    """A number to `significant` digits: 0.5833333333, 1.2345 × 10³⁰, 1 + 2i."""
    value = sympy.N(expr, significant + 3)
    if value.is_real is False and value.is_number:
        real, imaginary = value.as_real_imag()
        return _complex(_real(real, significant), _real(imaginary, significant))
    if not value.is_Number:
        raise Declined("I could not compute the value to enough digits.")
    return _real(value, significant)


def _complex(real: str, imaginary: str) -> str:
    sign, size = ("-", imaginary[1:]) if imaginary.startswith("-") else ("+", imaginary)
    size = "" if size == "1" else size
    if real == "0":
        return f"{'-' if sign == '-' else ''}{size}i"
    return f"{real} {sign} {size}i"


def _real(value: Expr, significant: int) -> str:
    if value == 0:
        return "0"
    if not value.is_Number or value in (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        raise Declined("I could not compute the value to enough digits.")
    with decimal.localcontext() as context:
        context.prec = significant
        exact = +decimal.Decimal(str(value))
    power = exact.adjusted()
    if -5 <= power < 16:
        text = format(exact, "f")
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
    mantissa = format(exact.scaleb(-power), "f")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    raised = str(power).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
    return f"{mantissa} × 10{raised}"
