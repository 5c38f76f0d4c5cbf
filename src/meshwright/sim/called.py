"""Which call of a dialect a path is: some have it in the body alone, others name the model and the kind of answer."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import msgspec

from meshwright.wire import CODECS
from meshwright.wire.dialect import Dialect


class Called(msgspec.Struct, frozen=True):
    """A call for an answer. `model` and `stream` say something where the path does."""

    dialect: Dialect
    model: str = ""
    stream: bool = False


def called(dialect: Dialect, target: str) -> Called | None:
    """The call of this dialect at a request's target (path and query as they came), None when it is another thing."""
    path, _, query = target.partition("?")
    for one in (dialect, *dialect.also):
        if not path.startswith(one.root):
            continue
        below = path.removeprefix(one.root)
        if one.of_path is None:
            if below == one.path:
                return Called(one)
        elif (found := one.of_path(unquote(below), query)) is not None:
            return Called(one, *found)
    return None


def root_of(address: str) -> str:
    """How a base address ends where that is the usual end of some dialect's ("/v1", "/v1beta"); "/v1" elsewhere.

    An address without a path, such as Ollama's, ends with nothing.
    """
    path = urlsplit(address).path.rstrip("/")
    last = path[path.rfind("/") :] if path else ""
    return last if last in {row.root for row in CODECS.values()} else "/v1"


def below(path: str) -> str:
    """The root of the base address that a call's path belongs to."""
    roots = sorted({row.root for row in CODECS.values()}, key=len, reverse=True)
    return next(root for root in roots if path.startswith(f"{root}/"))
