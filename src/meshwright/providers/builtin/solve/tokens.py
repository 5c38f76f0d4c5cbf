"""Cuts a formula into numbers, names and signs. An unknown word ends it: nothing is guessed."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal, NamedTuple

from meshwright.providers.builtin.solve import limits
from meshwright.providers.builtin.solve.tree import GREEK
from meshwright.types.errors import Declined


class Unread(Declined):
    """The text is not understood as a formula: another way to read the question may still fit."""


class Token(NamedTuple):
    """One piece. `name` and `call` hold canonical names; `spaced` says that a space stood before it."""

    kind: Literal["number", "name", "call", "constant", "sign", "end"]
    text: str
    value: Fraction = Fraction(0)
    spaced: bool = False


FUNCTIONS = {
    "sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc", "cosec": "csc",
    "sine": "sin", "cosine": "cos", "tangent": "tan",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "asin": "asin", "acos": "acos", "atan": "atan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "asinh", "acosh": "acosh", "atanh": "atanh",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "exp": "exp", "ln": "ln", "log": "log", "lg": "log10", "sqrt": "sqrt", "cbrt": "cbrt", "abs": "abs",
    "floor": "floor", "ceil": "ceil", "ceiling": "ceil", "gcd": "gcd", "gcf": "gcd", "hcf": "gcd", "lcm": "lcm",
    "max": "max", "min": "min", "factorial": "factorial",
}  # fmt: skip
MANY = frozenset({"gcd", "lcm", "max", "min"})
_CONSTANTS = {"pi": "pi", "e": "e", "i": "i", "infinity": "oo", "inf": "oo", "oo": "oo"}
_PIECES = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?|\.\d+)"
    r"|(?P<power>(?<=[\d.])e[+-]?\d+\b)"
    r"|(?P<name>log(?:2|10)(?= ?[(\[])|[A-Za-z]+(?:_[A-Za-z0-9]+)?)"
    r"|(?P<sign><=|>=|->|[-+*/^()\[\]|,=<>!%$])"
)
_PLAIN_LIST = re.compile(r"(?P<space>\s+)|(?P<number>\d+(?:\.\d+)?|\.\d+)")
# "xsin", "sinx", "xy", "2ax": letters that touch, as long as they can be nothing else.
_GLUED = re.compile(r"([xyztuvw]{0,2})(sin|cos|tan|cot|sec|csc|ln|log|exp|sqrt)([xyztuvw]|theta)?")
_LETTERS = re.compile(r"[xyz]{2,3}|[xyzt]e|(?!by|my)[abckmnpq][xyz]|ab|ac|bc|abc|mn|pq")


def cut(text: str) -> list[Token]:
    """The tokens of `text`, an end token last. Raises Declined for what is no formula or over the limits."""
    if len(text) > limits.MAX_TEXT:
        raise Declined(f"This is too long for one computation (over {limits.MAX_TEXT} characters).")
    tokens: list[Token] = []
    at, spaced, lists = 0, False, [False]
    while at < len(text):
        # Inside gcd(12,345) a comma parts two numbers; elsewhere 12,345 is one.
        match = (_PLAIN_LIST.match(text, at) if lists[-1] else None) or _PIECES.match(text, at)
        if not match:
            raise Unread(f"I cannot read {text[at]!r} as part of a formula.")
        piece = match[0]
        at = match.end()
        if match.lastgroup == "space":
            spaced = True
            continue
        _add(tokens, match.lastgroup or "", piece, spaced)
        if piece in ("(", "["):
            lists.append(len(tokens) > 1 and tokens[-2].kind == "call" and tokens[-2].text in MANY)
        elif piece in (")", "]") and len(lists) > 1:
            lists.pop()
        spaced = False
        if len(tokens) > limits.MAX_TOKENS:
            raise Declined(f"This formula has over {limits.MAX_TOKENS} parts, which is more than I take.")
    tokens.append(Token("end", "the end"))
    return _crosses(tokens)


def _add(tokens: list[Token], kind: str, piece: str, spaced: bool) -> None:
    if kind == "number":
        if len(piece) > limits.MAX_LITERAL:
            raise Declined(f"A number has over {limits.MAX_LITERAL} digits, which is more than I take.")
        plain = piece.replace(",", "")
        tokens.append(Token("number", plain, Fraction(plain), spaced))
    elif kind == "power":
        number, exponent = tokens.pop(), int(piece[1:])
        if abs(exponent) > limits.MAX_LITERAL:
            raise Declined(f"A number has over {limits.MAX_LITERAL} digits, which is more than I take.")
        text = f"{number.text}e{exponent}"
        tokens.append(Token("number", text, number.value * Fraction(10) ** exponent, number.spaced))
    elif kind == "name":
        first, *others = _named(piece)
        tokens += [first._replace(spaced=spaced), *others]
    else:
        tokens.append(Token("sign", piece, spaced=spaced))


def _named(name: str) -> list[Token]:
    """What a word stands for: an unknown, a constant, a function, or several of them without spaces between."""
    lower = name.lower()
    if name in ("e", "i") or (len(name) > 1 and lower in _CONSTANTS):
        return [Token("constant", _CONSTANTS[lower])]
    if lower in ("mod", "of"):
        return [Token("sign", lower)]
    if len(name) == 1:
        return [Token("name", name)]
    if lower in FUNCTIONS:
        return [Token("call", FUNCTIONS[lower])]
    if lower == "deg":
        return [Token("sign", "deg")]
    if lower in GREEK:
        return [Token("name", lower)]
    head, _, tail = name.partition("_")
    if tail:
        return _subscript(head.lower(), tail, name)
    if lower in ("log2", "log10"):
        return [Token("call", lower)]
    glued = _GLUED.fullmatch(name)
    if glued:
        before, function, after = glued[1], glued[2], glued[3] or ""
        return [
            *(Token("name", each) for each in before),
            Token("call", function),
            *([Token("name", after)] if after else []),
        ]
    if _LETTERS.fullmatch(name):
        return [Token("constant", "e") if each == "e" else Token("name", each) for each in name]
    raise Unread(f"I do not know the word “{name}”: I only compute formulas, numbers and units.")


def _subscript(head: str, tail: str, name: str) -> list[Token]:
    if head in ("log", "root") and (tail.isdigit() or tail == "e"):
        if tail.isdigit() and not 2 <= int(tail[:9]) <= 1_000_000:
            raise Declined(f"I do not take {tail} as the base of a logarithm or the degree of a root.")
        return [Token("call", f"{head}_{tail}")]
    if len(head) == 1 and len(tail) <= 2:
        return [Token("name", name)]
    raise Unread(f"I do not know the word “{name}”.")


def _crosses(tokens: list[Token]) -> list[Token]:
    """`3 x 4`: an x between two numbers, or between a number and a parenthesis with spaces around it, multiplies."""
    cross: list[int] = []
    letters = 0
    for at, token in enumerate(tokens):
        if token.kind == "name" and token.text in "xX":
            before = at > 0 and (tokens[at - 1].kind == "number" or tokens[at - 1].text == ")")
            after = tokens[at + 1]
            wide = token.spaced and after.spaced and after.text == "("
            if before and (after.kind == "number" or wide):
                cross.append(at)
            else:
                letters += 1
    if cross and letters:
        raise Declined("I cannot tell whether x is an unknown or a multiplication sign: write * for the latter.")
    for at in cross:
        tokens[at] = Token("sign", "*", spaced=tokens[at].spaced)
    return tokens
