"""Pages of other origins: which may ask, and what their browsers are told (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from meshwright.server.http import Exchange, Headers

EVERY = "*"
PREFLIGHT_SECONDS = "600"


def welcome(origins: Sequence[str], origin: str | None) -> bool:
    """Whether it is a page that asks, of one of these origins. What others get, their browsers keep from them."""
    return origin is not None and (origin in origins or EVERY in origins)


def preflight(exchange: Exchange) -> Headers | None:
    """What a browser is told that asks whether its page may ask; None for any other request."""
    method = exchange.header("access-control-request-method")
    if exchange.method != "OPTIONS" or method is None:
        return None
    wanted = exchange.header("access-control-request-headers") or ""
    return [
        ("access-control-allow-methods", method if method.isalpha() else "POST"),
        ("access-control-allow-headers", wanted if wanted.isprintable() else ""),
        ("access-control-max-age", PREFLIGHT_SECONDS),
    ]


class CrossOrigin:
    """An exchange with the page of a welcome origin: every answer, errors too, may be read by it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._told: Headers = [
            ("access-control-allow-origin", exchange.header("origin") or ""),
            ("access-control-expose-headers", EVERY),
            ("vary", "origin"),
        ]
        self.method, self.path, self.query = exchange.method, exchange.path, exchange.query
        self.header, self.says, self.body = exchange.header, exchange.says, exchange.body
        self.finish, self.watch = exchange.finish, exchange.watch

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        """The whole answer."""
        await self._exchange.send(status, [*headers, *self._told], body)

    async def begin(self, status: int, headers: Headers) -> Callable[[bytes], Awaitable[None]]:
        """Begin an answer in pieces."""
        return await self._exchange.begin(status, [*headers, *self._told])
