"""Bounds how large the numbers of a formula can get, before any of them is computed."""

from __future__ import annotations

import math
from fractions import Fraction

from meshwright.providers.builtin.solve import limits
from meshwright.providers.builtin.solve.tree import Call, Const, Neg, Node, Num, Op, Post, Rel, Sym
from meshwright.types.errors import Declined

_TOO_LARGE = f"The result would have over {limits.MAX_DIGITS} digits, which is more than I compute."


def rational(node: Node) -> Fraction | None:
    """The exact value of a formula of plain numbers, None if it has unknowns, constants or roots in it.

    Raises Declined when a number on the way would get over the limits.
    """
    match node:
        case Num(value, _):
            return value
        case Neg(inner):
            value_or_none = rational(inner)
            return None if value_or_none is None else -value_or_none
        case Post("%", inner):
            value_or_none = rational(inner)
            return None if value_or_none is None else value_or_none / 100
        case Post("!", inner):
            value_or_none = rational(inner)
            return None if value_or_none is None else Fraction(math.factorial(_factorial_argument(value_or_none)))
        case Op():
            return _operation(node)
    return None


def _factorial_argument(value: Fraction) -> int:
    if value.denominator != 1 or value < 0:
        raise Declined("The factorial is only defined for whole numbers from 0.")
    if value > 1_400:  # 1400! has 3,793 digits
        raise Declined(_TOO_LARGE)
    return int(value)


def _operation(node: Op) -> Fraction | None:
    left, right = rational(node.left), rational(node.right)
    if left is None or right is None:
        return None
    if digits(left) + digits(right) > limits.MAX_DIGITS:
        raise Declined(_TOO_LARGE)
    match node.sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*" | "of" | "`":
            return left * right
        case "/":
            return left / right if right else None
        case "mod":
            return left % right if right else None
        case "^" if right.denominator == 1 and (left or right > 0):
            if abs(right) > 10 * limits.MAX_DIGITS and abs(left) not in (0, 1):
                raise Declined(_TOO_LARGE)
            if abs(left) not in (0, 1) and digits(left) * abs(right) > limits.MAX_DIGITS:
                raise Declined(_TOO_LARGE)
            return left ** (int(right) if abs(left) not in (0, 1) else 2 - int(right) % 2)
    return None


def digits(value: Fraction) -> float:
    """About how many decimal digits the larger of numerator and denominator has; small numbers count by their bits."""
    larger = max(abs(value.numerator), value.denominator)
    return max(larger.bit_length() - 1, 1) * 0.30103 if larger > 1 else 0.0


def check(node: Node) -> float:
    """An upper bound for the digits of any coefficient that evaluating the formula makes.

    Raises Declined over the limit: what passes can be handed to SymPy, which computes powers of numbers at once.
    """
    size = _bound(node)
    if size > limits.MAX_DIGITS:
        raise Declined(_TOO_LARGE)
    return size


def _bound(node: Node) -> float:
    match node:
        case Num(value, _):
            return digits(value) + 1
        case Sym() | Const():
            return 0.0
        case Neg(value):
            return _bound(value)
        case Post("!", value):
            rational(node)
            return 4.0 * _bound(value)
        case Post(_, value):
            return _bound(value) + 3
        case Call(_, args):
            return sum(check(arg) for arg in args) + 1
        case Op("^", base, exponent):
            return _power(base, exponent)
        case Op(_, left, right) | Rel(_, left, right):
            exact = rational(node) if isinstance(node, Op) else None
            return digits(exact) + 1 if exact is not None else check(left) + check(right) + 1


def _power(base: Node, exponent: Node) -> float:
    exact = rational(Op("^", base, exponent))
    if exact is not None:
        return digits(exact) + 1
    within, times = check(base), rational(exponent)
    check(exponent)
    if times is None:
        return within + check(exponent) + 1
    if abs(times) > 10**6:
        raise Declined("An exponent is over a million, which is more than I compute.")
    if within * abs(times) > limits.MAX_DIGITS:
        raise Declined(_TOO_LARGE)
    return float(within * abs(times)) + 1


def degree(node: Node) -> float:
    """An upper bound for the degree of the formula as a polynomial in its unknowns."""
    match node:
        case Sym():
            return 1
        case Num() | Const():
            return 0
        case Neg(value) | Post(_, value):
            return degree(value)
        case Call(_, args):
            return max(1.0 if degree(arg) else 0.0 for arg in args)
        case Op("^", base, exponent):
            times = rational(exponent)
            return degree(base) * float(abs(times)) if times is not None else degree(base) + degree(exponent)
        case Op("+" | "-", left, right) | Rel(_, left, right):
            return max(degree(left), degree(right))
        case Op(_, left, right):
            return degree(left) + degree(right)


def check_degree(node: Node, most: int = limits.MAX_DEGREE) -> None:
    """Raises Declined for a polynomial that would take too long to take apart."""
    if degree(node) > most:
        raise Declined(f"The degree is over {most}, which is more than I take.")
