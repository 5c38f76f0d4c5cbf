"""How many tokens a request would read, for clients of any dialect that ask: counted or estimated here."""

from __future__ import annotations

from meshwright.kernel.counting import input_tokens
from meshwright.server.gate import Gate
from meshwright.server.http import JSON, Headers
from meshwright.types.request import Request


async def count(gate: Gate, request: Request) -> tuple[int, Headers]:
    """Tokens, and the headers that say how they were counted. No provider is asked."""
    found, by = await input_tokens(gate.kernel.snapshot, request)
    told: Headers = [JSON, ("x-mesh-estimated", "false" if by else "true")]
    if by:
        told.append(("x-mesh-tokenizer", by.encode("ascii", "replace").decode()))
    return found, told
