"""Evaluates formulas: plain sums, percentages, comparisons, and the value of a formula at a point."""

from __future__ import annotations

import re
from typing import Literal

import msgspec
import sympy

from meshwright.providers.builtin.solve.build import Expr, build, build_relation
from meshwright.providers.builtin.solve.grammar import formula, relation
from meshwright.providers.builtin.solve.plain import plain
from meshwright.providers.builtin.solve.question import Question, Row, Work, items, row
from meshwright.providers.builtin.solve.size import check_degree, rational
from meshwright.providers.builtin.solve.tree import Call, Const, Neg, Node, Num, Op, Post, Rel, Sym, show, symbols, walk
from meshwright.providers.builtin.solve.values import Wish, number
from meshwright.types.errors import Declined

_DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}|\d{3}-\d{4}|\d{3}-\d{3}-\d{4}|9/11|24/7|50/50|7/7"
)


def evaluate(question: Question) -> str:
    """The answer to a bare formula. Raises Declined when there is nothing to work out in it."""
    if _DATE.fullmatch(question.text) and not question.commanded:
        raise Declined(f"“{question.text}” may be a date or a number to call, not a computation: write it with spaces.")
    node = formula(question.text)
    if symbols(node):
        return _tidied(node, question)
    if isinstance(node, Const) and node.name in ("e", "i") and not question.commanded and question.wish == Wish():
        raise Declined("There is nothing to compute in a single letter.")
    if isinstance(node, Num) and not question.commanded and question.wish.places is None and not question.wish.form:
        raise Declined("There is nothing to compute in a single number.")
    return valued(node, question.wish)


def valued(node: Node, wish: Wish) -> str:
    """`2 + 2 = 4`: the formula as read and its value."""
    expr = undefined_or(node)
    if isinstance(expr, str):
        return expr
    if not expr.is_Rational and isinstance(expr, sympy.Expr):
        expr = _neat(expr)
    if expr.has(sympy.zoo, sympy.nan):
        return f"{show(node)} is undefined."
    if not wish.form and any(
        isinstance(each, Post) or (isinstance(each, Num) and {".", "e"} & set(each.text)) for each in walk(node)
    ):
        wish = msgspec.structs.replace(wish, form="decimal" if expr.is_Rational else "")
    result = number(expr, wish)
    shown = show(node)
    for sign in ("=", "≈"):  # not `1/3 = 1/3 ≈ 0.333`
        result = (
            result.replace(f"= {shown} {sign} ", f"{sign} ", 1) if result.startswith(f"= {shown} {sign} ") else result
        )
    return f"{shown} {result}{_notes(node)}"


def undefined_or(node: Node) -> Expr | str:
    """The expression, or the sentence that says why it has no value."""
    for each in walk(node):
        if isinstance(each, Op) and each.sign in ("/", "mod") and not symbols(each.right):
            value = rational(each.right)
            if value == 0:
                return f"{show(node)} is undefined: it divides by zero."
    return build(node)


def _neat(expr: Expr) -> Expr:
    """Roots and trigonometric values in their usual form, as long as that is quick to find."""
    if sympy.count_ops(expr) > 60:
        return expr
    if expr.has(sympy.I):
        return sympy.radsimp(sympy.sqrtdenest(sympy.expand_complex(expr)))
    return sympy.simplify(expr)


def _notes(node: Node) -> str:
    """What a reader may have expected otherwise: radians, and the base of a logarithm."""
    notes = []
    calls = [each for each in walk(node) if isinstance(each, Call)]
    angles = [each.args[0] for each in calls if each.name in ("sin", "cos", "tan", "cot", "sec", "csc")]
    if any(isinstance(angle, Num) and angle.value for angle in angles):
        notes.append("angles in radians; write ° for degrees")
    if any(each.name in ("asin", "acos", "atan") for each in calls):
        notes.append("in radians")
    for each in walk(node):
        if isinstance(each, Op) and each.sign == "^" and (exponent := rational(each.right)) is not None:
            value = rational(each.left)
            if value is not None and value < 0 and exponent.denominator % 2 and exponent.denominator > 1:
                notes.append("the principal complex value, not the real root")
    return f" ({'; '.join(notes)})" if notes else ""


def _tidied(node: Node, question: Question) -> str:
    """A formula with unknowns and no instruction: collected, if that changes it."""
    if not any(isinstance(each, Op) and each.sign in "+-*/^" for each in walk(node)):
        raise Declined("There is nothing to compute in this.")
    check_degree(node)
    expr = build(node)
    simpler = sympy.simplify(expr)
    shown, result = show(node), plain(simpler)
    operations = sum(isinstance(each, Op) for each in walk(node))
    same = result.replace(" ", "") == shown.replace(" ", "") or sympy.count_ops(simpler) >= operations
    if same and not question.commanded:
        raise Declined("There is nothing to compute in this: say what to do with it, such as factor, expand or solve.")
    return f"{shown} = {result}"


def _decimal(wish: Wish) -> Wish:
    """Percentages and amounts of money are told as decimals."""
    return wish if wish.form else msgspec.structs.replace(wish, form="decimal")


def _percent_of(match: re.Match[str], question: Question) -> str:
    """20% off 80; a 15% tip on 42.50."""
    part, whole = formula(match["p"] + "%"), formula(match["n"])
    kind = match["how"].lower()
    share = Op("of", part, whole)
    if kind in ("off", "discount on", "discount off"):
        amount = build(share)
        rest = build(whole) - amount
        less, left = number(amount, _decimal(question.wish)), number(rest, _decimal(question.wish))
        return f"{show(part)} of {show(whole)} {less}, so {show(whole)} less {show(part)} {left}"
    return valued(share, question.wish)


def _percent_change(match: re.Match[str], question: Question) -> str:
    up = match["dir"].lower() in ("increase", "raise")
    part, whole = formula(match["p"] + "%"), formula(match["n"])
    share = build(Op("of", part, whole))
    result = build(whole) + (share if up else -share)
    sign = "+" if up else "-"
    return f"{show(whole)} {sign} {show(part)} of {show(whole)} {number(result, _decimal(question.wish))}"


def _what_percent(match: re.Match[str], question: Question) -> str:
    part, whole = formula(match["part"]), formula(match["whole"])
    value = _ratio(part, whole)
    sign, result = number(100 * value, _decimal(question.wish)).split(" ", 1)
    shown = result.split(" ≈ ")[-1]
    return f"{show(part)} is {'' if sign == '=' and ' ≈ ' not in result else 'about '}{shown}% of {show(whole)}"


def _change_between(match: re.Match[str], question: Question) -> str:
    old, new = formula(match["a"]), formula(match["b"])
    value = _ratio(Op("-", new, old), old)
    shown = number(100 * value, _decimal(question.wish)).split(" ")[-1]
    return f"From {show(old)} to {show(new)} is a change of {'' if value < 0 else '+'}{shown}%"


def _whole_of(match: re.Match[str], question: Question) -> str:
    """15 is 20% of what?"""
    part, share = formula(match["part"]), formula(match["p"] + "%")
    result = number(_ratio(part, share), _decimal(question.wish))
    return f"{show(part)} is {show(share)} of {result.removeprefix('= ')}"


def _ratio(part: Node, whole: Node) -> Expr:
    above, below = build(part), build(whole)
    if below == 0 or not (above.is_number and below.is_number):
        raise Declined("A percentage of nothing is undefined.")
    return above / below


def _spoken_operation(match: re.Match[str], question: Question) -> str:
    """Sum of 3 and 4; subtract 3 from 10."""
    what = match["what"].lower().split(" ")[0]
    listed = items(match["list"])
    if len(listed) < 2 or any(not _plain_number(each) for each in listed):
        raise Declined(f"I take the {what} of plain numbers.")
    if what in ("difference", "quotient", "ratio") and len(listed) != 2:
        raise Declined(f"I take the {what} of two numbers.")
    node = listed[0]
    sign = {"sum": "+", "total": "+", "add": "+", "product": "*", "multiply": "*", "difference": "-"}.get(what, "/")
    for each in listed[1:]:
        node = Op(sign, node, each)  # type: ignore[arg-type]  # one of the four
    return valued(node, question.wish)


def _plain_number(node: Node) -> bool:
    return all(not isinstance(each, Sym | Rel) for each in walk(node))


def _two(sign: Literal["+", "-", "*", "/", "mod"], *, swap: bool = False) -> Work:
    """The answer to a question that names two numbers and what to do with them."""

    def work(match: re.Match[str], question: Question) -> str | None:
        left, right = formula(match["a"]), formula(match["b"])
        if not (_plain_number(left) and _plain_number(right)):
            return None
        return valued(Op(sign, right, left) if swap else Op(sign, left, right), question.wish)

    return work


def _compare(match: re.Match[str], question: Question) -> str:
    """Is 2^10 greater than 1000? 2 + 2 = 5"""
    text = match["e"]
    for pattern, sign in _COMPARED:
        text = pattern.sub(sign, text)
    node = relation(text)
    if not isinstance(node, Rel) or symbols(node):
        raise Declined("I only compare numbers.")
    truth = build_relation(node)
    if truth not in (sympy.true, sympy.false):
        truth = sympy.simplify(truth)
    if truth not in (sympy.true, sympy.false):
        raise Declined("I could not decide this comparison.")
    sides = [
        f"{show(side)} {number(build(side), question.wish)}"
        for side in (node.left, node.right)
        if not isinstance(side, Num)
    ]
    because = f" ({'; '.join(sides)})" if sides else ""
    return ("Yes" if truth == sympy.true else "No") + f": {show(node)} is {str(truth).lower()}{because}"


_COMPARED = tuple(
    (re.compile(pattern, re.IGNORECASE), sign)
    for pattern, sign in (
        (r"(?:greater|larger|bigger|more) than or =", ">="),
        (r"(?:less|smaller) than or =", "<="),
        (r"\b(?:greater|larger|bigger|more) than\b", ">"),
        (r"\b(?:less|smaller|fewer) than\b", "<"),
        (r"\b(?:same as|equal to|equal)\b", "="),
    )
)


def _bare_equation(match: re.Match[str], question: Question) -> str | None:
    node = relation(match["e"])
    if not isinstance(node, Rel) or symbols(node):
        return None
    return _compare(match, question)


def _substituted(match: re.Match[str], question: Question) -> str | None:
    """x^2 + 1 at x = 3; f(x) = x^2 + 1, find f(3)."""
    node = formula(re.sub(r"^[fgh]\([a-z]\) ?= ?", "", match["e"]))
    name, at = match["v"], formula(match["at"])
    if symbols(node) != {name} or symbols(at):
        return None
    filled = put(node, name, at)
    return f"At {name} = {show(at)}: {show(node)} = {valued(filled, question.wish)}"


def put(node: Node, name: str, value: Node) -> Node:
    """The formula with a value in place of an unknown."""
    match node:
        case Sym(each) if each == name:
            return value
        case Call(function, args):
            return Call(function, tuple(put(arg, name, value) for arg in args))
        case Op(sign, left, right):
            return Op("*" if sign == "`" else sign, put(left, name, value), put(right, name, value))
        case Post(sign, inner):
            return Post(sign, put(inner, name, value))
        case Neg(inner):
            return Neg(put(inner, name, value))
    return node


_P = r"(?P<p>-?[\d.,]+)"
ROWS: tuple[Row, ...] = (
    row(
        rf"(?:an? )?{_P} ?% (?P<how>tip on|tip for|tax on|discount on|discount off|off|commission on)(?:"
        r" of)? (?:a )?(?P<n>.+?)(?: (?:meal|bill))?",
        _percent_of,
    ),
    row(rf"(?P<dir>increase|raise|decrease|reduce|lower) (?P<n>.+) by {_P} ?%", _percent_change),
    row(rf"(?P<n>[\d.,$ ]+) (?P<dir>increase|decrease|reduce)d by {_P} ?%", _percent_change),
    row(r"(?:what )?(?:%|percentage|percent)(?:age)? of (?P<whole>.+?) is (?P<part>.+)", _what_percent),
    row(r"(?P<part>.+?) is what (?:%|percentage) of (?P<whole>.+)", _what_percent),
    row(r"(?:what )?(?:%|percentage) is (?P<part>.+?) (?:out )?of (?P<whole>.+)", _what_percent),
    row(r"(?P<part>[\d.,$ ]+) as a (?:%|percentage) of (?P<whole>.+)", _what_percent),
    row(r"(?:%|percentage) (?:change|increase|decrease|difference) from (?P<a>.+) to (?P<b>.+)", _change_between),
    row(rf"(?P<part>.+?) is {_P} ?% of (?:what(?: number)?|which number)", _whole_of),
    row(
        r"(?P<what>sum of|total of|product of|difference between|difference of|quotient of|ratio of) "
        r"(?P<list>[^=^]+)",
        _spoken_operation,
    ),
    row(r"(?P<what>add|multiply) (?P<list>[\d.,\-/$() ]+ and [\d.,\-/$() ]+)", _spoken_operation),
    row(r"add (?P<a>[^=]+) to (?P<b>[^=]+)", _two("+")),
    row(r"(?:subtract|take) (?P<a>[^=]+) (?:away )?from (?P<b>[^=]+)", _two("-", swap=True)),
    row(r"multiply (?P<a>[^=]+) (?:by|with) (?P<b>[^=]+)", _two("*")),
    row(r"divide (?P<a>[^=]+) by (?P<b>[^=]+)", _two("/")),
    row(r"remainder (?:when|of|if) (?P<a>.+?) (?:is )?(?:/|divided by|over) ?(?P<b>.+)", _two("mod")),
    row(
        r"(?:double|twice) (?P<b>[\d.,]+)(?P<a>)",
        lambda match, question: valued(Op("*", formula("2"), formula(match["b"])), question.wish),
    ),
    row(
        r"is (?:it true that )?(?P<e>.+)",
        lambda match, question: (
            _compare(match, question) if re.search(r"[<>=]|\bthan\b|\bequal\b", match["e"]) else None
        ),
    ),
    row(r"(?P<e>.+) (?:at|when|if|for|where|given|given that) (?P<v>[a-zA-Z]) ?= ?(?P<at>[^=]+)", _substituted),
    row(
        r"(?:if |given |let )?[fgh]\((?P<v>[a-z])\) ?= ?(?P<e>.+?)(?:,|;|\.| then)* (?:(?:find|what is"
        r"|compute|evaluate|and find|calculate) )?[fgh]\((?P<at>[^()]+)\)",
        _substituted,
    ),
    row(
        r"[fgh]\((?P<at>[^()]+)\) (?:if|when|where|given|given that|for) [fgh]\((?P<v>[a-z])\) ?= ?"
        r"(?P<e>.+)",
        _substituted,
    ),
)

# After everything else: an equation without unknowns is a claim to be checked.
LAST_ROWS: tuple[Row, ...] = (row(r"(?P<e>[^=<>]+(?:=|<|>|<=|>=)[^=<>]+)", _bare_equation),)
