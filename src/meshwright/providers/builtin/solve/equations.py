"""Solves equations, systems and inequalities; every root is put back into the equation before it is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import mpmath
import sympy

from meshwright.providers.builtin.solve.build import Expr, build, build_relation
from meshwright.providers.builtin.solve.grammar import chain, formula, relation
from meshwright.providers.builtin.solve.plain import plain
from meshwright.providers.builtin.solve.question import Question, Row, row
from meshwright.providers.builtin.solve.size import check_degree
from meshwright.providers.builtin.solve.tree import Call, Node, Rel, show, symbols, walk
from meshwright.providers.builtin.solve.values import decimals, number
from meshwright.types.errors import Declined

_PARTS = re.compile(r"\s*(?:;|,\s*and\s|,|\sand\s)\s*", re.IGNORECASE)
_MAX_DEGREE = 12
_LONG = 40
"""Characters from which a root is told as a decimal only."""


def _solve(match: re.Match[str], question: Question) -> str | None:
    text, wanted = match["e"].strip(), match.groupdict().get("v")
    if enclosed := re.fullmatch(r"\(([^()]*=.*)\)", text):  # {x + y = 3, x - y = 1}
        text = enclosed[1]
    if not re.search(r"[=<>]", text):
        if not match.groupdict().get("verb"):
            return None
        text += " = 0"
    parts = [part for part in _PARTS.split(text) if part]
    if len(parts) > 6:
        raise Declined("I take systems of up to six equations.")
    relations = [link for part in parts for link in chain(part)]
    if not all(isinstance(each, Rel) for each in relations):
        raise Declined("I expected an equation.")
    links = [each for each in relations if isinstance(each, Rel)]
    for each in links:
        check_degree(each)
        if any(isinstance(part, Call) and part.name == "log" for part in walk(each)):
            raise Declined("log may be the natural logarithm or the one to base 10: write ln or log_10.")
    names = set().union(*(symbols(each) for each in links))
    unknowns = _unknowns(names, wanted, len(links))
    if not unknowns:
        return None
    if any(each.sign != "=" for each in links):
        return _inequality(links, unknowns)
    if len(links) > 1:
        return _system(links, unknowns)
    return _equation(links[0], unknowns[0])


def _unknowns(names: set[str], wanted: str | None, equations: int) -> list[str]:
    """What to solve for: what was asked, else the only unknown, or as many as there are equations."""
    if wanted:
        asked = [each for each in re.split(r"[\s,]+|and", wanted) if each]
        missing = [each for each in asked if each not in names]
        if missing:
            raise Declined(f"There is no {missing[0]} in the equation.")
        return asked
    if len(names) <= equations:
        return sorted(names)
    raise Declined(f"Which of {', '.join(sorted(names))} do you want? Add “for x”.")


def _equation(link: Rel, name: str) -> str:
    symbol = sympy.Symbol(name)
    difference = build(link.left) - build(link.right)
    head = f"{show(link)}"
    if sympy.simplify(difference) == 0:
        return f"{head} is true for every {name}"
    if not difference.has(symbol) or not sympy.simplify(difference).has(symbol):
        return f"{head} has no solution"
    expanded = sympy.together(difference)
    above, below = sympy.fraction(expanded)
    if above.is_polynomial(symbol):
        roots = _polynomial_roots(above, below, symbol)
        leading = sympy.LC(sympy.expand(above), symbol)
        unless = f" (where {plain(leading)} ≠ 0)" if leading.free_symbols else ""
        return f"{head}: " + (_listed(name, roots) + unless if roots else "no solution")
    return f"{head}: " + _transcendental(difference, name)


def _polynomial_roots(above: Expr, below: Expr, symbol: Expr) -> list[Expr]:
    """All roots of a polynomial, exactly where that is short, except those at which the denominator vanishes."""
    polynomial = sympy.Poly(sympy.expand(above), symbol)
    if polynomial.degree() > _MAX_DEGREE:
        raise Declined(f"I solve polynomial equations up to degree {_MAX_DEGREE}.")
    parameters = bool(polynomial.free_symbols - {symbol})
    found = sympy.roots(polynomial)
    if sum(found.values()) != polynomial.degree():
        if parameters:
            raise Declined("I found no closed form for the solutions.")
        return [root for root in polynomial.nroots(n=15, maxsteps=200) if _is_root(above, symbol, root, 1e-6)]
    kept = []
    for root in found:
        if below.has(symbol) and sympy.simplify(below.subs(symbol, root)) == 0:
            continue
        if not parameters and not _is_root(above, symbol, root, 1e-9):
            raise Declined("I could not confirm a solution, so I do not tell any.")
        kept.append(root)
    return kept


def _is_root(expr: Expr, symbol: Expr, root: Expr, tolerance: float) -> bool:
    value = sympy.N(expr.subs(symbol, root), 30)
    size = sum(abs(sympy.N(term.subs(symbol, root), 15)) for term in sympy.Add.make_args(sympy.expand(expr)))
    return bool(value.is_number and abs(value) <= tolerance * (1 + size))


def _listed(name: str, roots: Sequence[Expr]) -> str:
    """`x = 2 or x = 3`, real ones first and in order, long ones as decimals."""
    shown = plain(sympy.Symbol(name))
    real = (
        [root for root in roots if sympy.im(sympy.N(root, 20)) == 0]
        if not any(root.free_symbols for root in roots)
        else []
    )
    ordered = sorted(real, key=lambda root: sympy.re(sympy.N(root, 20))) + [root for root in roots if root not in real]
    if any(root not in real for root in ordered) and real:
        ordered = real_first(ordered, real)
    return " or ".join(f"{shown} {_root(root)}" for root in ordered)


def real_first(roots: list[Expr], real: list[Expr]) -> list[Expr]:
    """Real roots, then the others by their imaginary part."""
    others = [root for root in roots if root not in real]
    return [*(root for root in roots if root in real), *sorted(others, key=lambda root: sympy.im(sympy.N(root, 20)))]


def _root(root: Expr) -> str:
    if root.free_symbols:
        return f"= {plain(sympy.simplify(root))}"
    if root.is_Float or (not root.is_Rational and root.has(sympy.Float)):
        return f"≈ {decimals(root)}"
    if root.is_Rational:
        return number(root)
    text = plain(sympy.radsimp(root))
    if len(text) > _LONG:
        return f"≈ {decimals(root)}"
    approximate = decimals(root)
    return f"= {text}" if approximate == text else f"= {text} ≈ {approximate}"


def _transcendental(difference: Expr, name: str) -> str:
    symbol = sympy.Symbol(name, real=True)
    expr = difference.subs(sympy.Symbol(name), symbol)
    if expr.free_symbols - {symbol}:
        solutions = sympy.solve(expr, symbol)
        if not solutions:
            raise Declined("I found no closed form for the solutions.")
        return _listed(name, solutions)
    found = sympy.solveset(expr, symbol, sympy.S.Reals)
    if found is sympy.S.EmptySet:
        return f"no real solution for {name}"
    if isinstance(found, sympy.FiniteSet):
        roots = list(found)
        if all(_is_root(expr, symbol, root, 1e-9) for root in roots):
            return _listed(name, roots)
    periodic = _periodic(found, expr, symbol)
    if periodic:
        return " or ".join(f"{plain(sympy.Symbol(name))} = {each}" for each in periodic) + " (n any whole number)"
    crossings = _crossings(expr, symbol)
    if not crossings:
        raise Declined("I found no closed form for the solutions.")
    shown = plain(sympy.Symbol(name))
    return (
        " or ".join(f"{shown} ≈ {each}" for each in crossings)
        + " (found numerically between -50 and 50; there may be others)"
    )


def _crossings(expr: Expr, symbol: Expr) -> list[str]:
    """Where a continuous function changes its sign between -50 and 50, to ten digits; at most eight places."""
    function = sympy.lambdify(symbol, expr, "mpmath")

    def at(place: mpmath.mpf) -> mpmath.mpf | None:
        try:
            value = function(place)
        except (ZeroDivisionError, ValueError, OverflowError):
            return None  # outside the domain
        return value if isinstance(value, mpmath.mpf) and mpmath.isfinite(value) else None

    found: list[str] = []
    places = [mpmath.mpf(step) / 8 + mpmath.mpf("0.0137") for step in range(-400, 401)]
    for low, high in pairwise(places):
        first, second = at(low), at(high)
        if first is None or second is None or first * second >= 0:
            continue
        for _ in range(60):
            middle = (low + high) / 2
            value = at(middle)
            if value is None:
                break
            low, high, first = (middle, high, value) if first * value > 0 else (low, middle, first)
        residue = at((low + high) / 2)
        if residue is not None and abs(residue) < 1e-9:  # not a pole
            found.append(mpmath.nstr((low + high) / 2, 10).removesuffix(".0"))
    if len(found) > 8:
        raise Declined("There are more than eight solutions between -50 and 50, and no closed form for them.")
    return found


def _periodic(found: Expr, expr: Expr, symbol: Expr) -> list[str]:
    """`pi/6 + 2 pi n` for each branch of a periodic solution, [] when it is none."""
    branches = found.args if isinstance(found, sympy.Union) else (found,)
    texts = []
    for branch in branches:
        if not isinstance(branch, sympy.ImageSet) or branch.base_set != sympy.S.Integers:
            return []
        index = branch.lamda.variables[0]
        image = sympy.expand(branch.lamda.expr)
        if not all(_is_root(expr, symbol, image.subs(index, at), 1e-9) for at in (0, 1, -2)):
            return []
        start, step = image.subs(index, 0), sympy.expand(image - image.subs(index, 0)).coeff(index)
        step_text = plain(abs(step) * sympy.Symbol("n"))
        texts.append(step_text if start == 0 else f"{plain(start)} + {step_text}")
    return texts


def _system(links: Sequence[Rel], names: Sequence[str]) -> str:
    unknowns = [sympy.Symbol(name) for name in names]
    equations = [build(link.left) - build(link.right) for link in links]
    found = sympy.solve(equations, unknowns, dict=True)
    head = "; ".join(show(link) for link in links)
    if not found:
        if all(each.is_polynomial(*unknowns) and sympy.Poly(each, *unknowns).total_degree() <= 1 for each in equations):
            return f"{head}: no solution"
        raise Declined("I found no solution of this system.")
    if len(found) > 8:
        raise Declined("This system has more solutions than I list.")
    texts = []
    for solution in found:
        if any(sympy.simplify(each.subs(solution)) != 0 for each in equations):
            raise Declined("I could not confirm a solution, so I do not tell any.")
        free = [each for each in unknowns if each not in solution]
        text = ", ".join(f"{plain(each)} {_root(solution[each])}" for each in unknowns if each in solution)
        texts.append(text + (f" ({', '.join(map(plain, free))} any number)" if free else ""))
    return f"{head}: " + " or ".join(texts)


def _inequality(links: Sequence[Rel], names: Sequence[str]) -> str:
    if len(names) != 1:
        raise Declined("I solve inequalities in one unknown.")
    symbol = sympy.Symbol(names[0], real=True)
    found: Expr = sympy.S.Reals
    for link in links:
        made = build_relation(link)
        if made == sympy.false:
            found = sympy.S.EmptySet
        elif made != sympy.true:
            made = made.subs(sympy.Symbol(names[0]), symbol)
            found = found.intersect(sympy.solve_univariate_inequality(made, symbol, relational=False))
    head = " and ".join(show(link) for link in links)
    return f"{head}: {_intervals(found, names[0])}"


def _intervals(found: Expr, name: str) -> str:
    shown = plain(sympy.Symbol(name))
    if found is sympy.S.EmptySet:
        return "no real solution"
    if found == sympy.S.Reals:
        return f"true for every real {shown}"
    texts = []
    for part in found.args if isinstance(found, sympy.Union) else (found,):
        if isinstance(part, sympy.FiniteSet):
            texts += [f"{shown} = {plain(each)}" for each in part]
        elif isinstance(part, sympy.Interval):
            low = "" if part.start == -sympy.oo else f"{plain(part.start)} {'<' if part.left_open else '≤'} "
            high = "" if part.end == sympy.oo else f" {'<' if part.right_open else '≤'} {plain(part.end)}"
            if not high:
                texts.append(f"{shown} {'>' if part.left_open else '≥'} {plain(part.start)}")
            else:
                texts.append(f"{low}{shown}{high}")
        else:
            raise Declined("I found no closed form for the solutions.")
    return " or ".join(texts)


def _subject(match: re.Match[str], question: Question) -> str | None:
    node: Node = relation(match["e"])
    if not isinstance(node, Rel):
        return None
    return _equation(node, match["v"])


def _zeros(match: re.Match[str], question: Question) -> str | None:
    text = re.sub(r"^(?:[fgh] ?\([a-z]\)|y) ?= ?", "", match["e"])
    if "=" in text:
        return _solve(match, question)
    node = formula(text)
    check_degree(node)
    names = symbols(node)
    if len(names) != 1:
        raise Declined("I look for the zeros of a formula in one unknown.")
    return _equation(Rel("=", node, formula("0")), next(iter(names)))


_V = r"(?P<v>[a-zA-Z](?:(?:,| and|, and) ?[a-zA-Z])*)"
_SYSTEM = (
    r"(?:(?:simultaneous |linear |quadratic |following |given )*"
    r"(?:system(?: of equations)?|equations?|inequality|inequalities)(?: of equations)?)?:? ?"
)
ROWS: tuple[Row, ...] = (
    row(rf"solve for {_V}(?: in| if| when|,|:|;)* (?:{_SYSTEM})(?P<e>.+)", _solve),
    row(rf"(?P<verb>solve) (?:{_SYSTEM})(?P<e>.+?),? (?:and solve )?for {_V}", _solve),
    row(rf"(?P<verb>solve)(?: system| equation)?:? (?:{_SYSTEM})(?P<e>.+)", _solve),
    row(
        r"(?:real )?(?:roots?|zeros?|zeroes|solutions?|x-intercepts) (?:of|to|for) (?:equation "
        r"|polynomial |function |quadratic )*(?P<e>.+)",
        _zeros,
    ),
    row(r"make (?P<v>[a-zA-Z]) subject of (?P<e>.+)", _subject),
    row(rf"{_V} (?:if|in|when|given|given that|such that|where|so that|from|for which) (?P<e>.+=.+)", _solve),
    row(
        r"(?:if|given(?: that)?) (?P<e>[^=]+=[^=]+?)(?:,|;|\.| then)+ (?:what is |find |solve for |then"
        rf" )*{_V}",
        _solve,
    ),
    row(rf"(?P<e>[^=]+=[^=]+?)(?:,|;|\.)? (?:what is|find|solve for) {_V}", _solve),
    row(r"(?P<e>.+[=<>].+)", _solve),
)
