"""Whole numbers and lists of numbers: divisors, primes, counting, statistics, other bases, rounding."""

from __future__ import annotations

import math
import re
from fractions import Fraction

import sympy

from meshwright.providers.builtin.solve import limits
from meshwright.providers.builtin.solve.algebra import prime_factors
from meshwright.providers.builtin.solve.build import build
from meshwright.providers.builtin.solve.grammar import formula
from meshwright.providers.builtin.solve.question import Question, Row, items, row
from meshwright.providers.builtin.solve.size import rational
from meshwright.providers.builtin.solve.tree import show
from meshwright.providers.builtin.solve.values import Wish, number
from meshwright.types.errors import Declined


def _whole(text: str, most: int | None = None) -> int:
    """A whole number from a formula such as 2^31 - 1. Raises Declined for anything else."""
    value = rational(formula(text))
    if value is None or value.denominator != 1:
        raise Declined(f"“{text}” is not a whole number.")
    if most is not None and abs(value) > most:
        raise Declined(f"{text} is over {most}, which is more than I take here.")
    return int(value)


def _fractions(text: str) -> list[Fraction]:
    values = [rational(each) for each in items(text)]
    found = [value for value in values if value is not None]
    if len(found) != len(values):
        raise Declined("I take lists of plain numbers.")
    return found


def _together(match: re.Match[str], question: Question) -> str:
    kind = "gcd" if match["what"].lower().startswith(("g", "h")) else "lcm"
    values = _fractions(match["list"])
    if len(values) < 2 or any(value.denominator != 1 or value == 0 for value in values):
        raise Declined(f"I take the {kind} of two or more whole numbers.")
    whole = [int(value) for value in values]
    result = math.gcd(*whole) if kind == "gcd" else math.lcm(*whole)
    return f"{kind}({', '.join(map(str, whole))}) = {result}"


def _is_prime(match: re.Match[str], question: Question) -> str:
    value = _whole(match["n"])
    if len(str(abs(value))) > 300:
        raise Declined("I test numbers of up to 300 digits.")
    shown = match["n"].strip() if match["n"].strip().isdigit() else f"{match['n'].strip()} = {value}"
    if sympy.isprime(value):
        return f"Yes, {shown} is prime"
    if value < 2 or len(str(value)) > 20:
        return f"No, {shown} is not prime"
    return f"No, {shown} is not prime: {value} = {prime_factors(value)}"


def _divisible(match: re.Match[str], question: Question) -> str:
    value, by = _whole(match["n"]), _whole(match["d"])
    if by == 0:
        raise Declined("Nothing is divisible by zero.")
    quotient, rest = divmod(value, by)
    if rest:
        return f"No, {value} is not divisible by {by}: {value} = {quotient} × {by} + {rest}"
    return f"Yes, {value} is divisible by {by}: {value} = {quotient} × {by}"


def _parity(match: re.Match[str], question: Question) -> str:
    value = _whole(match["n"])
    return f"{value} is {'odd' if value % 2 else 'even'}"


def _divisors(match: re.Match[str], question: Question) -> str:
    value = _whole(match["n"], 10**18)
    if value < 1:
        raise Declined("I list the divisors of whole numbers from 1.")
    found = sympy.divisors(value)
    if match.groupdict().get("count"):
        return f"{value} has {len(found)} divisors"
    if len(found) > 300:
        raise Declined(f"{value} has {len(found)} divisors, which is more than I list.")
    return f"The divisors of {value} are {', '.join(map(str, found))}"


def _next_prime(match: re.Match[str], question: Question) -> str:
    value, after = _whole(match["n"], 10**40), match["way"].lower() in ("after", "greater than", "above", "larger than")
    if not after and value <= 2:
        return f"There is no prime below {value}"
    if after:
        return f"The next prime after {value} is {sympy.nextprime(value)}"
    return f"The last prime before {value} is {sympy.prevprime(value)}"


def _nth(match: re.Match[str], question: Question) -> str:
    kind, place = match["what"].lower(), _whole(match["n"], 10_000)
    if place < 1:
        raise Declined("I count from 1.")
    value = sympy.prime(place) if kind == "prime" else sympy.fibonacci(place)
    told = f"prime number {place}" if kind == "prime" else f"Fibonacci number F({place}), with F(1) = F(2) = 1,"
    return f"{told[0].upper()}{told[1:]} is {value}"


def _primes(match: re.Match[str], question: Question) -> str:
    groups = match.groupdict()
    high = _whole(groups["b"], 10**7)
    low = _whole(groups["a"], 10**7) if groups.get("a") else 2
    strict = (groups.get("way") or "").lower() in ("below", "less than", "under", "smaller than")
    found = list(sympy.primerange(low, high + (0 if strict else 1)))
    span = f"below {high}" if strict else f"from {low} to {high}"
    if groups.get("count"):
        return f"There are {len(found)} primes {span}"
    if len(found) > 200:
        raise Declined(f"There are {len(found)} primes {span}, which is more than I list.")
    return f"The primes {span} are {', '.join(map(str, found))}" if found else f"There are no primes {span}"


def _choose(match: re.Match[str], question: Question) -> str:
    total, taken = _whole(match["n"], 10_000), _whole(match["k"], 10_000)
    if not 0 <= taken <= total:
        raise Declined("I choose between none and all of a number of things.")
    if match.groupdict().get("perm"):
        return _bounded(f"P({total}, {taken})", math.perm(total, taken))
    return _bounded(f"C({total}, {taken})", math.comb(total, taken))


def _bounded(head: str, value: int) -> str:
    if value.bit_length() > limits.MAX_DIGITS * 3.3:
        raise Declined(f"The result has over {limits.MAX_DIGITS} digits.")
    return f"{head} = {value}"


def _statistic(match: re.Match[str], question: Question) -> str:
    what, values = re.sub(r"\s+", " ", match["what"].lower()), _fractions(match["list"])
    if len(values) < 2:
        raise Declined(f"I take the {what} of two or more numbers.")
    ordered, count = sorted(values), len(values)
    if what == "mode":
        most = max(values.count(value) for value in values)
        if most == 1:
            return "There is no mode: every number appears once"
        modes = sorted({value for value in values if values.count(value) == most})
        return (
            f"The mode is {' and '.join(number(_rational(each), question.wish)[2:] for each in modes)} ({most} times)"
        )
    if what in ("standard deviation", "variance") or what.startswith(("sample", "population")):
        return _spread(what, values, question.wish)
    value = {
        "median": (ordered[(count - 1) // 2] + ordered[count // 2]) / 2,
        "range": ordered[-1] - ordered[0],
        "max": ordered[-1], "maximum": ordered[-1], "largest": ordered[-1], "biggest": ordered[-1],
        "greatest": ordered[-1],
        "min": ordered[0], "minimum": ordered[0], "smallest": ordered[0], "least": ordered[0],
    }.get(what, sum(values, Fraction(0)) / count)  # fmt: skip
    named = {"average": "mean", "arithmetic mean": "mean"}.get(what, what)
    ends = 10**14 % value.denominator == 0  # as a decimal
    wish = Wish(question.wish.places, question.wish.form or ("decimal" if ends else ""))
    return f"The {named} of the {count} numbers {number(_rational(value), wish)}"


def _spread(what: str, values: list[Fraction], wish: Wish) -> str:
    """Variance or standard deviation: of the population and of a sample, unless one was asked for."""
    mean = sum(values, Fraction(0)) / len(values)
    squares = sum(((value - mean) ** 2 for value in values), Fraction(0))
    told = []
    for kind, divisor in (("population", len(values)), ("sample", len(values) - 1)):
        if what.startswith(("sample", "population")) and not what.startswith(kind):
            continue
        value = _rational(squares / divisor)
        told.append(f"{kind} {number(value if what.endswith('variance') else sympy.sqrt(value), wish)}")
    name = "variance" if what.endswith("variance") else "standard deviation"
    return f"The {name}: {'; '.join(told)}"


def _rational(value: Fraction) -> sympy.Rational:
    return sympy.Rational(value.numerator, value.denominator)


def _reciprocal(match: re.Match[str], question: Question) -> str:
    node = formula(match["n"])
    value = build(node)
    if value == 0 or not value.is_number:
        raise Declined("Zero has no reciprocal." if value == 0 else "I take reciprocals of numbers.")
    return f"1/{show(node)} {number(1 / value, question.wish)}"


def _round(match: re.Match[str], question: Question) -> str:
    node = formula(match["n"])
    places = question.wish.places
    if places is None:
        return f"{show(node)} {number(build(node), Wish(places=0))}"
    return f"{show(node)} {number(build(node), question.wish)}"


_BASES = {"binary": 2, "octal": 8, "decimal": 10, "hexadecimal": 16, "hex": 16}
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _in_base(match: re.Match[str], question: Question) -> str | None:
    groups = match.groupdict()
    text = match["n"].lower()
    source = _base(groups.get("source") or (groups.get("s2") or "").removeprefix("in "))
    for prefix, value in (("0x", 16), ("0b", 2), ("0o", 8)):
        if text.startswith(prefix) and source in (None, value):
            text, source = text[2:], value
    target = _base(match["target"])
    if target is None:
        return None
    source = source or 10
    if source == target:
        raise Declined("Both bases are the same.")
    if not text or len(text) > limits.MAX_LITERAL or any(digit not in _DIGITS[:source] for digit in text):
        raise Declined(f"“{match['n']}” is not a whole number in base {source}.")
    value = int(text, source)
    written = ""
    rest = value
    while rest:
        rest, digit = divmod(rest, target)
        written = _DIGITS[digit] + written
    shown = text.upper() if source > 10 else text
    return f"{shown} (base {source}) = {(written or '0').upper() if target > 10 else written or '0'} (base {target})"


def _base(text: str) -> int | None:
    text = text.lower().strip()
    if text in _BASES:
        return _BASES[text]
    match = re.fullmatch(r"base (\d{1,2})", text)
    if not match:
        return None
    if not 2 <= int(match[1]) <= 36:
        raise Declined("I know the bases from 2 to 36.")
    return int(match[1])


_BASE = r"(?:binary|octal|decimal|hexadecimal|hex|base \d{1,2})"
_STATISTIC = (
    r"(?P<what>(?:sample |population )?(?:standard deviation|variance)|mean|average|arithmetic mean|median|mode|range|"
    r"max|maximum|largest|biggest|greatest|min|minimum|smallest|least)"
)
ROWS: tuple[Row, ...] = (
    row(
        r"(?P<what>gcd|gcf|hcf|lcm|greatest common (?:divisor|factor)|highest common factor|(?:least"
        r"|lowest|smallest) common multiple)(?: of| between)?:? (?P<list>[^a-z]*\d.*)",
        _together,
    ),
    row(r"(?P<list>\d+ and \d+)'s (?P<what>gcd|lcm)", _together),
    row(r"is (?P<n>[\d^+\-*,() ]+) (?:a )?prime(?: number)?(?: or (?:not|composite))?", _is_prime),
    row(r"is (?P<n>[\d^+\-*,() ]+) divisible by (?P<d>[\d^+\-*,() ]+)", _divisible),
    row(r"is (?P<n>[\d^+\-*,() ]+) (?:an? )?(?:even or odd|odd or even|even|odd)(?: number)?", _parity),
    row(r"(?:all |list )*(?:divisors|factors)(?: of| for) (?P<n>[\d,^]+)", _divisors),
    row(r"how many (?P<count>divisors|factors) does (?P<n>[\d,^]+) have", _divisors),
    row(
        r"(?:next|first|smallest|last|previous|largest) prime(?: number)? (?P<way>after|greater than"
        r"|above|larger than|before|below|less than|smaller than) (?P<n>[\d,^]+)",
        _next_prime,
    ),
    row(r"(?P<n>\d+)(?:st|nd|rd|th) (?P<what>prime|fibonacci)(?: number)?", _nth),
    row(
        r"(?:list |all )*(?P<count>how many )?prime(?:s| numbers?)(?: are there| exist)? (?P<way>below"
        r"|less than|under|smaller than|up to) (?P<b>[\d,^]+)",
        _primes,
    ),
    row(
        r"(?:list |all )*(?P<count>how many )?prime(?:s| numbers?)(?: are there| exist)? (?:between|from)"
        r" (?P<a>[\d,^]+) (?:and|to) (?P<b>[\d,^]+)",
        _primes,
    ),
    row(
        r"(?P<n>\d+) choose (?P<k>\d+)|C\((?P<n2>\d+), ?(?P<k2>\d+)\)",
        lambda match, question: _choose(match, question) if match["n"] else None,
    ),
    row(
        r"(?:number of )?(?:combinations|binomial coefficient)(?: of)? (?P<n>\d+) (?:things |items "
        r"|objects )?(?:taken |choose |over |and )?(?P<k>\d+)(?: at a time)?",
        _choose,
    ),
    row(
        r"(?P<perm>(?:number of )?permutations)(?: of)? (?P<n>\d+) (?:things |items |objects )?(?:taken"
        r" )?(?P<k>\d+)(?: at a time)?",
        _choose,
    ),
    row(
        rf"{_STATISTIC}(?: value| number)?(?: of| for| in)?(?: (?:numbers|data|data set|list|values))?:? "
        rf"(?P<list>[-\d(\[{{].*)",
        _statistic,
    ),
    row(r"(?:reciprocal|multiplicative inverse) of (?P<n>.+)", _reciprocal),
    row(r"round(?: off)? (?P<n>[-\d.,/pie sqrt()]+?)", _round),
    row(
        rf"(?:convert )?(?P<source>{_BASE})? ?(?:number )?(?P<n>0x[0-9a-f]+|[0-9a-z]*\d[0-9a-z]*|[a-f]+)"
        rf"(?: from)?(?: (?P<s2>in {_BASE}))?,? (?:to|in|into|as) (?P<target>{_BASE})",
        _in_base,
    ),
    row(rf"(?:convert )?(?P<n>[0-9a-z]+) (?:from|in) (?P<source>{_BASE}) (?:to|into) (?P<target>{_BASE})", _in_base),
)
