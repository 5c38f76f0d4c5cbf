"""What a failed call means: what is owed for it, whether another model may do better, and what the provider said."""

from __future__ import annotations

from time import time

from meshwright.kernel.record import OpenAttempt
from meshwright.kernel.snapshot import Deployment
from meshwright.ledger.money import UNTOLD
from meshwright.net.transport import Answer
from meshwright.resilience.backoff import told_to_wait
from meshwright.types.errors import (
    ConnectFailed,
    Declined,
    MeshError,
    UpstreamError,
    UpstreamProtocol,
    UpstreamStatus,
    UpstreamTimeout,
)

MAX_ERROR = 64 * 1024
"""Bytes that are read of an error's body."""
NO_USAGE = UNTOLD
BROKE = "the call broke off; the provider may charge for it"
LEFT = "the client left before the provider told the usage"
LOST = "another answer came first; the provider may charge for this one"
PASSED = "it was cut where what was set aside ended; the provider may charge for more"
CUT = "the gateway was stopped before the provider told the usage"


def free(error: UpstreamError) -> bool:
    """Whether nothing can have been charged: refused, unreachable, or timed out before it was connected."""
    if isinstance(error, UpstreamTimeout):
        return error.phase == "connect"
    return isinstance(error, ConnectFailed | UpstreamStatus | Declined)


def close_failed(attempt: OpenAttempt, error: BaseException, *, costs: bool = True) -> None:
    """Write an attempt down with what ended it. `costs`: such calls cost something."""
    if isinstance(error, UpstreamError):
        attempt.close(None, error.code, error.message, unpriced=BROKE if costs and not free(error) else "")
        return
    fault = MeshError.code if isinstance(error, Exception) else "cancelled"
    attempt.close(None, error.code if isinstance(error, MeshError) else fault, str(error), unpriced=BROKE)


def another_may_help(error: UpstreamError) -> bool:
    """Whether the next model of a chain should be asked: not when the request itself is what was refused."""
    return (
        error.retryable or isinstance(error, Declined) or error.code in ("context_length_exceeded", "model_not_found")
    )


async def refused(deployment: Deployment, answer: Answer) -> UpstreamError:
    """The provider's answer as an error of ours, when its status is not the one that was hoped for."""
    body = await answer.read(MAX_ERROR)
    if 300 <= answer.status < 400:
        where = answer.headers.get("location", "nowhere")
        return UpstreamProtocol(
            f"{deployment.provider.name} redirects to {where[:200]}; redirects are not followed.",
            fix=f"Set base_url of [providers.{deployment.provider.name}] to the address that answers.",
        )
    if answer.status < 300:
        return UpstreamProtocol(f"{deployment.provider.name} answered with status {answer.status} instead of 200.")
    error = deployment.dialect.decode_error(answer.status, body, told_to_wait(answer.headers, time()))
    if error.code == "declined":
        return Declined(error.message)
    return error
