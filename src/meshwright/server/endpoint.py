"""What an endpoint is: a method, a path, and a function from a request to an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing
from meshwright.wire.dialect import Dialect

ANY = "ANY"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
"""What the method ANY stands for."""


class Endpoint(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One operation. A path may hold one `{name}`, which takes all that stands between what is before and after it.

    The method ANY takes each of METHODS, and a body with each; forms may be as large as uploads may be.
    `scope` is what the key must allow ("" needs no key). `dialect` is how its errors look. `query_key`
    names the query's value in which its clients may send their key. `slow`: it waits for a
    provider, so the client's leaving cancels it. `request` and `answers` name its schemas in the OpenAPI document;
    `parameters` are the document's Parameter Objects for the query and for headers.
    """

    method: str
    path: str
    summary: str
    answer: Callable[[Gate, Asked], Awaitable[Answered | Flowing]]
    scope: str = ""
    dialect: Dialect | None = None
    query_key: str = ""
    slow: bool = False
    request: str = ""
    answers: str = "Object"
    parameters: tuple[Mapping[str, Any], ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """All that it takes; HEAD goes with GET."""
        if self.method == ANY:
            return METHODS
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)

    def takes(self, method: str) -> bool:
        """Whether it takes that method."""
        return self.method == method or (self.method in (ANY, "GET") and method in self.methods)


def resource(
    path: str,
    summary: str,
    answer: Callable[[Gate, Asked], Awaitable[Answered | Flowing]],
    dialect: Dialect,
    *,
    answers: str = "Kept",
    method: str = ANY,
    scope: str = "inference",
) -> Endpoint:
    """An endpoint of what is kept for callers, here or by a provider: it may have to wait for one."""
    return Endpoint(
        method=method,
        path=path,
        summary=summary,
        answer=answer,
        scope=scope,
        dialect=dialect,
        slow=True,
        answers=answers,
    )
