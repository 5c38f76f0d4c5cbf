"""Reads a formula by the usual rules of precedence; a formula that people read in two ways is declined.

relation = sum { ("=" | "<" | ">" | "<=" | ">=") sum }
sum      = term { ("+" | "-") term }
term     = signed { ("*" | "/" | "mod" | "of" | nothing) signed }
signed   = { "-" | "+" } power
power    = postfix [ "^" signed ]
postfix  = atom { "!" | "%" | "deg" }
atom     = number | unknown | constant | "(" sum ")" | "|" sum "|" | function argument
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from meshwright.providers.builtin.solve import limits
from meshwright.providers.builtin.solve.tokens import MANY, Token, Unread, cut
from meshwright.providers.builtin.solve.tree import Call, Const, Neg, Node, Num, Op, Post, Rel, Sym, symbols
from meshwright.types.errors import Declined

_TRIGONOMETRIC = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_RELATIONS = ("=", "<", ">", "<=", ">=")


def formula(text: str) -> Node:
    """One value, without any relation. Raises Declined with what stands in the way."""
    return _Reader(cut(text)).value()


def relation(text: str) -> Node:
    """A value, an equation or an inequality."""
    links = chain(text)
    if len(links) > 1:
        raise Declined("I do not take a chain of relations here.")
    return links[0]


def chain(text: str) -> list[Node]:
    """The links of `a < x <= b`: [a < x, x <= b]; one node if there is at most one sign."""
    reader = _Reader(cut(text))
    return reader.links()


class _Reader:
    """A position in the tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._bars = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, *signs: str) -> bool:
        token = self._tokens[self._at]
        return token.kind == "sign" and token.text in signs

    def _expect(self, sign: str) -> None:
        if not self._is(sign):
            raise Unread(f"I expected “{sign}” where the formula has “{self._next.text}”.")
        self._at += 1

    def value(self) -> Node:
        """All tokens as one value."""
        links = self.links()
        if len(links) > 1 or isinstance(links[0], Rel):
            raise Unread("I expected a value and found an equation.")
        return links[0]

    def links(self) -> list[Node]:
        """All tokens as a value, or as the links of a chain of relations."""
        values = [self._sum()]
        signs: list[str] = []
        while self._is(*_RELATIONS):
            signs.append(self._take().text)
            values.append(self._sum())
        if self._next.kind != "end":
            raise Unread(f"I cannot make sense of “{self._next.text}” in this formula.")
        if not signs:
            return values
        pairs = zip(signs, values, values[1:], strict=False)
        return [Rel(sign, left, right) for sign, left, right in pairs]  # type: ignore[arg-type]  # signs are from _RELATIONS

    def _nested(self, read: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > limits.MAX_DEPTH:
            raise Declined(f"This formula nests more than {limits.MAX_DEPTH} levels deep.")
        node = read()
        self._depth -= 1
        return node

    def _sum(self) -> Node:
        node = self._term()
        while self._is("+", "-"):
            sign = self._take().text
            right = self._term()
            if isinstance(right, Post) and right.sign == "%" and not (isinstance(node, Post) and node.sign == "%"):
                raise Declined(
                    "Adding or taking away a percentage can mean two things: ask “increase 50 by 10%” or “10% of 50”."
                )
            node = Op(sign, node, right)  # type: ignore[arg-type]  # "+" or "-"
        return node

    def _term(self) -> Node:
        node = self._signed()
        divided = False
        while True:
            token = self._next
            if self._is("*", "/", "mod"):
                self._at += 1
                divided = token.text == "/"
                node = Op(token.text, node, self._signed())  # type: ignore[arg-type]  # one of the three
            elif self._is("%"):  # what `_postfix` left is the remainder
                self._at += 1
                node = Op("mod", node, self._signed())
            elif self._is("of"):
                _parts_of(node)
                self._at += 1
                node, divided = Op("of", node, self._signed()), False
            elif self._starts_factor():
                if divided and (token.text == "(" or not token.spaced):
                    raise Declined(
                        "A division before a product without a sign can be read in two ways: add parentheses."
                    )
                _not_a_function(node, token, self._tokens[self._at + 1 : self._at + 3])
                node = Op("`", node, self._power())
            else:
                return node

    def _starts_factor(self) -> bool:
        token = self._next
        return token.kind in ("name", "constant", "call") or self._is("(")

    def _signed(self) -> Node:
        if self._is("-"):
            self._at += 1
            return Neg(self._nested(self._signed))
        if self._is("+"):
            self._at += 1
            return self._nested(self._signed)
        return self._power()

    def _power(self) -> Node:
        base = self._postfix()
        if not self._is("^"):
            return base
        self._at += 1
        exponent = self._nested(self._signed)
        follows = self._next
        # e^2x is meant as e^(2x) by half of its writers, 2^3x likewise; x^2y is not.
        plain = isinstance(base, Const | Num) and isinstance(exponent, Num | Neg)
        if plain and not follows.spaced and follows.kind in ("name", "constant"):
            raise Declined("An exponent before a product without a sign can be read in two ways: add parentheses.")
        return Op("^", base, exponent)

    def _postfix(self) -> Node:
        node = self._atom()
        while True:
            if self._is("!"):
                self._at += 1
                node = Post("!", node)
            elif self._is("deg"):
                self._at += 1
                node = Post("deg", node)
            elif self._is("%") and not self._is_remainder():
                self._at += 1
                node = Post("%", node)
            else:
                return node

    def _is_remainder(self) -> bool:
        """17 % 5 and 17%5 are remainders, 12.5% alone is a percentage; 20% 50 is neither for sure."""
        sign, after = self._next, self._tokens[self._at + 1]
        if after.kind not in ("number", "name", "constant", "call") and after.text != "(":
            return False
        if sign.spaced != after.spaced:
            raise Declined("I cannot tell a percentage from a remainder here: write “% of” or “mod”.")
        return True

    def _atom(self) -> Node:
        token = self._take()
        match token.kind:
            case "number":
                return Num(token.value, token.text)
            case "name":
                return Sym(token.text)
            case "constant":
                return Const(token.text)  # type: ignore[arg-type]  # the tokens have no others
            case "call":
                return self._nested(lambda: self._call(token.text))
            case "sign" if token.text == "$":
                return self._money()
            case "sign" if token.text in "([":
                node = self._nested(self._sum)
                self._expect(")" if token.text == "(" else "]")
                return node
            case "sign" if token.text == "|":
                self._bars += 1
                node = self._nested(self._sum)
                self._expect("|")
                self._bars -= 1
                return Call("abs", (node,))
        raise Unread(f"I expected a number or an unknown and found “{token.text}”.")

    def _money(self) -> Node:
        token = self._take()
        if token.kind != "number":
            raise Declined("I expected an amount of money behind the currency sign.")
        return Num(token.value, token.text)

    def _call(self, name: str) -> Node:
        power: int | None = None
        if self._is("^"):  # sin^2 x
            self._at += 1
            power = self._small_power(name)
        args = self._arguments(name) if self._is("(", "[") else (self._bare_argument(name),)
        if name == "log" and not any(symbols(arg) for arg in args):
            name = "log10"  # on numbers, as on every calculator; of an unknown it is the natural one, and said to be
        if power == -1:
            return Call("a" + name, args)
        if name == "factorial" and power is None:
            return Post("!", args[0])
        node: Node = Call(name, args)
        if name.startswith("root_"):
            node = Op("^", args[0], Op("/", Num(Fraction(1), "1"), Num(Fraction(name[5:]), name[5:])))
        return node if power is None else Op("^", node, Num(Fraction(power), str(power)))

    def _small_power(self, name: str) -> int:
        closing = ""
        if self._is("("):
            self._at, closing = self._at + 1, ")"
        negative = self._is("-")
        self._at += negative
        token = self._take()
        if closing:
            self._expect(closing)
        value = -token.value if negative else token.value
        if token.kind != "number" or value.denominator != 1 or not (2 <= value <= 99 or value == -1):
            raise Declined(f"I cannot read the power behind “{name}”.")
        if value == -1 and name not in _TRIGONOMETRIC:
            raise Declined(f"I cannot tell the inverse of {name} from its reciprocal.")
        return int(value)

    def _arguments(self, name: str) -> tuple[Node, ...]:
        closing = ")" if self._take().text == "(" else "]"
        args = [self._sum()]
        while self._is(","):
            self._at += 1
            args.append(self._sum())
        self._expect(closing)
        allowed = limits.MAX_ITEMS if name in MANY else 2 if name == "log" else 1
        if len(args) > allowed:
            raise Declined(f"{name} does not take {len(args)} arguments.")
        return tuple(args)

    def _bare_argument(self, name: str) -> Node:
        """`sin x`, `sin 2x`, `sin pi/6`: touching factors belong to the argument, and a division of pi does."""
        if name in MANY:
            raise Declined(f"Write the numbers of {name} in parentheses.")
        if self._is("-"):
            self._at += 1
            return Neg(self._bare_argument(name))
        node = self._power()
        number = isinstance(node, Num)
        if number and self._is("("):
            raise Declined(f"I cannot tell where the argument of {name} ends: write {name}(...).")
        while self._next.kind in ("name", "constant") or (self._next.kind == "call" and not self._next.spaced):
            if self._next.kind == "call" or (self._next.spaced and not number):
                break
            if self._next.spaced or name in ("sqrt", "cbrt") or name.startswith("root_"):
                raise Declined(f"I cannot tell where the argument of {name} ends: write {name}(...).")
            node = Op("`", node, self._power())
        if name in _TRIGONOMETRIC and _is_pi(node) and self._is("/") and self._tokens[self._at + 1].kind == "number":
            self._at += 1
            node = Op("/", node, self._power())
        return node


def _is_pi(node: Node) -> bool:
    return node == Const("pi") or (isinstance(node, Op) and isinstance(node.left, Num) and node.right == Const("pi"))


def _parts_of(node: Node) -> None:
    """Only a percentage or a fraction is taken "of" something."""
    if isinstance(node, Post) and node.sign == "%":
        return
    if isinstance(node, Op) and node.sign == "/" and isinstance(node.left, Num) and isinstance(node.right, Num):
        return
    raise Declined("I only take a percentage or a fraction “of” something.")


def _not_a_function(node: Node, token: Token, inside: list[Token]) -> None:
    """f(x) is a function that nobody has defined, not f times x."""
    called = node.right if isinstance(node, Op) and node.sign == "`" else node
    if not isinstance(called, Sym) or token.text != "(" or token.spaced:
        return
    alone = len(inside) == 2 and inside[1].text == ")"
    if called.name in ("f", "g", "h", "F", "G", "P") or (alone and inside[0].kind == "name"):
        raise Declined(f"The function {called.name} is not defined: I only know the usual ones.")
