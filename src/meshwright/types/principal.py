"""Who is asking, and what they may do."""

from __future__ import annotations

import msgspec


class Principal(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The owner of a key. `scopes` are "*" (everything), "inference", "admin". `id` is stable; `name` is for people."""

    id: str
    name: str = ""
    scopes: tuple[str, ...] = ("inference",)

    def may(self, scope: str) -> bool:
        """Whether one of the scopes allows it."""
        return "*" in self.scopes or scope in self.scopes


LOCAL = Principal(id="local", name="this machine", scopes=("*",))
"""Whoever reaches an unauthenticated gateway, which only ever listens on loopback."""
