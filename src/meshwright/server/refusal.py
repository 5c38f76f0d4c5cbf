"""An error as the client's own dialect says it."""

from __future__ import annotations

from math import ceil

from meshwright.server.endpoint import Endpoint
from meshwright.server.http import JSON, Answered, Headers
from meshwright.types.errors import (
    BudgetSpent,
    LimitReached,
    MeshError,
    MethodNotAllowed,
    NoCandidate,
    UpstreamError,
    UpstreamStatus,
)
from meshwright.wire import CODECS
from meshwright.wire.dialect import Dialect

SOON = 60.0
"""Seconds that a client may well wait by itself."""
DEFAULT = CODECS["openai_chat"]


def refusal(endpoint: Endpoint | None, error: MeshError, decision: str = "") -> Answered:
    """The error's answer: the dialect's body, the status, how long to wait, and which decision explains it."""
    dialect = endpoint.dialect if endpoint is not None and endpoint.dialect is not None else DEFAULT
    answer = refused(dialect, error, decision)
    if endpoint is not None and isinstance(error, MethodNotAllowed):
        answer.headers.append(("allow", endpoint.method))  # RFC 9110, 15.5.6
    return answer


def refused(dialect: Dialect, error: MeshError, decision: str = "") -> Answered:
    """The same for a caller who knows the dialect."""
    headers: Headers = [JSON]
    if decision:
        headers += [("x-mesh-decision", decision), ("x-request-id", decision), ("request-id", decision)]
    if isinstance(error, LimitReached | NoCandidate | UpstreamStatus) and error.retry_after is not None:
        headers.append(("retry-after", str(max(1, ceil(error.retry_after)))))
    if isinstance(error, UpstreamError | LimitReached):
        headers += error.limits
    if _lasting(error):
        headers.append(("x-should-retry", "false"))  # clients of OpenAI and of Anthropic would otherwise ask again
    return Answered(error.status, headers, dialect.encode_error(error))


def _lasting(error: MeshError) -> bool:
    """Whether to ask again soon is in vain: it helps when money is only set aside, and never where one request needs
    more than the whole limit, or nobody will be able to serve it."""
    if isinstance(error, NoCandidate):
        return error.lasting
    if not isinstance(error, LimitReached):
        return False
    return error.retry_after is None or (isinstance(error, BudgetSpent) and error.retry_after > SOON)
