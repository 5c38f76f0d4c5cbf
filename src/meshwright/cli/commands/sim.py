"""`mesh sim`: pretend upstreams."""

from __future__ import annotations


def sim() -> None:
    """Serve pretend upstreams over the real dialects."""
