"""Second ways to find what SymPy found: an integral or a limit is only told when its numbers agree with it."""

from __future__ import annotations

import mpmath
import sympy

from meshwright.providers.builtin.solve.build import Expr

# Points at which two functions are compared: no zeros, no multiples of pi, no units.
_PROBES = (sympy.Rational(37, 100), sympy.Rational(83, 71), sympy.Rational(217, 83))


def quadrature(expr: Expr, symbol: Expr, start: Expr, stop: Expr) -> mpmath.mpf | None:
    """The integral by tanh-sinh quadrature, None when two subdivisions do not agree."""
    function = sympy.lambdify(symbol, expr, "mpmath")
    ends = [mpmath.inf if end == sympy.oo else -mpmath.inf if end == -sympy.oo else mpmath.mpf(str(sympy.N(end, 25)))
            for end in (start, stop)]  # fmt: skip
    corners = _corners(expr, symbol, start, stop)
    if corners:
        ends = [ends[0], *corners, ends[1]]
    try:
        whole, error = mpmath.quad(function, ends, error=True)
        parts = mpmath.quad(function, sorted([*ends, _between(ends)], reverse=bool(ends[0] > ends[-1])))
    except (ZeroDivisionError, OverflowError, ValueError, TypeError):
        return None  # a singularity on a node: not an integral to vouch for
    if error > 1e-8 * (1 + abs(whole)) or abs(whole - parts) > 1e-8 * (1 + abs(whole)):
        return None
    return whole


def _between(ends: list[mpmath.mpf]) -> mpmath.mpf:
    """A point inside the interval, not in its middle, so that the second subdivision has other nodes."""
    first, last = ends[0], ends[-1]
    if mpmath.isfinite(first) and mpmath.isfinite(last):
        return first + (last - first) * mpmath.mpf("0.41")
    if mpmath.isfinite(first):
        return first + 1
    return last - 1 if mpmath.isfinite(last) else mpmath.mpf("0.3")


def _corners(expr: Expr, symbol: Expr, start: Expr, stop: Expr) -> list[mpmath.mpf]:
    """Where an absolute value inside the interval has its corner."""
    found = set()
    for part in expr.atoms(sympy.Abs):
        if part.args[0].is_polynomial(symbol):
            found |= {root for root in sympy.roots(part.args[0], symbol) if root.is_real and start < root < stop}
    return sorted(mpmath.mpf(str(sympy.N(root, 25))) for root in found)


def same(one: Expr, other: Expr, symbol: Expr) -> bool:
    """Whether two expressions agree at the probes; unknowns beside `symbol` get numbers of their own."""
    others = sorted((one.free_symbols | other.free_symbols) - {symbol}, key=str)
    fixed = {each: sympy.Rational(7 + 4 * at, 5 + at) for at, each in enumerate(others)}
    agreed = 0
    for probe in _PROBES:
        values = [sympy.N(side.subs(fixed).subs(symbol, probe), 25) for side in (one, other)]
        if not all(value.is_number and value.is_finite for value in values):
            continue
        if abs(values[0] - values[1]) > sympy.Float("1e-12") * (1 + abs(values[1])):
            return False
        agreed += 1
    return agreed > 0


def tends(expr: Expr, symbol: Expr, point: Expr, value: Expr, *, left: bool) -> bool:
    """Whether the function comes closer to the limit on its last steps there, as far as its numbers tell."""
    function = sympy.lambdify(symbol, expr, "mpmath")
    with mpmath.workdps(60):
        steps = (mpmath.mpf(10) ** -3, mpmath.mpf(10) ** -6)
        if point in (sympy.oo, -sympy.oo):
            places = [int(sympy.sign(point)) / step for step in steps]
        else:
            start = mpmath.mpmathify(sympy.N(point, 60))
            places = [start - step if left else start + step for step in steps]
        try:
            near, nearest = (function(place) for place in places)
        except (ZeroDivisionError, OverflowError, ValueError, TypeError):
            return True  # out of reach for numbers, which says nothing against it
        if value in (sympy.oo, -sympy.oo):
            return bool(abs(nearest) > abs(near) and mpmath.re(nearest) * int(sympy.sign(value)) > 0)
        target = mpmath.mpmathify(sympy.N(value, 60))
        gap, last = abs(near - target), abs(nearest - target)
        return bool(last < mpmath.mpf(10) ** -6 or last < gap)
