"""Names, limits and bounds as the admin API writes them: what a field may hold, for its struct and for its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from meshwright.types.principal import Bounds

NAME = r"^\w([\w .@+-]{0,97}\w)?$"
WORD = "^[A-Za-z0-9][A-Za-z0-9._*:/@-]{0,99}$"
PATH = "^/[A-Za-z0-9._*/-]{0,99}$"
TIME = "^[1-9][0-9]{0,3}[smhdwy]$"

Name = Annotated[str, msgspec.Meta(pattern=NAME)]
Names = tuple[Annotated[str, msgspec.Meta(pattern=WORD)], ...]
Time = Annotated[str, msgspec.Meta(pattern=TIME)]


class BoundsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be used; see `types.principal.Bounds`."""

    models: Names = ()
    routes: Names = ()
    providers: Names = ()
    endpoints: tuple[Annotated[str, msgspec.Meta(pattern=PATH)], ...] = ()
    regions: Names = ()

    def bounds(self) -> Bounds:
        """The same as bounds."""
        return msgspec.convert(msgspec.structs.asdict(self), Bounds)


Limits = Mapping[str, float]
"""`{"money/month": 5, "requests/minute": 60}`: amounts of money are dollars."""


def said(limits: Limits) -> tuple[str, ...]:
    """The limits as people write them."""
    return tuple(f"{name}={amount!r}" for name, amount in limits.items())
