"""Connections in both directions (WebSockets, RFC 6455): what both ends look like to whoever stands between them."""

from __future__ import annotations

from typing import Protocol

import msgspec

MAX_FRAME = 16 * 1024 * 1024
"""Bytes of one message, as the provider's own clients are bounded."""
CLOSE_SECONDS = 5.0
ABNORMAL = 1006
"""Told when a connection ended without a word; never sent (RFC 6455, section 7.4.1)."""


class Closed(msgspec.Struct, frozen=True):
    """The other side has closed, and why."""

    code: int
    reason: str = ""


class Duplex(Protocol):
    """One end of a connection. One task receives; several may send."""

    async def send(self, message: str | bytes) -> None:
        """One message. Raises ConnectionError when the other side is gone."""
        ...

    async def receive(self) -> str | bytes | Closed:
        """The next message; Closed, from then on, when there will be none."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Say good-bye, and wait for the answer a little while. Harmless after the end."""
        ...
