"""Allowances as people write them: "5 dollars a month", "60 requests a minute"; and bounds with names that exist."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import get_args

from meshwright.store.rows import Party
from meshwright.types.errors import InvalidRequest
from meshwright.types.money import nano
from meshwright.types.principal import Allowance, Bounds, Measure, Per

MEASURES: tuple[Measure, ...] = get_args(Measure)
WINDOWS: tuple[Per, ...] = ("minute", "day", "month", "total")
GATEWAY = "gateway"
_MOST = 10**15
"""Nano-dollars: a million dollars; so that sums stay within 64 bits."""
_FIX = "Write MEASURE/WINDOW=AMOUNT: money/month=5, requests/minute=60, tokens/day=1000000, or concurrent=8."


def allowed(owner: str, said: Sequence[str]) -> tuple[Allowance, ...]:
    """The allowances of "money/month=5", "requests/minute=60", "concurrent=8". Raises InvalidRequest."""
    found: dict[str, Allowance] = {}
    for words in said:
        name, equals, amount = words.partition("=")
        if not equals:
            raise InvalidRequest(f'"{words[:60]}" is no limit.', field="limits", fix=_FIX)
        measure, per = named(name)
        one = Allowance(owner, measure, per, _amount(measure, amount))
        if one.name in found:
            raise InvalidRequest(f"{one.name} is limited twice.", field="limits", fix="Say it once.")
        found[one.name] = one
    return tuple(found.values())


def named(name: str) -> tuple[Measure, Per]:
    """What "money/month" or "concurrent" means. Raises InvalidRequest."""
    said, _, within = name.strip().lower().partition("/")
    measure = next((one for one in MEASURES if one == said), None)
    if measure == "concurrent" and within in ("", "moment"):
        return measure, "moment"
    per = next((one for one in WINDOWS if one == within), None)
    if measure is None or measure == "concurrent" or per is None:
        raise InvalidRequest(f'"{name[:60]}" is nothing that can be limited.', field="limits", fix=_FIX)
    return measure, per


def _amount(measure: Measure, said: str) -> int:
    try:
        number = Decimal(said.strip().lstrip("$").replace("_", ""))
        # Compared before it is made whole: 1e99999999 has a hundred million digits.
        if not 0 <= number <= _MOST:
            raise ValueError(said)
        amount = nano(number) if measure == "money" else int(number)
        whole = bool(amount or not number) if measure == "money" else amount == number
    except (ArithmeticError, ValueError):
        amount, whole = -1, False
    if not whole or not 0 <= amount <= _MOST:
        kind = "dollars, a billionth at least and a million at most" if measure == "money" else "a whole number"
        raise InvalidRequest(f'"{said[:40]}" is no amount.', field="limits", fix=f"Write {kind}.")
    return amount


def amount_told(allowance: Allowance, amount: int) -> str:
    """An amount of what the allowance limits, for people."""
    if allowance.measure != "money":
        return f"{amount:,}"
    cents = Decimal(amount) / 1_000_000_000
    return f"${cents:,.2f}" if amount % 10_000_000 == 0 else f"${cents:,.6f}"


def bounds(
    models: Sequence[str] = (),
    routes: Sequence[str] = (),
    providers: Sequence[str] = (),
    endpoints: Sequence[str] = (),
    regions: Sequence[str] = (),
) -> Bounds:
    """Bounds of words and of lists of words with commas. Raises InvalidRequest."""

    def words(said: Sequence[str], field: str) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(word.strip() for one in said for word in one.split(",") if word.strip()))
        if any(len(word) > 300 or not word.isprintable() for word in found):
            raise InvalidRequest(f"A name in {field} is too long or cannot be printed.", field=field)
        return found

    paths = words(endpoints, "endpoints")
    if wrong := [path for path in paths if not path.startswith("/")]:
        raise InvalidRequest(f'"{wrong[0]}" is no path.', field="endpoints", fix="Write /v1/chat/completions or /v1/*.")
    return Bounds(
        models=words(models, "models"),
        routes=words(routes, "routes"),
        providers=words(providers, "providers"),
        endpoints=paths,
        regions=words(regions, "regions"),
    )


def party(kind: str, name: str, now: float, allowed: Bounds) -> Party:
    """A team or a user of that name. Raises InvalidRequest."""
    if not 0 < len(name) <= 100 or not name.isprintable() or name != name.strip() or "/" in name:
        raise InvalidRequest("A name is 1 to 100 printable characters, and none of them is a slash.", field="name")
    return Party(id=f"{kind}:{name}", created=now, bounds=allowed)
