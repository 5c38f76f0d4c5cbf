"""Which call of a dialect a path is: some have it in the body alone, others name the model and the kind of answer."""

from __future__ import annotations

from urllib.parse import unquote

import msgspec

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
