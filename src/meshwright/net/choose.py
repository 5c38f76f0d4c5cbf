"""One transport for all calls: the lean one where it can, aiohttp where a proxy is in the way."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Literal

from meshwright.net.lean import LeanTransport
from meshwright.net.transport import Answer, Call

if TYPE_CHECKING:
    from meshwright.net.pooled import AiohttpTransport

TransportKind = Literal["auto", "lean", "aiohttp"]


class OneTransport:
    """Implements `Transport`: "auto" is lean except for endpoints with a proxy; the other kinds are only themselves."""

    def __init__(self, kind: TransportKind = "auto", *, idle_seconds: float = 30.0) -> None:
        """`idle_seconds`: how long an unused connection is kept."""
        self._kind = kind
        self._idle_seconds = idle_seconds
        self._lean = LeanTransport(idle_seconds=idle_seconds)
        self._pooled: AiohttpTransport | None = None

    def send(self, call: Call) -> Coroutine[Any, Any, Answer]:
        """See `Transport.send`. A plain function: the caller awaits the chosen transport's coroutine itself."""
        if self._kind == "lean" or (self._kind == "auto" and call.endpoint.proxy is None):
            return self._lean.send(call)
        return (self._pooled or self._open()).send(call)

    async def close(self) -> None:
        """See `Transport.close`."""
        await self._lean.close()
        if self._pooled is not None:
            await self._pooled.close()

    def _open(self) -> AiohttpTransport:
        # Imported here because aiohttp takes 12 MiB and 0.15 s, and most gateways never go through a proxy.
        from meshwright.net.pooled import AiohttpTransport

        self._pooled = AiohttpTransport(idle_seconds=self._idle_seconds)
        return self._pooled
