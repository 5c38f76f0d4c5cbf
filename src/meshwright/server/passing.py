"""Passing a request on as it is, and its answer back: which headers go along, in both directions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from meshwright.kernel.arrival import Failure
from meshwright.kernel.forward.call import Passed, forward
from meshwright.kernel.forward.target import Parcel
from meshwright.server.adapting import adapted, max_cost, plain
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing, Headers
from meshwright.server.refusal import refusal

SENT_ON = ("content-type", "accept", "openai-beta", "idempotency-key")
"""What the provider sees of the client's headers; its key, cookies and address stay here."""
HANDED_BACK = frozenset({"content-type", "content-disposition", "content-length", "retry-after"})
"""What the client sees of the provider's headers, beside those that begin with one of `FAMILIES`."""
FAMILIES = ("openai-", "x-ratelimit-")


def passing_on(counts: bool) -> Callable[[Gate, Asked], Awaitable[Answered | Flowing]]:
    """An endpoint's function. `counts`: answers to POST tell what was used for them."""

    async def answer(gate: Gate, asked: Asked) -> Answered | Flowing:
        """Pass the request on, and its answer back."""
        return handed_back(await forward(gate.kernel, parcel(gate, asked, counts=counts)))

    return answer


def parcel(gate: Gate, asked: Asked, *, counts: bool) -> Parcel:
    """The request as it is passed on."""
    header = asked.header
    return Parcel(
        method=asked.method,
        path=asked.path.removeprefix("/v1"),
        principal=asked.principal,
        query=asked.query,
        kind=header("content-type") or "",
        body=asked.body,
        headers=tuple((name, value) for name in SENT_ON if (value := header(name))),
        provider=header("x-mesh-provider") or "",
        preferred=gate.settings.forward_to,
        counts=counts and asked.method == "POST",
        max_cost=max_cost(header("x-mesh-max-cost")),
    )


def handed_back(passed: Passed | Failure, endpoint: Endpoint | None = None) -> Answered | Flowing:
    """The answer for the client; an error as `endpoint` says errors."""
    if isinstance(passed, Failure):
        return refusal(endpoint, passed.error, passed.decision)
    headers = _headers(passed)
    if isinstance(passed.body, bytes):
        return Answered(passed.status, [one for one in headers if one[0] != "content-length"], passed.body)
    return Flowing(passed.status, headers, passed.body)


def _headers(passed: Passed) -> Headers:
    headers: Headers = [
        ("x-mesh-model", plain(passed.served)),
        ("x-mesh-decision", passed.decision),
        ("x-request-id", passed.decision),
        ("request-id", passed.decision),
        *adapted(passed.adaptations),
    ]
    for name, value in passed.headers:
        if name in HANDED_BACK or name.startswith(FAMILIES):
            headers.append((name, value))
        elif name == "x-request-id":
            headers.append(("x-mesh-upstream-id", value))
        elif name == "location" and value.startswith("/v1/"):  # of a call in real time: it is answered here as well
            headers.append((name, value))
    return headers
