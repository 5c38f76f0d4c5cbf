"""What an endpoint is: a method, a path, and a function from a request to an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing
from meshwright.wire.dialect import Dialect


class Endpoint(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One operation. A path may end in `{name}`, which takes all that follows.

    `scope` is what the key must allow ("" needs no key). `dialect` is how its errors look. `slow`: it waits for a
    provider, so the client's leaving cancels it. `request` and `answers` name its schemas in the OpenAPI document;
    `parameters` are the document's Parameter Objects for the query and for headers.
    """

    method: str
    path: str
    summary: str
    answer: Callable[[Gate, Asked], Awaitable[Answered | Flowing]]
    scope: str = ""
    dialect: Dialect | None = None
    slow: bool = False
    request: str = ""
    answers: str = "Object"
    parameters: tuple[Mapping[str, Any], ...] = ()
