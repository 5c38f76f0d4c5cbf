"""Derivatives, integrals, limits, series and sums; integrals and limits are checked before they are told."""

from __future__ import annotations

import re

import mpmath
import sympy

from meshwright.providers.builtin.solve.build import Expr, build
from meshwright.providers.builtin.solve.confirm import quadrature, same, tends
from meshwright.providers.builtin.solve.grammar import formula
from meshwright.providers.builtin.solve.plain import plain
from meshwright.providers.builtin.solve.question import Question, Row, row
from meshwright.providers.builtin.solve.tree import Call, Node, Op, show, superscript, symbols, walk
from meshwright.providers.builtin.solve.values import Wish, number
from meshwright.types.errors import Declined

_ORDERS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
    "5th": 5,
}
_NAMED = re.compile(r"^(?:function )?(?:[fgh] ?\([a-z]\)|[fgy]) ?= ?", re.IGNORECASE)


def _variable(node: Node, named: str | None) -> str:
    """The unknown that is meant: the one that was named, or the only one."""
    names = symbols(node)
    if named:
        return named
    if len(names) > 1:
        raise Declined(f"With respect to which of {', '.join(sorted(names))}? Add “with respect to x”.")
    return next(iter(names), "x")


def _function(text: str) -> Node:
    """The formula, without the "y =" or "f(x) =" before it."""
    return formula(_NAMED.sub("", text.strip()))


def _derivative(match: re.Match[str], question: Question) -> str:
    groups = match.groupdict()
    order = _ORDERS.get((groups.get("order") or "first").lower()) or int(groups["order"].rstrip("sndrth"))
    if not 1 <= order <= 10:
        raise Declined("I take derivatives up to the tenth.")
    node = _function(match["e"])
    name = _variable(node, groups.get("v"))
    symbol = sympy.Symbol(name)
    found = sympy.diff(build(node), symbol, order)
    found = _shorter(found)
    if found.has(sympy.Derivative, sympy.Subs):
        raise Declined("I could not differentiate this.")
    power = "" if order == 1 else superscript(order)
    text = f"d{power}/d{show_name(name)}{power} ({show(node)}) = {plain(found)}{_natural(node)}"
    if groups.get("at"):
        point = build(formula(groups["at"]))
        value = number(sympy.simplify(found.subs(symbol, point)), question.wish)
        text += f"; at {show_name(name)} = {plain(point)}: {value.removeprefix('= ')}"
    return text


def show_name(name: str) -> str:
    """An unknown's name as it is written."""
    return plain(sympy.Symbol(name))


def _shorter(expr: Expr) -> Expr:
    """A shorter form of a sum of fractions; a sum of products stays as found, since it shows the rule that was used."""
    if sympy.count_ops(expr) > 80:
        return expr
    simpler = sympy.simplify(expr)
    worth = 1.0 if sympy.denom(sympy.together(expr)).free_symbols else 0.7
    return simpler if sympy.count_ops(simpler) < worth * sympy.count_ops(expr) else expr


def _integral(match: re.Match[str], question: Question) -> str:
    groups = match.groupdict()
    text, named = _differential(match["e"], groups.get("v") or groups.get("w"))
    node = _function(text)
    name = _variable(node, named)
    if groups.get("a"):
        return _definite(node, name, formula(match["a"]), formula(match["b"]), question.wish)
    symbol = sympy.Symbol(name)
    expr = build(node)
    found = sympy.integrate(expr, symbol)
    if found.has(sympy.Integral, sympy.Piecewise) or not same(sympy.diff(found, symbol), expr, symbol):
        raise Declined(f"I found no closed form for the integral of {show(node)}.")
    told = plain(_logs(_shorter(sympy.expand(found)), symbol))
    return f"∫ {_closed(node)} d{show_name(name)} = {told} + C{_natural(node)}"


def _logs(expr: Expr, symbol: Expr) -> Expr:
    """ln x becomes ln |x|, which is an antiderivative of 1/x on both sides of zero; ln(x² + 1) stays."""
    real = sympy.Symbol(symbol.name, real=True)

    def signed(part: Expr) -> bool:
        return isinstance(part, sympy.log) and part.has(symbol) and not part.args[0].subs(symbol, real).is_positive

    return expr.replace(signed, lambda part: sympy.log(sympy.Abs(part.args[0])))


def _differential(text: str, named: str | None) -> tuple[str, str | None]:
    """`x^2 dx` -> (`x^2`, x); `dx/x` -> (`1/x`, x)."""
    if match := re.fullmatch(r"(.*?)(?<![a-z])([xyztuv]?)d([a-z]|theta)", text.strip(), re.IGNORECASE):
        if match[2] and match[2] != match[3]:
            return text, named
        return (match[1] + match[2]).strip() or "1", match[3]
    if match := re.fullmatch(r"d([a-z]) ?/ ?(.+)", text.strip(), re.IGNORECASE):
        return f"1/({match[2]})", match[1]
    return text, named


def _definite(node: Node, name: str, low: Node, high: Node, wish: Wish) -> str:
    symbol = sympy.Symbol(name, real=True)
    expr = build(node).subs(sympy.Symbol(name), symbol)
    start, stop = build(low), build(high)
    if start.free_symbols or stop.free_symbols or expr.free_symbols - {symbol}:
        raise Declined("I take definite integrals of one unknown between two numbers.")
    value = sympy.integrate(expr, (symbol, start, stop))
    head = f"∫ from {show(low)} to {show(high)} of {_closed(node)} d{show_name(name)}"
    if value in (sympy.oo, -sympy.oo):
        return f"{head} diverges ({plain(value)})"
    measured = quadrature(expr, symbol, start, stop)
    if value.has(sympy.Integral, sympy.Piecewise, sympy.nan, sympy.zoo) or value.free_symbols:
        if measured is None:
            raise Declined("I found no value for this integral; it may not exist.")
        return f"{head} ≈ {mpmath.nstr(measured, 10)} (by numerical integration; I found no closed form)"
    exact = sympy.simplify(value) if sympy.count_ops(value) < 60 else value
    if measured is None or abs(complex(sympy.N(exact, 20)) - complex(measured)) > 1e-8 * (1 + abs(complex(measured))):
        raise Declined("Two ways to compute this integral disagree, so I do not trust either; it may not exist.")
    return f"{head} {number(exact, wish)}"


def _natural(node: Node) -> str:
    """Says how `log` was read."""
    return (
        " (log is the natural logarithm)"
        if any(isinstance(each, Call) and each.name == "log" for each in walk(node))
        else ""
    )


def _closed(node: Node) -> str:
    return f"({show(node)})" if isinstance(node, Op) and node.sign in "+-" else show(node)


def _limit(match: re.Match[str], question: Question) -> str:
    groups = match.groupdict()
    node = _function(match["e"])
    name, target = match["v"], match["at"].strip()
    side = (groups.get("side") or "").lower()
    if one_sided := re.fullmatch(r"(.*?[\d)a-z])\s*(?:\^\s*\(?\s*)?([+-])\s*\)?", target):
        target, side = one_sided[1], {"+": "right", "-": "left"}[one_sided[2]]
    side = {"above": "right", "below": "left", "positive": "right", "negative": "left"}.get(side, side)
    symbol, point, expr = sympy.Symbol(name), build(formula(target)), build(node)
    if expr.free_symbols - {symbol} and not expr.has(symbol):
        raise Declined(f"The formula has no {name} in it.")
    head = f"lim {show_name(name)}→{plain(point)}{ {'right': '⁺', 'left': '⁻'}.get(side, '') } {_closed(node)}"
    if point in (sympy.oo, -sympy.oo) or side:
        value = sympy.limit(expr, symbol, point, "-" if side == "left" else "+")
    else:
        left, value = (sympy.limit(expr, symbol, point, way) for way in "-+")
        if sympy.simplify(left - value) != 0 and left != value:
            _refuse_unclear(left, value)
            return f"{head} does not exist (from the left {plain(left)}, from the right {plain(value)})"
    _refuse_unclear(value)
    if expr.free_symbols == {symbol} and not tends(expr, symbol, point, value, left=side == "left"):
        raise Declined("Two ways to find this limit disagree, so I do not trust either.")
    return f"{head} {number(value, question.wish) if value.is_number else '= ' + plain(value)}"


def _refuse_unclear(*values: Expr) -> None:
    for value in values:
        if value.has(sympy.Limit, sympy.nan, sympy.zoo, sympy.AccumBounds):
            raise Declined("I could not find this limit; it may not exist.")


def _series(match: re.Match[str], question: Question) -> str:
    groups = match.groupdict()
    node = _function(match["e"])
    name = groups.get("v") or _variable(node, None)
    symbol = sympy.Symbol(name)
    point = build(formula(groups["at"])) if groups.get("at") else sympy.Integer(0)
    order = int(groups.get("n") or groups.get("terms") or 5)
    if order > 15:
        raise Declined("I give series up to order 15.")
    counted = bool(groups.get("terms"))
    # In t = x - point, so that each term can be written in powers of (x - point).
    shifted = build(node).subs(symbol, symbol + point)
    series = sympy.series(shifted, symbol, 0, 2 * order + 3 if counted else order + 1)
    if not series.removeO().is_polynomial(symbol):
        raise Declined("This has no power series there.")
    step = sympy.Symbol(f"({plain(symbol - point)})" if point != 0 else name)
    terms = sorted(sympy.Add.make_args(series.removeO()), key=lambda term: sympy.degree(term, symbol))
    written = " + ".join(plain(term.subs(symbol, step)) for term in terms[: order if counted else None]).replace(
        "+ -", "- "
    )
    if counted:
        return f"{show(node)} ≈ {written}"
    return f"{show(node)} = {written}" + ("" if series.getO() is None else f" + O({step}{superscript(order + 1)})")


def _sum(match: re.Match[str], question: Question) -> str:
    node = formula(match["e"])
    name = match["k"]
    low, high = formula(match["a"]), formula(match["b"])
    symbol, start, stop = sympy.Symbol(name, integer=True), build(low), build(high)
    if not start.is_Integer or (stop.is_number and not (stop.is_Integer or stop == sympy.oo)):
        raise Declined("I sum over whole numbers.")
    expr = build(node).subs(sympy.Symbol(name), symbol)
    if stop.is_Integer and stop - start > 10**6 and not expr.is_polynomial(symbol):
        raise Declined("This sum has too many terms.")
    value = sympy.summation(expr, (symbol, start, stop))
    if value.has(sympy.Sum, sympy.Piecewise):
        raise Declined("I found no closed form for this sum.")
    head = f"Σ {_closed(node)} for {show_name(name)} = {show(low)} to {show(high)}"
    if value.is_number:
        return f"{head} {number(sympy.simplify(value), question.wish)}"
    return f"{head} = {plain(sympy.factor(value))}"


def _first(match: re.Match[str], question: Question) -> str:
    """The sum of the first n odd numbers and their like, by their formulas."""
    count = int(match["n"].replace(",", ""))
    if count > 10**12:
        raise Declined("This sum has too many terms.")
    kind = match["kind"].lower()
    value = count * (count + 1) // 2
    if "odd" in kind:
        value = count * count
    elif "even" in kind:
        value = count * (count + 1)
    elif "square" in kind:
        value = count * (count + 1) * (2 * count + 1) // 6
    elif "cube" in kind:
        value = value * value
    return f"The sum of the first {count} {kind} = {value}"


def _run(match: re.Match[str], question: Question) -> str:
    low, high = int(match["a"]), int(match["b"])
    return (
        f"{low} + ... + {high} = {(low + high) * (high - low + 1) // 2}"
        if low <= high
        else f"There is nothing from {low} to {high}: the sum = 0"
    )


_D = r"(?:(?P<order>first|second|third|fourth|fifth|\d+(?:st|nd|rd|th)?) )?"
_WRT = r"(?: (?:with respect to|w\.?r\.?t\.?|for) (?P<v>[a-z]|theta))?"
_AT = r"(?: (?:at|when|where|for|evaluated at)(?: point)? (?:[a-z] ?= ?)?(?P<at>[^=]+?))?"
_TO = r"(?:goes to|approaches|tends to|->|=>|to|becomes)"
_SIDE = r"(?: from (?:the )?(?P<side>left|right|above|below)(?: side)?)?"
_BOUNDS = r"(?:from|between|over)(?: [a-z] ?=)? ?\[?(?P<a>.+?)(?: to | and |, ?)(?:[a-z] ?= ?)?(?P<b>.+?)\]?"
_INTEGRAL = r"(?:(?:indefinite |definite )?integral|integrate|anti-?derivative|primitive)(?: function)?(?: of)?"
ROWS: tuple[Row, ...] = (
    row(
        rf"(?:differentiate|derive|{_D}(?:partial )?derivative of|take"
        rf" {_D.replace('order', 'order2')}derivative of) (?P<e>.+?){_WRT}{_AT}",
        _derivative,
    ),
    row(rf"{_D}(?:partial )?derivative with respect to (?P<v>[a-z]) of (?P<e>.+?){_AT}", _derivative),
    row(rf"\(?d ?/ ?d(?P<v>[a-z]|theta)\)?(?: of)? ?(?P<e>.+?){_AT}", _derivative),
    row(rf"\(?d\^\(?(?P<order>\d)\)? ?/ ?d(?P<v>[a-z])\^\(?\d\)?\)?(?: of)? ?(?P<e>.+?){_AT}", _derivative),
    row(r"dy ?/ ?d(?P<v>[a-z]) (?:if|when|for|where|given|given that|of) (?P<e>.+)", _derivative),
    row(r"[fgh]'\((?P<v>[a-z])\) (?:if|when|for|where|given|given that) (?P<e>.+)", _derivative),
    row(
        r"(?:if |given |let )?(?P<e>[fgh]\([a-z]\) ?= ?.+?)(?:,|;|\.| then)* (?:find|what is|compute"
        r"|calculate)? ?[fgh]'\((?P<v>[a-z])\)",
        _derivative,
    ),
    row(r"[fgh]'\((?P<at>[^()]+)\) (?:if|when|for|where|given|given that) (?P<e>.+)", _derivative),
    row(rf"{_INTEGRAL}[ _]*{_BOUNDS}(?: of)? (?P<e>.+?)", _integral),
    row(r"integral ?_\(?(?P<a>[^()^ ]+)\)? ?\^\(?(?P<b>[^()^ ]+?)\)? (?P<e>.+)", _integral),
    row(
        rf"{_INTEGRAL} (?P<e>.+?)(?: (?:with respect to|w\.?r\.?t\.?) (?P<v>[a-z]|theta))?(?: for "
        rf"(?P<w>[a-z]))? {_BOUNDS}",
        _integral,
    ),
    row(rf"{_INTEGRAL} (?P<e>.+?)(?: (?:with respect to|w\.?r\.?t\.?) (?P<v>[a-z]|theta))?", _integral),
    row(rf"(?:limit|lim)(?: of)? (?P<e>.+?) (?:as|when|for) (?P<v>[a-z]) ?{_TO} ?(?P<at>.+?){_SIDE}", _limit),
    row(rf"(?:limit|lim) (?:as|when|for) (?P<v>[a-z]) ?{_TO} ?(?P<at>.+?){_SIDE}(?: of|,|:) ?(?P<e>.+)", _limit),
    row(r"lim(?:it)?[ _]*\(? ?(?P<v>[a-z]) ?(?:->|=>) ?(?P<at>[^()\s]+) ?\)?(?: of)? ?(?P<e>.+)", _limit),
    row(
        r"(?:taylor |maclaurin |power )?(?:series|polynomial|expansion)(?: expansion)? (?:of|for) "
        r"(?P<e>.+?)(?: (?:around|about|at|near|cent(?:er|re)d at)(?: (?P<v>[a-z]) ?=)? ?"
        r"(?P<at>[^=,]+?))?(?:,? (?:up )?(?:to|through)(?: order| degree)? (?P<n>\d+)(?:(?:st|nd|rd|th)"
        r" order)?)?",
        _series,
    ),
    row(
        r"first (?P<terms>\d+) (?:non-?zero )?terms of (?:taylor |maclaurin |power )?(?:series|expansion)"
        r"(?: expansion)? (?:of|for) (?P<e>.+?)(?: (?:around|about|at|near)(?: (?P<v>[a-z]) ?=)? ?"
        r"(?P<at>[^=,]+?))?",
        _series,
    ),
    row(
        r"sum of (?:all )?(?:integers|whole numbers|natural numbers|numbers) (?:from|between) "
        r"(?P<a>\d{1,12}) (?:to|and|through) (?P<b>\d{1,12})(?: inclusive)?",
        _run,
    ),
    row(
        r"sum of first (?P<n>[\d,]+) (?P<kind>(?:positive |natural |odd |even |perfect |square )*"
        r"(?:integers|whole numbers|numbers|naturals|squares|cubes))",
        _first,
    ),
    row(
        r"sum of (?P<e>.+?),? (?:for|from|where|as|with) (?P<k>[a-z]) ?(?:=|from|goes from|runs from)? ?"
        r"(?P<a>\S+?) ?(?:to|through|\.\.\.?) ?(?P<b>.+)",
        _sum,
    ),
    row(r"sum (?:from|for) (?P<k>[a-z]) ?(?:=|from) ?(?P<a>\S+) to (?P<b>\S+) of (?P<e>.+)", _sum),
    row(r"sum ?_\(? ?(?P<k>[a-z]) ?= ?(?P<a>[^()^ ]+) ?\)? ?\^\(?(?P<b>[^()^ ]+?)\)? ?(?P<e>.+)", _sum),
)
