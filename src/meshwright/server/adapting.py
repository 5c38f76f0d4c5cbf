"""What clients may say about adaptations, and how they are told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from meshwright.server.http import Headers
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import Adaptation

STRICT: Mapping[str, Any] = {
    "name": "x-mesh-strict",
    "in": "header",
    "description": "true: what the model cannot be asked as it is, is an error instead of an adaptation.",
    "schema": {"enum": ["true", "false"]},
}
_WORDS = {"true": True, "1": True, "false": False, "0": False}


def strict(value: str | None) -> bool:
    """Whether every adaptation is an error. Raises InvalidRequest."""
    if not value:
        return False
    if (word := value.lower()) not in _WORDS:
        raise InvalidRequest(
            f"x-mesh-strict is true or false, not {value[:40]!r}.", field="x-mesh-strict", fix="Send true."
        )
    return _WORDS[word]


def adapted(adaptations: Sequence[Adaptation]) -> Headers:
    """The header that names what was adapted; none when nothing was."""
    if not adaptations:
        return []
    told = "; ".join(f"{one.field} {one.action}" for one in adaptations)
    return [("x-mesh-adapted", quote(told[:2000], safe=" ;:,./_-[]()"))]
