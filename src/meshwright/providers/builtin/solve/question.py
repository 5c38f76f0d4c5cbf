"""Takes the politeness off a question and keeps what it asks, and how the answer is wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from meshwright.providers.builtin.solve import limits
from meshwright.providers.builtin.solve.grammar import formula
from meshwright.providers.builtin.solve.spelling import spell
from meshwright.providers.builtin.solve.tokens import Unread
from meshwright.providers.builtin.solve.tree import Node
from meshwright.providers.builtin.solve.values import Wish
from meshwright.types.errors import Declined


class Question(msgspec.Struct, frozen=True):
    """What is asked, in ASCII with signs for words; how; and whether it was said as a command ("compute ...")."""

    text: str
    wish: Wish
    commanded: bool = False


# What answers one kind of question. None: it only looked like that kind, let others try.
Work = Callable[[re.Match[str], Question], str | None]
Row = tuple[re.Pattern[str], Work]

_COURTESY = re.compile(
    r"(?:please|kindly|hi|hey|hello|ok|okay|so|now|quickly|just|can you|could you|would you|will you|help me(?: to)?|"
    r"i (?:need|want)(?: you)?(?: to(?: know)?)?|i(?:'d| would) like(?: you)? to(?: know)?|tell me|"
    r"show me|give me|let's|do you know|question|q)\b[,:!]? *",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"(?:calculate|compute|evaluate|work out|figure out|find(?: out)?|determine|get)\b:? *", re.IGNORECASE
)
_OPENING = re.compile(
    r"(?:what(?: is|'s| are| does| do)|whats|how much (?:is|are)|what do you get (?:if|when) you|what would|"
    r"value of|answer to|result of|values of)\b:? *",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:[ ,;]*(?:\?|\.(?!\d)|;|=|= \?|(?:is )?equal(?: to)?|please|thanks|thank you|for me|step by step|"
    r"(?:and )?show (?:your |all )?(?:work|steps|working)|exactly|in simplest form|in simplest terms|in lowest terms|"
    r"and simplify|= what|= \?\?))+ *$",
    re.IGNORECASE,
)
_PLACES = re.compile(
    r",? *(?:(?:and )?round(?:ed)? |correct |accurate )?(?:off )?to (\d{1,3}) "
    r"(?:decimals?|decimal (?:places?|digits?|points?)|dp|places)$",
    re.IGNORECASE,
)
_NEAREST = re.compile(
    r",? *(?:(?:and )?round(?:ed)? )?to nearest (whole number|integer|whole|tenth|hundredth|thousandth|cent)$",
    re.IGNORECASE,
)
_NEAREST_PLACES = {"tenth": 1, "hundredth": 2, "cent": 2, "thousandth": 3}
_FORM = re.compile(
    r",? *(?:(?:as|to|into) a (decimal|fraction)(?: number)?|(?:in|as|to|into) (decimal|fraction) (?:form|notation))$",
    re.IGNORECASE,
)


def read_question(text: str) -> Question:
    """The question that `text` asks. Raises Declined for what cannot be one computation."""
    if len(text) > limits.MAX_TEXT:
        raise Declined(f"This is too long for one computation (over {limits.MAX_TEXT} characters).")
    plain, currency = spell(text.strip())
    plain, commanded = _open(plain)
    wish = Wish(currency=currency)
    for _ in range(4):
        shorter = _CLOSING.sub("", plain)
        shorter, wish = _wished(shorter, wish)
        if shorter == plain:
            break
        plain = shorter
    if not plain:
        raise Declined("There is nothing to compute.")
    return Question(plain.strip(), wish, commanded)


def _open(plain: str) -> tuple[str, bool]:
    commanded = False
    for _ in range(8):
        for pattern in (_COURTESY, _COMMAND, _OPENING):
            match = pattern.match(plain)
            # "so", "get" and "i" are only courtesy when more follows
            if match and match.end() < len(plain):
                plain = plain[match.end() :]
                commanded = commanded or pattern is _COMMAND
                break
        else:
            break
    return plain, commanded


def _wished(plain: str, wish: Wish) -> tuple[str, Wish]:
    if match := _PLACES.search(plain):
        if int(match[1]) > 100:
            raise Declined("I round to at most 100 decimal places.")
        return plain[: match.start()], msgspec.structs.replace(wish, places=int(match[1]))
    if match := _NEAREST.search(plain):
        places = _NEAREST_PLACES.get(match[1].lower(), 0)
        return plain[: match.start()], msgspec.structs.replace(wish, places=places)
    if match := _FORM.search(plain):
        return plain[: match.start()], msgspec.structs.replace(wish, form=(match[1] or match[2]).lower())
    return plain, wish


_LIST = re.compile(r"\s*(?:,\s*and\s+|;\s*and\s+|,|;|\s+and\s+|\s+&\s+)\s*", re.IGNORECASE)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")


def items(text: str) -> list[Node]:
    """The members of "3, 4 and 5". Raises Declined when it is not clear where one number ends.

    1,200,300 may be one number or three; it is only taken apart where no such doubt exists.
    """
    text = text.strip().strip("[]{}() :")
    if _THOUSANDS.search(text):
        if not re.search(r",\s", text) and not re.search(r"\band\b", text):
            raise Declined(
                "I cannot tell thousands separators from commas in this list: put a space behind each comma."
            )
        text = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    parts = _LIST.split(text)
    if len(parts) == 1 and re.fullmatch(r"-?[\d.]+(?: -?[\d.]+)+", text):
        parts = text.split()
    if len(parts) > limits.MAX_ITEMS:
        raise Declined(f"This list has over {limits.MAX_ITEMS} numbers, which is more than I take.")
    return [formula(part) for part in parts]


def first_answer(rows: Sequence[Row], question: Question) -> str | None:
    """The answer of the first row that fits and does not step back."""
    for pattern, work in rows:
        match = pattern.fullmatch(question.text)
        if match:
            try:
                answer = work(match, question)
            except Unread:
                continue  # a looser row may read it whole; if none does, reading it as a formula says what is wrong
            if answer is not None:
                return answer
    return None


def row(pattern: str, work: Work) -> Row:
    """A row whose pattern ignores case."""
    return re.compile(pattern, re.IGNORECASE), work
