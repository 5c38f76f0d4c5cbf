"""Makes the SymPy expression of a formula, part by part: no text reaches SymPy's own parser, which evaluates it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import sympy

from meshwright.providers.builtin.solve.size import check
from meshwright.providers.builtin.solve.tree import Call, Const, Neg, Node, Num, Op, Post, Rel, Sym
from meshwright.types.errors import Declined

# SymPy ships no types: an expression is Any here and nowhere outside the folder.
Expr = Any

_CONSTANTS = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "oo": sympy.oo}
_CALLS: dict[str, Callable[..., Expr]] = {
    "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "cot": sympy.cot, "sec": sympy.sec, "csc": sympy.csc,
    "asin": sympy.asin, "acos": sympy.acos, "atan": sympy.atan, "acot": sympy.acot, "asec": sympy.asec,
    "acsc": sympy.acsc, "sinh": sympy.sinh, "cosh": sympy.cosh, "tanh": sympy.tanh, "asinh": sympy.asinh,
    "acosh": sympy.acosh, "atanh": sympy.atanh, "exp": sympy.exp, "ln": sympy.log, "sqrt": sympy.sqrt,
    "cbrt": sympy.real_root, "abs": sympy.Abs, "floor": sympy.floor, "ceil": sympy.ceiling, "max": sympy.Max,
    "min": sympy.Min, "factorial": sympy.factorial,
}  # fmt: skip
_RELATIONS: dict[str, Callable[..., Expr]] = {
    "=": sympy.Eq, "<": sympy.Lt, ">": sympy.Gt, "<=": sympy.Le, ">=": sympy.Ge,
}  # fmt: skip


def build(node: Node) -> Expr:
    """The expression of a formula without relations. Raises Declined over the limits of size."""
    check(node)
    return _build(node)


def build_relation(node: Rel) -> Expr:
    """The relation; SymPy's `true` or `false` when it has no unknowns."""
    check(node)
    return _RELATIONS[node.sign](_build(node.left), _build(node.right))


def _build(node: Node) -> Expr:
    match node:
        case Num(value, _):
            return sympy.Rational(value.numerator, value.denominator)
        case Sym(name):
            return sympy.Symbol(name)
        case Const(name):
            return _CONSTANTS[name]
        case Neg(value):
            return -_build(value)
        case Post("!", value):
            return sympy.factorial(_build(value))
        case Post("%", value):
            return _build(value) / 100
        case Post("deg", value):
            return _build(value) * sympy.pi / 180
        case Call(name, args):
            return _call(name, [_build(arg) for arg in args])
        case Op(sign, left, right):
            return _operation(sign, _build(left), _build(right))
    raise Declined("I expected a value and found an equation.")


def _operation(sign: str, left: Expr, right: Expr) -> Expr:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "/":
            return left / right
        case "^":
            if left == 0 and right == 0:
                raise Declined("0⁰ is not defined everywhere: some take it for 1.")
            return left**right
        case "mod":
            if right == 0:
                return sympy.nan
            return sympy.Mod(left, right)
    return left * right


def _call(name: str, args: list[Expr]) -> Expr:
    if name in ("gcd", "lcm"):
        if not all(arg.is_Integer for arg in args) or len(args) < 2:
            raise Declined(f"I take the {name} of two or more whole numbers.")
        return sympy.Integer((math.gcd if name == "gcd" else math.lcm)(*map(int, args)))
    if name == "cbrt":
        return sympy.real_root(args[0], 3) if args[0].is_number else sympy.cbrt(args[0])
    if name == "log10" and len(args) == 1:
        return sympy.log(args[0], 10)
    if name == "log" and len(args) == 1:
        return sympy.log(args[0])
    if name in ("log", "log10", "ln") and len(args) == 2:
        return _logarithm(args[0], args[1])
    if name.startswith("log"):
        written = name.removeprefix("log").removeprefix("_")
        return _logarithm(args[0], sympy.E if written == "e" else sympy.Integer(int(written)))
    return _CALLS[name](*args)


def _logarithm(value: Expr, root: Expr) -> Expr:
    if root == 1 or root == 0:  # noqa: PLR1714 - sympy numbers hash apart from int
        raise Declined("A logarithm to base 0 or 1 does not exist.")
    return sympy.log(value, root)
