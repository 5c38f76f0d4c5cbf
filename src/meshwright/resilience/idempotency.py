"""Answers by the key that their callers gave them, so that asking again gives the same answer and costs nothing."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

import msgspec

Value = TypeVar("Value")
ENTRIES = 256
BYTES = 16 * 1024 * 1024
SECONDS = 24 * 3600.0
LONGEST_KEY = 255


class Limits(msgspec.Struct, frozen=True):
    """What one principal may have remembered: `entries` of `bytes` in all, for `seconds`; `principals` of late."""

    entries: int = ENTRIES
    bytes: int = BYTES
    seconds: float = SECONDS
    principals: int = 1024


USUAL = Limits()


class _Entry(msgspec.Struct, eq=False):
    fingerprint: bytes
    value: object
    until: float
    size: int = 0
    under_way: bool = True


class Remembered(Generic[Value]):
    """Keys and what became of them, per principal; the oldest finished ones are forgotten when there are too many."""

    __slots__ = ("_limits", "_of")

    def __init__(self, limits: Limits = USUAL) -> None:
        self._limits = limits
        self._of: dict[str, dict[str, _Entry]] = {}

    def look(self, principal: str, key: str, fingerprint: bytes, now: float) -> Value | Literal["new", "other"]:
        """What was kept for this key; "new" when nothing was, "other" when it was given to another request."""
        entries = self._of.get(principal)
        entry = entries.get(key) if entries else None
        if entry is None or entries is None:
            return "new"
        if not entry.under_way and entry.until <= now:
            del entries[key]
            return "new"
        if entry.fingerprint != fingerprint:
            return "other"
        return entry.value  # type: ignore[return-value]  # only `begin` puts values in

    def begin(self, principal: str, key: str, fingerprint: bytes, value: Value, now: float) -> bool:
        """Remember a request that is under way; False when too many of this principal's are."""
        entries = self._of.pop(principal, {})
        self._of[principal] = entries  # the latest last
        self._forget(entries)
        if len(entries) >= self._limits.entries:
            return False
        entries[key] = _Entry(fingerprint, value, now + self._limits.seconds)
        for name in list(self._of) if len(self._of) > self._limits.principals else ():
            if len(self._of) <= self._limits.principals:
                break
            if not any(entry.under_way for entry in self._of[name].values()):
                del self._of[name]
        return True

    def done(self, principal: str, key: str, size: int, now: float) -> None:
        """Its answer is complete, and so large."""
        entries = self._of.get(principal, {})
        if (entry := entries.get(key)) is not None:
            entry.under_way, entry.size, entry.until = False, size, now + self._limits.seconds
            self._forget(entries, spare=0)

    def drop(self, principal: str, key: str) -> None:
        """It came to nothing that should be said again."""
        self._of.get(principal, {}).pop(key, None)

    def held(self, principal: str) -> tuple[int, int]:
        """(entries, bytes) that are kept for a principal."""
        entries = self._of.get(principal, {}).values()
        return len(entries), sum(entry.size for entry in entries)

    def _forget(self, entries: dict[str, _Entry], spare: int = 1) -> None:
        """Make room for `spare` more."""
        size = sum(entry.size for entry in entries.values())
        for key in [key for key, entry in entries.items() if not entry.under_way]:
            if size <= self._limits.bytes and len(entries) + spare <= self._limits.entries:
                return
            size -= entries.pop(key).size
