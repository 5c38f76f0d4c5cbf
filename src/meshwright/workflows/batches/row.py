"""One request of a batch, on the ordinary path of a request: same keys, routes, limits, guards and ledger."""

from __future__ import annotations

import logging
import time

import msgspec

from meshwright.kernel.arrival import Arrival, Failure, Whole
from meshwright.kernel.bounds import check_path
from meshwright.kernel.forward.call import Passed
from meshwright.kernel.forward.target import JSON_KIND, Parcel
from meshwright.kernel.handle import handle
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.questions.embed import embed
from meshwright.kernel.snapshot import Snapshot
from meshwright.types.errors import InvalidRequest, MeshError, PermissionDenied, StoreError
from meshwright.types.principal import LOCAL, Principal
from meshwright.wire import CODECS
from meshwright.wire.dialect import Dialect
from meshwright.wire.sealing import decoder_of_client

_log = logging.getLogger("meshwright.batches")
DIALECTS = {
    "/v1/chat/completions": CODECS["openai_chat"],
    "/v1/completions": CODECS["openai_completions"],
    "/v1/responses": CODECS["openai_responses"],
    "/v1/embeddings": CODECS["openai_chat"],
    "/v1/messages": CODECS["anthropic_messages"],
}


class Outcome(msgspec.Struct, frozen=True):
    """What came of it, in the client's dialect. `again` is the error when another try may help, else None."""

    status: int
    decision: str
    body: bytes
    again: MeshError | None = None

    @property
    def good(self) -> bool:
        """Whether it is an answer."""
        return self.status == 200


async def run_row(kernel: Kernel, owner: str, endpoint: str, body: bytes) -> Outcome:
    """Ask once."""
    dialect = DIALECTS[endpoint]
    try:
        principal = _principal(kernel.snapshot, owner)
        check_path(principal, endpoint)
        if endpoint == "/v1/embeddings":
            return _outcome(dialect, await embed(kernel, _parcel(principal, body)))
        request = decoder_of_client(dialect)(body)
        if request.stream:
            raise InvalidRequest("An answer in a file is no stream.", field="stream", fix="Leave stream out.")
        arrival = Arrival(request=request, dialect=dialect, principal=principal, path=f"batch {endpoint}")
        reply = await handle(kernel, arrival)
        assert isinstance(reply, Whole | Failure)  # nothing was asked as a stream
        if isinstance(reply, Whole):
            return Outcome(200, reply.receipt.decision, reply.body)
        return _failed(dialect, reply.error, reply.decision)
    except StoreError:
        raise  # it is not the row's fault, and cannot be accounted for: later
    except MeshError as error:
        return _failed(dialect, error, "")
    except Exception as error:  # noqa: BLE001  # logged with its trace; one broken request must not hold up the others
        _log.exception("a request of a batch failed")
        return _failed(dialect, MeshError(f"The gateway failed: {type(error).__name__}."), "")


def _principal(snapshot: Snapshot, owner: str) -> Principal:
    """Who made the batch, as he is known now. A key that was revoked since runs nothing any more."""
    if snapshot.open and owner == LOCAL.id:
        return snapshot.local
    now = time.time()
    for holder in snapshot.holders.values():
        known = holder.principal
        if known.id == owner and known.may("inference") and (holder.expires is None or holder.expires > now):
            return known
    raise PermissionDenied("The key that made this batch works no longer.", fix="Make it again with another key.")


def _parcel(principal: Principal, body: bytes) -> Parcel:
    return Parcel(method="POST", path="/embeddings", principal=principal, kind=JSON_KIND, body=body,
                  headers=(("content-type", JSON_KIND),), counts=True)  # fmt: skip


def _outcome(dialect: Dialect, passed: Passed | Failure) -> Outcome:
    if isinstance(passed, Failure):
        return _failed(dialect, passed.error, passed.decision)
    if not isinstance(passed.body, bytes):
        passed.body.abort()
        return _failed(dialect, InvalidRequest("The provider's answer is no JSON."), passed.decision)
    return Outcome(passed.status, passed.decision, passed.body)


def _failed(dialect: Dialect, error: MeshError, decision: str) -> Outcome:
    return Outcome(error.status, decision, dialect.encode_error(error), error if error.retryable else None)
