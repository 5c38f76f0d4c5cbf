"""Finding the endpoints of a path."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meshwright.server.endpoint import Endpoint

Found = Sequence[tuple[Endpoint, str]]


def finder(endpoints: Sequence[Endpoint]) -> Callable[[str], Found]:
    """A function from a path to its endpoints (one per method), each with what stands for its `{…}`."""
    exact: dict[str, list[tuple[Endpoint, str]]] = {}
    open_ended: list[tuple[str, str, Endpoint]] = []
    for endpoint in endpoints:
        before, brace, rest = endpoint.path.partition("{")
        if brace:
            open_ended.append((before, rest.partition("}")[2], endpoint))
        else:
            exact.setdefault(endpoint.path, []).append((endpoint, ""))

    def find(path: str) -> Found:
        if found := exact.get(path):
            return found
        return [
            (row, path[len(before) : len(path) - len(after)])
            for before, after, row in open_ended
            if path.startswith(before) and path.endswith(after) and len(path) > len(before) + len(after)
        ]

    return find
