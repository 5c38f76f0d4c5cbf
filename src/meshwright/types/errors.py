"""The one error tree: every failure knows its HTTP status and whether a retry can help.

MeshError
├── ClientError                 the caller can fix it; asking again unchanged cannot help
│   ├── InvalidRequest     400  a field is wrong: names the field and the fix
│   │   ├── NotCarried     400  strict mode: the model's dialect cannot carry a parameter
│   │   └── ContextTooLong 400  no model of the pool has a window for this many tokens
│   ├── Unauthenticated    401  no key, or one that we do not know
│   ├── PermissionDenied   403  the key is known and may not do this
│   │   └── PriceUnknown   403  the key has a budget, and what this costs is not known
│   ├── NotFound           404  no such path, decision or response
│   │   └── UnknownModel   404  no model or route of that name
│   ├── KeyReused          422
│   ├── MethodNotAllowed   405
│   ├── TooLarge           413  body, header or nesting over its limit
│   ├── Blocked            403  a guard said no
│   └── LimitReached       429  a limit of ours, with the seconds to wait
│       ├── BudgetSpent    429  the same for money: what is left cannot pay for this request
│       ├── LengthUnknown  400  the key has a limit, and nobody says how long an answer may be
│       └── OverMaxCost    400  no call surely keeps the request below its `max_cost`
├── NoCandidate            503  every model of the pool was rejected: says why, model by model
├── Overloaded             503  we are draining or full
├── UpstreamError               a provider failed; another may not
│   ├── ConnectFailed      502  nobody answered at the address
│   ├── UpstreamTimeout    504  which deadline passed: connect, first byte, between bytes, total
│   ├── UpstreamStatus     ---  the provider's own status and words
│   ├── UpstreamProtocol   502  bytes that are not what the dialect promises
│   ├── StreamCut          502  the stream ended before it said that it was finished
│   └── Declined           422  the model says itself that it cannot do this
├── ConfigError                 mesh.toml or the environment: all problems, each with line, field and fix
└── StoreError             500  the database or the journal
"""

from __future__ import annotations

from collections.abc import Mapping


class MeshError(Exception):
    """A failure with a status, a stable `code`, and, where one is known, the `field` and the `fix`."""

    status = 500
    code = "internal_error"
    retryable = False

    def __init__(self, message: str, *, field: str | None = None, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} {self.fix}" if self.fix else self.message


class ClientError(MeshError):
    """The caller can fix it."""

    status = 400
    code = "invalid_request"


class InvalidRequest(ClientError):
    """A field is missing, malformed or out of range."""


class NotCarried(InvalidRequest):
    """Strict mode: the chosen model's dialect has no place for a parameter of the request."""

    code = "not_carried"


class ContextTooLong(InvalidRequest):
    """More tokens than any eligible model's window holds; `rejected` says of each model how many that are."""

    code = "context_length_exceeded"
    rejected: Mapping[str, str] = {}


class Unauthenticated(ClientError):
    """No key, or a key that is not known here."""

    status = 401
    code = "invalid_api_key"


class PermissionDenied(ClientError):
    """The key is known and may not do this."""

    status = 403
    code = "permission_denied"


class PriceUnknown(PermissionDenied):
    """The key has a budget, and what the call would cost is not known."""

    code = "price_unknown"


class NotFound(ClientError):
    """No such path or record."""

    status = 404
    code = "not_found"


class UnknownModel(NotFound):
    """No model, route or alias has that name."""

    code = "model_not_found"


class KeyReused(ClientError):
    """An idempotency key was given to another request before."""

    status = 422
    code = "idempotency_key_reused"


class MethodNotAllowed(ClientError):
    """The path exists; the method does not."""

    status = 405
    code = "method_not_allowed"


class TooLarge(ClientError):
    """A body, header or nesting is over its limit."""

    status = 413
    code = "request_too_large"


class Blocked(ClientError):
    """A guard refused the request or the answer."""

    status = 403
    code = "blocked"


class LimitReached(ClientError):
    """A limit of the key; `retry_after` is in seconds."""

    status = 429
    code = "rate_limit_exceeded"
    retryable = True
    limits: tuple[tuple[str, str], ...] = ()
    """Headers about the caller's limits, in his dialect."""

    def __init__(self, message: str, *, retry_after: float | None = None, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.retry_after = retry_after


class BudgetSpent(LimitReached):
    """What is left of a budget cannot pay for the request; waiting helps only until the budget begins anew."""

    code = "insufficient_quota"
    retryable = False


class LengthUnknown(LimitReached):
    """The key has a limit on what it uses, and no maximum of the answer is known or may be set."""

    status = 400
    code = "max_tokens_required"
    retryable = False


class OverMaxCost(LimitReached):
    """No call can be made that surely keeps the request below its `max_cost`."""

    status = 400
    code = "max_cost_exceeded"
    retryable = False


class NoCandidate(MeshError):
    """Every model of the pool was rejected; `rejected` maps its name to the reason.

    `retry_after`: seconds until one of them has rested, where that was a reason. `lasting`: none of the reasons goes by
    what a model does at the moment, so that waiting does not help.
    """

    status = 503
    code = "no_candidate"
    lasting = False

    def __init__(self, message: str, rejected: Mapping[str, str], *, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.rejected = rejected
        self.retry_after: float | None = None


class Overloaded(MeshError):
    """The gateway is draining or full."""

    status = 503
    code = "overloaded"
    retryable = True


class UpstreamError(MeshError):
    """A provider failed. `retryable` says whether the same or another one may do better."""

    status = 502
    code = "upstream_error"
    retryable = True
    limits: tuple[tuple[str, str], ...] = ()
    """Headers about the provider's limits, in the client's dialect."""


class ConnectFailed(UpstreamError):
    """No connection to the provider's address (refused, unresolved, TLS, proxy)."""

    code = "upstream_unreachable"


class UpstreamTimeout(UpstreamError):
    """A deadline passed; `phase` is "connect", "first_byte", "between_bytes" or "total"."""

    status = 504
    code = "upstream_timeout"

    def __init__(self, message: str, phase: str) -> None:
        super().__init__(message)
        self.phase = phase


class UpstreamStatus(UpstreamError):
    """The provider answered with an error status; its words are kept in `message` and `body`."""

    def __init__(
        self, message: str, status: int, *, code: str | None = None, body: bytes = b"", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.upstream_status = status
        self.body = body
        self.retry_after = retry_after
        # A provider's word about *our* key or our empty account is no fault of the caller's: never pass it through.
        self.status = 502 if status in (401, 402, 403) or status < 400 else status
        self.code = code or ("upstream_auth" if status in (401, 403) else "upstream_error")
        # 402: our account there is empty, another provider's need not be.
        self.retryable = status in (401, 402, 403, 404, 408, 409, 425, 429) or status >= 500


class UpstreamProtocol(UpstreamError):
    """Bytes that are not what the provider's dialect promises."""

    code = "upstream_malformed"


class StreamCut(UpstreamError):
    """A stream ended before its dialect's own end mark."""

    code = "upstream_stream_cut"


class Declined(UpstreamError):
    """The model says itself that it cannot answer this (built-in models do)."""

    status = 422
    code = "declined"


class Problem:
    """One thing that is wrong in the configuration: where, what, and what to write instead."""

    __slots__ = ("field", "fix", "line", "message", "source")

    def __init__(
        self, message: str, *, field: str = "", line: int | None = None, fix: str = "", source: str = ""
    ) -> None:
        self.message = message
        self.field = field
        self.line = line
        self.fix = fix
        self.source = source

    def __str__(self) -> str:
        place = self.source + (f":{self.line}" if self.line else "")
        said = f"{self.field}: {self.message}" if self.field else self.message
        return (f"{place}: " if place else "") + said + (f" Fix: {self.fix}" if self.fix else "")


class ConfigError(MeshError):
    """The configuration cannot be used; `problems` has every one that was found."""

    code = "config_error"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems

    @classmethod
    def of(cls, message: str, *, fix: str = "", source: str = "") -> ConfigError:
        """One problem that has no line."""
        return cls([Problem(message, fix=fix, source=source)])


class StoreError(MeshError):
    """The database or the journal cannot be read or written."""

    code = "store_error"
