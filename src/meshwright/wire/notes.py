"""What a translation into a dialect had to leave out or alter, each field named once."""

from __future__ import annotations

from typing import Literal

from meshwright.types.content import Opaque
from meshwright.types.request import Adaptation

_GRAVITY = {"moved": 0, "changed": 1, "dropped": 2}


class Notes:
    """Adaptations in the order of their discovery; of several of one field the gravest. May be read at any time."""

    __slots__ = ("_places", "found")

    def __init__(self) -> None:
        self.found: list[Adaptation] = []
        self._places: dict[str, int] = {}

    def _add(self, field: str, action: Literal["dropped", "changed", "moved"], reason: str) -> None:
        place = self._places.get(field)
        if place is None:
            self._places[field] = len(self.found)
            self.found.append(Adaptation(field, action, reason))
        elif _GRAVITY[action] > _GRAVITY[self.found[place].action]:
            self.found[place] = Adaptation(field, action, reason)

    def dropped(self, field: str, reason: str) -> None:
        """It is gone."""
        self._add(field, "dropped", reason)

    def changed(self, field: str, reason: str) -> None:
        """Something near to it was sent."""
        self._add(field, "changed", reason)

    def moved(self, field: str, reason: str) -> None:
        """The same meaning stands in another place."""
        self._add(field, "moved", reason)

    def foreign(self, field: str, opaque: Opaque, here: str = "") -> None:
        """A verbatim value is left out: it is another dialect's, or, of the dialect `here`, stood beside what changed.

        One that is null is its dialect's mark for itself and no loss elsewhere.
        """
        if opaque.dialect == here:
            self._add(field, "dropped", f"What {opaque.kind} belonged to has changed.")
        elif bytes(opaque.raw) != b"null":
            self._add(field, "dropped", f"Only the dialect {opaque.dialect} understands this value.")
