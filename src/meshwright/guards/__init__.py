"""Guards: what may not leave, and what may not come in. One file each, listed here: texts in, findings out."""

from __future__ import annotations

from meshwright.guards import injection, instructions, pii, presidio, schema, secrets, topics
from meshwright.guards.guard import Guard
from meshwright.guards.redact import redact

GUARDS: dict[str, Guard] = {
    "pii": pii.GUARD,
    "secrets": secrets.GUARD,
    "topics": topics.GUARD,
    "injection": injection.GUARD,
    "instructions": instructions.GUARD,
    "presidio": presidio.GUARD,
    "schema": schema.GUARD,
}
__all__ = ["GUARDS", "Guard", "redact"]
