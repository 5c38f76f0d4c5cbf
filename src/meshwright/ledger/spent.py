"""What is said to a caller whose limit is reached: which one, what is left of it, and when it is whole again."""

from __future__ import annotations

from datetime import UTC, datetime

from meshwright.ledger.allowing import amount_told
from meshwright.store.rows import Lent
from meshwright.store.windows import Window
from meshwright.types.errors import BudgetSpent, LimitReached
from meshwright.types.principal import Allowance

SOON = 1.0
"""Seconds after which what is only set aside may be free again."""
_WHOSE = {"key": "this key", "team": 'the team "{}"', "user": 'the user "{}"', "gateway": "the whole gateway"}
_WITHIN = {"minute": " a minute", "day": " a day", "month": " a month", "total": " in all", "moment": " at a time"}


def refusal(
    allowance: Allowance, within: Window, known: Lent, left: int, need: int, now: float
) -> LimitReached | BudgetSpent:
    """The error of a request that needs `need` of an account of which `left` can be had now."""
    kind, _, name = allowance.owner.partition(":")
    amount = known.amount if known.amount is not None else allowance.amount
    whose = _WHOSE.get(kind, "{}").format(name)
    said = amount_told(allowance, amount)
    what = "" if allowance.measure == "money" else " requests" if allowance.measure != "tokens" else " tokens"
    never = need > amount
    used_up = known.spent + need > amount
    until = within.until if used_up and not never else None
    wait = max(SOON, until - now) if until is not None else SOON
    message = f"The limit of {whose} is reached: {said}{what}{_WITHIN[allowance.per]}"
    message += f", {amount_told(allowance, left)} left"
    if allowance.measure in ("money", "tokens"):
        message += f", and this request may need {amount_told(allowance, need)}"
        if never:
            message += ", more than all of it: waiting does not help"
        elif not used_up:
            message += "; the rest is set aside for requests that are under way"
    message += "."
    if until is not None:
        message += f" It begins anew at {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M:%S} UTC."
    fix = _fix(allowance, used_up, never)
    if allowance.measure != "money":
        return LimitReached(message, retry_after=None if never else wait, fix=fix)
    return BudgetSpent(message, retry_after=wait if until is not None or not used_up else None, fix=fix)


def _fix(allowance: Allowance, used_up: bool, never: bool) -> str:
    raised = f"raise it: `mesh limits {allowance.owner}`"
    if never and allowance.measure not in ("money", "tokens"):
        return f"{raised[0].upper()}{raised[1:]}."
    if allowance.per == "moment":
        return "Ask again when another request has ended."
    if allowance.measure in ("money", "tokens"):
        smaller = "Lower max_tokens" if used_up else "Ask again in a moment, lower max_tokens"
        return f"{smaller}, or {raised}."
    return f"Wait, or {raised}."
