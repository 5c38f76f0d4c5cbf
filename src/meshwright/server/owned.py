"""What is ours and what a provider keeps: files and batches may be either, and their ids tell."""

from __future__ import annotations

from meshwright.server.gate import Gate
from meshwright.server.http import Asked
from meshwright.types.errors import NotFound

OURS = "mesh"
"""What x-mesh-provider says to mean this gateway, whatever `forward_to` says."""


def for_us(gate: Gate, asked: Asked) -> bool:
    """Whether a request that names no id of a file or batch is for us: no provider is named, or we are."""
    named = asked.header("x-mesh-provider")
    return named == OURS or not (named or gate.settings.forward_to)


def missing(what: str, id: str) -> NotFound:
    """The error for an id that is nobody's, or somebody else's."""
    return NotFound(f'There is no {what} "{id[:100]}".', fix=f"Use the id that the {what} was made with.")
