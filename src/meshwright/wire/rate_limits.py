"""Headers that tell a client how much of its provider's limits is left, in the words of the client's own dialect.

Sources: https://platform.openai.com/docs/guides/rate-limits (x-ratelimit-*; resets are durations, "1m30.5s") and
https://platform.claude.com/docs/en/api/rate-limits (anthropic-ratelimit-*; resets are RFC 3339 moments).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from meshwright.wire.moments import moment, seconds

Headers = tuple[tuple[str, str], ...]

_OPENAI, _ANTHROPIC = "x-ratelimit-", "anthropic-ratelimit-"
_FAMILY = {"anthropic_messages": _ANTHROPIC, "openai_chat": _OPENAI, "openai_responses": _OPENAI}
_ALIKE = frozenset({"x-should-retry", "retry-after-ms"})
"""What both companies' own clients go by."""
_WORD = "ratelimit-"
_MOST = 40
_LONGEST = 200
_RESET = re.compile(
    r"(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7}(?:\.\d{1,9})?)s)?"
    r"(?:(\d{1,9}(?:\.\d{1,9})?)ms)?"
)


class Limit(msgspec.Struct, frozen=True):
    """A limit of a minute of `what` ("requests" or "tokens"); it is whole again at `reset` (seconds since 1970)."""

    what: str
    amount: int
    left: int
    reset: float


def limit_headers(limits: Sequence[Limit], client: str, now: float) -> Headers:
    """Limits of our own for a client of one dialect; nothing where the dialect has no headers for them."""
    family = _FAMILY.get(client)
    found: list[tuple[str, str]] = []
    for one in limits if family else ():
        openai = family == _OPENAI
        reset = f"{max(0.0, one.reset - now):.3f}s" if openai else moment(int(one.reset))
        for fact, value in (("limit", str(one.amount)), ("remaining", str(one.left)), ("reset", reset)):
            found.append((f"{_OPENAI}{fact}-{one.what}" if openai else f"{_ANTHROPIC}{one.what}-{fact}", value))
    return tuple(found)


def rate_headers(headers: Mapping[str, str], provider: str, client: str, now: float) -> Headers:
    """The headers about limits for a client of one dialect, of a provider's answer in another; names are lower case.

    Where both dialects have the same family of names they are the provider's, byte for byte. Else the facts that both
    have (limit, remaining and reset, of requests and of tokens) change their names; a value that cannot be read is left
    out. `now` is seconds since 1970: one side tells moments, the other durations. `retry-after` is not among them.
    """
    source, target = _FAMILY.get(provider), _FAMILY.get(client)
    if target is None or (_WORD not in " ".join(headers) and _ALIKE.isdisjoint(headers)):  # every answer comes by here
        return ()
    if source == target:
        found = [one for one in headers.items() if (one[0].startswith(target) or one[0] in _ALIKE) and _plain(one[1])]
        return tuple(found[:_MOST])
    if source is None:
        return ()
    return tuple(_renamed(headers, source == _OPENAI, now))


def _renamed(headers: Mapping[str, str], to_anthropic: bool, now: float) -> Headers:
    found: list[tuple[str, str]] = []
    for what in ("requests", "tokens"):
        for fact in ("limit", "remaining", "reset"):
            openai, anthropic = f"{_OPENAI}{fact}-{what}", f"{_ANTHROPIC}{what}-{fact}"
            value = headers.get(openai if to_anthropic else anthropic)
            if value is None or len(value) > _LONGEST:
                continue
            told = _moment(value, now) if to_anthropic else _duration(value, now)
            shown = told if fact == "reset" else value if value.isascii() and value.isdigit() else None
            if shown is not None:
                found.append((anthropic if to_anthropic else openai, shown))
    return tuple(found)


def _moment(duration: str, now: float) -> str | None:
    """When a duration like "6m0s", "120ms" or "7.66s" is over."""
    parts = _RESET.fullmatch(duration.strip())
    if parts is None or not any(parts.groups()):
        return None
    days, hours, minutes, rest, thousandths = (float(part or 0) for part in parts.groups())
    return moment(int(now + ((days * 24 + hours) * 60 + minutes) * 60 + rest + thousandths / 1000))


def _duration(until: str, now: float) -> str | None:
    """How long it is until a moment, in whole seconds and never less than none: "42s"."""
    at, _ = seconds(until.strip())
    return f"{max(0, round(at - now))}s" if at else None


def _plain(value: str) -> bool:
    return len(value) <= _LONGEST and value.isascii() and value.isprintable()
