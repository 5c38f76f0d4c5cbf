"""What a translation into this dialect had to leave out or alter, each field named once."""

from __future__ import annotations

from typing import Literal

from meshwright.types.content import Opaque
from meshwright.types.request import Adaptation

NAME = "openai_responses"


class Notes:
    """Adaptations in the order of their discovery; of several for one field the first."""

    __slots__ = ("_fields", "found")

    def __init__(self) -> None:
        self.found: list[Adaptation] = []
        self._fields: set[str] = set()

    def _add(self, field: str, action: Literal["dropped", "changed", "moved"], reason: str) -> None:
        if field not in self._fields:
            self._fields.add(field)
            self.found.append(Adaptation(field, action, reason))

    def dropped(self, field: str, reason: str) -> None:
        """It is gone."""
        self._add(field, "dropped", reason)

    def changed(self, field: str, reason: str) -> None:
        """Something near to it was sent."""
        self._add(field, "changed", reason)

    def moved(self, field: str, reason: str) -> None:
        """The same meaning stands in another place."""
        self._add(field, "moved", reason)

    def lost(self, field: str, opaque: Opaque) -> None:
        """A verbatim value has no place: it is another dialect's, or what it belonged to has changed."""
        if opaque.dialect == NAME:
            self.dropped(field, f"What {opaque.kind} belonged to has changed.")
        else:
            self.dropped(field, f"Only {opaque.dialect} understands {opaque.kind}.")
