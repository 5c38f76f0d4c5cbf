"""A formula as read: plain values, no computation, and the line that shows how it was understood."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

import msgspec


class Num(msgspec.Struct, frozen=True):
    """A number as typed: its exact value and its spelling."""

    value: Fraction
    text: str


class Sym(msgspec.Struct, frozen=True):
    """An unknown."""

    name: str


class Const(msgspec.Struct, frozen=True):
    """pi, e, i or infinity."""

    name: Literal["pi", "e", "i", "oo"]


class Call(msgspec.Struct, frozen=True):
    """A known function of its arguments."""

    name: str
    args: tuple[Node, ...]


class Neg(msgspec.Struct, frozen=True):
    """The negative of a value."""

    value: Node


class Post(msgspec.Struct, frozen=True):
    """A sign behind a value: `!`, `%` or `deg`."""

    sign: Literal["!", "%", "deg"]
    value: Node


class Op(msgspec.Struct, frozen=True):
    """Two values and what joins them. `of` is the multiplication in "5% of 20"; `` ` `` one that was not written."""

    sign: Literal["+", "-", "*", "/", "^", "mod", "of", "`"]
    left: Node
    right: Node


class Rel(msgspec.Struct, frozen=True):
    """An equation or an inequality."""

    sign: Literal["=", "<", ">", "<=", ">="]
    left: Node
    right: Node


Node = Num | Sym | Const | Call | Neg | Post | Op | Rel

_BINDS = {"=": 0, "<": 0, ">": 0, "<=": 0, ">=": 0, "+": 1, "-": 1, "*": 2, "/": 2, "mod": 2, "of": 2, "`": 3, "^": 5}
_SPELLED = {"*": " × ", "/": "/", "mod": " mod ", "of": " of ", "+": " + ", "-": " - ", "^": "^"}
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_CONSTANTS = {"pi": "π", "e": "e", "i": "i", "oo": "∞"}
GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "theta": "θ", "lambda": "λ", "mu": "μ",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "omega": "ω",
}  # fmt: skip
_LETTERS = frozenset({"sin", "cos", "tan", "cot", "sec", "csc", "ln"})
_LOGARITHMS = {"log10": "log₁₀", "log2": "log₂"}


def superscript(number: int) -> str:
    """An exponent above the line."""
    return str(number).translate(_SUPERSCRIPTS)


def symbols(node: Node) -> set[str]:
    """The names of the unknowns."""
    return {each.name for each in walk(node) if isinstance(each, Sym)}


def walk(node: Node) -> Iterator[Node]:
    """The formula and everything in it."""
    yield node
    match node:
        case Call(_, args):
            for each in args:
                yield from walk(each)
        case Neg(value) | Post(_, value):
            yield from walk(value)
        case Op(_, left, right) | Rel(_, left, right):
            yield from walk(left)
            yield from walk(right)


def show(node: Node) -> str:
    """The formula in one readable line, with the parentheses that it needs."""
    return _show(node, 0)


def _show(node: Node, outer: int) -> str:
    match node:
        case Num(_, text):
            return text
        case Sym(name):
            return GREEK.get(name, name)
        case Const(name):
            return _CONSTANTS[name]
        case Call():
            return _show_call(node, outer)
        case Neg(value):
            return _closed("-" + _show(value, 3), 2, outer)
        case Post(sign, value):
            return _closed(_show(value, 6) + ("°" if sign == "deg" else sign), 6, outer)
        case Op():
            return _show_op(node, outer)
        case Rel(sign, left, right):
            spelled = {"<=": "≤", ">=": "≥"}.get(sign, sign)
            return f"{_show(left, 1)} {spelled} {_show(right, 1)}"


def _show_call(node: Call, outer: int) -> str:
    name, args = node.name, node.args
    if name == "sqrt":
        return "√" + _show(args[0], 6)
    if name == "abs":
        return f"|{_show(args[0], 0)}|"
    if outer in (0, 1, 3) and name in _LETTERS and isinstance(args[0], Sym):
        return f"{name} {args[0].name if len(args[0].name) == 1 else _show(args[0], 6)}"
    inner = ", ".join(_show(arg, 0) for arg in args)
    return f"{_LOGARITHMS.get(name, name)}({inner})"


def _show_op(node: Op, outer: int) -> str:
    sign, left, right = node.sign, node.left, node.right
    binds = _BINDS[sign]
    if sign == "^":
        base = _show(left, 6)
        match right:
            case Num(value, _) if value.denominator == 1:
                return _closed(base + superscript(value.numerator), 5, outer)
            case Neg(Num(value, _)) if value.denominator == 1:
                return _closed(base + superscript(-value.numerator), 5, outer)
        return _closed(f"{base}^{_show(right, 6)}", 5, outer)
    first, second = _show(left, binds), _show(right, 4 if sign in ("/", "mod", "of") else binds + (sign in "-+*"))
    if sign == "`":
        # Two letters or a digit before a letter may touch; anything else is kept apart so that it reads back the same.
        spelled = "" if first[-1].isalnum() and (second[0] in "(√π" or len(second) == 1 or first.isdigit()) else " "
        if second[0].isdigit() or second[0] in "-|":
            spelled = " × "
    else:
        spelled = _SPELLED[sign]
        if sign == "/" and (not first.isalnum() or not second.isalnum()):
            spelled = " / "
    return _closed(first + spelled + second, binds, outer)


def _closed(text: str, binds: int, outer: int) -> str:
    return f"({text})" if binds < outer else text
