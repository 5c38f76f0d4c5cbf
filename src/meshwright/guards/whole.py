"""What is judged as a whole, by rules whose guard has a `judge`: the words of an answer, the arguments of a call."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import msgspec

from meshwright.guards.rule import Rule
from meshwright.types.content import Refusal, ToolCall
from meshwright.types.errors import Blocked
from meshwright.types.guard import Place, Verdict
from meshwright.types.request import Request
from meshwright.types.response import Choice, Response

_log = logging.getLogger("meshwright.guards")


class Piece(msgspec.Struct, frozen=True):
    """One whole text: the words of an answer, or, with `tool`, what a call gives to it."""

    text: str
    place: Place
    tool: str = ""
    message: int | None = None


def judges(rules: Iterable[Rule]) -> list[Rule]:
    """The rules that judge wholes."""
    return [rule for rule in rules if rule.guard.judge is not None]


def of_request(request: Request) -> list[Piece]:
    """The calls in a conversation so far."""
    return [
        Piece(part.arguments or "{}", "assistant", part.name, at)
        for at, message in enumerate(request.messages)
        for part in message.parts
        if isinstance(part, ToolCall) and part.kind == "function"
    ]


def of_response(response: Response) -> list[Piece]:
    """The words and the calls of an answer."""
    return [piece for choice in response.choices for piece in _of_choice(choice)]


def _of_choice(choice: Choice) -> list[Piece]:
    calls = [part for part in choice.message.parts if isinstance(part, ToolCall) and part.kind == "function"]
    pieces = [Piece(call.arguments or "{}", "answer", call.name) for call in calls]
    words = choice.message.text
    if words or not calls or any(isinstance(part, Refusal) for part in choice.message.parts):
        pieces.append(Piece(words, "answer"))
    return pieces


def judged(rules: Sequence[Rule], pieces: Sequence[Piece]) -> tuple[tuple[Verdict, ...], Blocked | None]:
    """What the rules say of these, and the error of the first that blocks."""
    verdicts, blocked = list[Verdict](), None
    for rule in rules:
        for piece in pieces:
            if piece.place not in rule.places or not _meant(rule, piece):
                continue
            verdict = _of(rule, piece)
            if verdict is not None:
                verdicts.append(verdict)
                if verdict.action == "block" and blocked is None:
                    blocked = Blocked(
                        f'The guard "{rule.name}" refuses {_what(piece)}: {verdict.why}',
                        field="messages" if piece.place != "answer" else None,
                        fix=f"Change what [guards.rules.{rule.name}] asks for, or ask a model that keeps to it.",
                    )
    return tuple(verdicts), blocked


def _meant(rule: Rule, piece: Piece) -> bool:
    return (
        fnmatchcase(piece.tool, rule.options.tool)
        if rule.options.tool and piece.tool
        else not (rule.options.tool or piece.tool)
    )


def _of(rule: Rule, piece: Piece) -> Verdict | None:
    assert rule.guard.judge is not None
    try:
        why = rule.guard.judge(piece.text, rule.options)
        found = {"mismatch": 1}
    except Exception as error:  # noqa: BLE001  # whatever a guard fails with, its rule says whether that blocks
        _log.exception("the guard %s failed", rule.uses)
        why, found = f'the guard failed (fail = "{"closed" if rule.closed else "open"}"): {error}', {}
    if not why:
        return None
    stops = rule.closed if not found else rule.action != "flag"
    return Verdict(
        rule=rule.name,
        guard=rule.uses,
        action="block" if stops else "flag" if found else "allow",
        place=piece.place,
        message=piece.message,
        found=found,
        why=why[:500],
    )


def _what(piece: Piece) -> str:
    return f"the arguments of {piece.tool}" if piece.tool else "the answer"
