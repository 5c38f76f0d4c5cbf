"""Bytes at any place of a text in base64, without decoding the rest."""

from __future__ import annotations

from binascii import Error, a2b_base64


class Window:
    """The bytes that are meant by `data`: base64 in one line, as RFC 4648 section 4 has it."""

    __slots__ = ("_data", "size")

    def __init__(self, data: str) -> None:
        self._data = data
        self.size = max(0, len(data) * 3 // 4 - data.count("=", len(data) - 2))
        """How many bytes there are."""

    def at(self, start: int, size: int) -> bytes:
        """So many bytes from there, fewer at the end; none where it is no base64."""
        if start < 0 or start >= self.size:
            return b""
        first = start // 3
        last = -(-(start + size) // 3)
        try:
            found = a2b_base64(self._data[first * 4 : last * 4])
        except (Error, ValueError):
            return b""
        return found[start - first * 3 :][:size]

    def number(self, start: int, size: int, order: str = "big") -> int:
        """The whole number there; -1 where the data ends before it does."""
        found = self.at(start, size)
        return int.from_bytes(found, "little" if order == "little" else "big") if len(found) == size else -1
