"""The members of an answer that its whole form, its lines and /api/generate share: counts, reasons, times, tokens.

Source: https://docs.ollama.com/api/usage and `docs/openapi.yaml` of the project. `prompt_eval_count` is everything
that was read and `eval_count` everything that was produced; one that is zero is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from meshwright.types.response import Finish, TokenProbability
from meshwright.types.usage import Usage
from meshwright.wire.notes import Notes
from meshwright.wire.ollama.shapes import Line, Token

FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length"}
"""What each `done_reason` means; any other ("load", "unload") is "unknown" and kept verbatim beside it."""

_REASONS: dict[Finish, str] = {"stop": "stop", "tool_calls": "stop", "length": "length", "context": "length"}
_LAST_SECOND = 253_402_300_799
# Plain arithmetic: this room imports no calendar, and nothing that could ask for the time.
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))?$", re.ASCII)


def finish_in(reason: str | None, called: bool) -> Finish:
    """Why the answer ended. A call of a tool is told as "stop", older servers tell nothing."""
    finish = FINISHES.get(reason, "unknown") if reason else "stop"
    return "tool_calls" if called and finish == "stop" else finish


def reason_out(finish: Finish | None, called: bool, notes: Notes) -> str:
    """The word for why the answer ended."""
    if finish not in ("stop", "length", "tool_calls") or (finish == "tool_calls") != (called and finish != "length"):
        notes.changed("choices.finish", "An answer here ends by itself or at its limit.")
    return _REASONS.get(finish or "stop", "stop")


def usage_in(line: Line) -> Usage | None:
    """The counts, None where there are none. Counts below zero are nonsense and become 0."""
    if line.prompt_eval_count is None and line.eval_count is None:
        return None
    return Usage(input=max(0, line.prompt_eval_count or 0), output=max(0, line.eval_count or 0))


def usage_out(usage: Usage | None, notes: Notes) -> dict[str, object]:
    """The counts as members of the answer."""
    if usage is None:
        return {}
    if usage.total_input != usage.input or usage.total_output != usage.output:
        notes.changed("usage", "Cached, spoken and thought tokens are counted among the others here.")
    if usage.requests or usage.estimated or usage.cost_nano is not None:
        notes.dropped("usage.more", "The dialect counts tokens, not requests or money, and does not say who counted.")
    return {"prompt_eval_count": usage.total_input, "eval_count": usage.total_output}


def seconds(created_at: str) -> int:
    """Seconds since 1970 of an RFC 3339 time, 0 when it is none."""
    match = _TIME.match(created_at)
    if match is None:
        return 0
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    sign, hours, minutes = match[7], int(match[8] or 0), int(match[9] or 0)
    offset = (hours * 60 + minutes) * (-60 if sign == "-" else 60)
    return max(0, _days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset)


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970 of a date of the Gregorian calendar; years begin in March, so that a leap day ends one."""
    year -= month < 3
    month = month - 3 if month > 2 else month + 9
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 719_469


def time_out(created: int) -> str:
    """The RFC 3339 time of seconds since 1970; 1970 itself where nobody told the time, for it must be one."""
    days, rest = divmod(min(max(0, created), _LAST_SECOND), 86_400)
    year = 1970 + days // 366
    while _days(year + 1, 1, 1) <= days:
        year += 1
    month = next(month for month in range(12, 0, -1) if _days(year, month, 1) <= days)
    day = days - _days(year, month, 1) + 1
    return f"{year:04}-{month:02}-{day:02}T{rest // 3_600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"


def tokens_in(tokens: Sequence[Token] | None) -> tuple[TokenProbability, ...]:
    """The probabilities of an answer's tokens."""
    return tuple(
        TokenProbability(
            token=one.token,
            logprob=one.logprob,
            bytes=None if one.bytes is None else tuple(one.bytes),
            top=tokens_in(one.top_logprobs),
        )
        for one in tokens or ()
    )


def tokens_out(tokens: Sequence[TokenProbability]) -> list[dict[str, object]]:
    """The same for the wire."""
    found: list[dict[str, object]] = []
    for one in tokens:
        wire: dict[str, object] = {"token": one.token, "logprob": one.logprob}
        if one.bytes is not None:
            wire["bytes"] = one.bytes
        if one.top:
            wire["top_logprobs"] = tokens_out(one.top)
        found.append(wire)
    return found
