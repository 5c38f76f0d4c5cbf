"""What the tables hold, as plain values: importing this loads no database toolkit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from meshwright.types.principal import Bounds, Measure, Per

SpendBy = Literal[
    "model", "provider", "principal", "dialect", "asked", "route", "strategy", "task", "served", "outcome", "day"
]  # fmt: skip


class Key(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A key without its secret: `hash` is the SHA-256 of the whole key, `prefix` its first characters, for people.

    Times are seconds since 1970. `expires` None: never. `revoked` None: it still works. `principal` is the id of the
    principal's first key when this one took its place. `team` and `user` are names of parties, "" if none.
    """

    id: str
    prefix: str
    hash: bytes
    name: str = ""
    scopes: tuple[str, ...] = ("inference",)
    created: float = 0.0
    expires: float | None = None
    revoked: float | None = None
    principal: str = ""
    team: str = ""
    user: str = ""
    priority: int = 0
    bounds: Bounds = Bounds()

    @property
    def owner(self) -> str:
        """The principal's id."""
        return self.principal or self.id


class Party(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A team ("team:NAME"), a user ("user:NAME") or the "gateway": what bounds all keys below it."""

    id: str
    created: float = 0.0
    bounds: Bounds = Bounds()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one window of an allowance stands. Money is nano-dollars; `start` and `until` are seconds since 1970.

    `spent` was settled and imported; `held` is lent to processes, for requests under way and in reserve.
    """

    owner: str
    measure: Measure
    per: Per
    amount: int
    start: int
    until: int | None
    spent: int = 0
    held: int = 0

    @property
    def left(self) -> int:
        """What nobody has spent or holds."""
        return max(0, self.amount - self.spent - self.held)


class Lent(msgspec.Struct, frozen=True):
    """What came of asking for a part of an account: how much of it, and how the account then stands.

    `amount` None: there is no such allowance any more, and what was asked for is granted.
    """

    granted: int
    amount: int | None
    spent: int
    held: int


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """What one life of a journal's writer has borrowed of an account and not accounted for. `renewed`: since 1970.

    `written_off` is charged to the account although no journal has said that it was spent.
    """

    life: str
    account: str
    owner: str
    measure: Measure
    per: Per
    held: int
    written_off: int
    renewed: float


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """What one group used: `cost_nano` adds up what is known; `unpriced` counts what is not known (and is not in it).

    `counted_nano` adds up what budgets count for those: the worst case; nothing for callers without a budget.

    `name` is the value that was grouped by (for "day": days since 1970-01-01 UTC, as text). `requests` counts
    decisions, `attempts` calls. `input` and `output` are tokens.
    """

    name: str
    requests: int
    attempts: int
    cost_nano: int
    unpriced: int
    input: int
    output: int
    counted_nano: int = 0


class Daily(msgspec.Struct, frozen=True, kw_only=True):
    """What calls to one model used in one day (counted from 1970, UTC); fields as those of Spend."""

    day: int
    model: str
    cost_nano: int
    unpriced: int
    input: int
    output: int


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a journal segment was read, in bytes. `done` (seconds since 1970): all of it, for good."""

    name: str
    life: str
    offset: int
    done: float | None = None


class Unended(msgspec.Struct, frozen=True, kw_only=True):
    """A request that began and was not seen to end; what it counts for is the worst case, by account."""

    id: str
    at: float
    principal: str
    model: str = ""
    charges: Mapping[str, int] = {}


class LearnedLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that a provider named when it refused a request, at that time; `decision` is that request's."""

    model: str
    fact: Literal["window", "max_output"]
    tokens: int
    at: float
    decision: str = ""


ACTIVE = ("validating", "in_progress", "cancelling")
"""Statuses of batches that are not over; the others are completed, failed, expired and cancelled."""


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of ours. Times are seconds since 1970, `size` is in bytes; `expires` None: it is kept."""

    id: str
    owner: str
    name: str
    purpose: str
    size: int = 0
    created: float
    expires: float | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that are run one by one. `kind` is "openai" or "anthropic", `endpoint` the path of every request.

    Times are seconds since 1970, None when it has not come to that. `problems` is JSON: what is wrong with the input.
    `runner` works on it until `leased` at the latest, unless it says so again.
    """

    id: str
    owner: str
    kind: str
    endpoint: str
    status: str
    created: float
    expires: float
    window: str = ""
    input_file: str = ""
    metadata: bytes = b"null"
    total: int = 0
    problems: bytes = b"null"
    begun: float | None = None
    cancelling: float | None = None
    finalizing: float | None = None
    ended: float | None = None
    output_file: str = ""
    error_file: str = ""
    runner: str = ""
    leased: float = 0.0


class BatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a batch. `state` is waiting, ok, failed, expired or cancelled; `result` is its line of output."""

    n: int
    custom_id: str
    body: bytes
    state: str
    result: bytes | None = None


CountedBatch = tuple[Batch, Mapping[str, int]]
"""A batch, and how many of its rows are in each state."""


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is given again until its time is over. `cost_nano` is what it cost, None when unknown."""

    id: str
    owner: str
    at: float
    until: float
    model: str
    cost_nano: int | None
    body: bytes


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that its caller wants to come back to. Times are seconds since 1970.

    `kind` "response": `request` is the JSON array of its own input items, `body` the response object. "chat": the
    messages and the chat completion. `served` is the deployment that answered; `previous` the answer and
    `conversation` the conversation that it goes on from, "" if none. `touched` is when whoever makes it was last alive.
    """

    id: str
    owner: str
    kind: Literal["response", "chat"]
    created: float
    expires: float
    status: str
    body: bytes
    request: bytes = b"[]"
    model: str = ""
    served: str = ""
    previous: str = ""
    conversation: str = ""
    touched: float = 0.0


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation's head. `metadata` is a JSON object; times are seconds since 1970."""

    id: str
    owner: str
    created: float
    expires: float
    metadata: bytes = b"{}"


class KeptItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a conversation: its JSON, and the deployment that made it ("": its caller)."""

    id: str
    body: bytes
    served: str = ""


FeedbackKind = Literal[
    "score", "thumbs", "correction", "label", "judge",
    "schema", "arguments", "refusal", "truncated", "asked_again", "tool_failed", "tests",
]  # fmt: skip
"""What people say of an answer, what a judge says, and what can be seen without asking anyone."""


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was found out about the answer of a model. `principal` "": nobody said it, it was seen.

    `score` is what it says of the answer's quality (0..1), None when it says nothing of that. `text` is the correction,
    the label, or what was seen in words. `at` is when it was found out, `asked` when the question was. `expected` is
    the quality that was predicted, `prior` the same without what had been learned here; `sketch` is what is kept of the
    question. `aside`: since when it is not learned from any more. `n` is its place in order of arrival.
    """

    decision: str
    model: str
    kind: FeedbackKind
    principal: str
    at: float
    asked: float
    score: float | None = None
    text: str = ""
    expected: float | None = None
    prior: float | None = None
    sketch: bytes = b""
    aside: float | None = None
    n: int = 0


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One act in the audit log. `at` is whole microseconds since 1970; `payload` is JSON as it was hashed.

    `subject` names the key that what is personal in the payload is encrypted with, "" when nothing is. `hash` is the
    SHA-256 of all of it with `previous`, the hash of the entry before.
    """

    seq: int
    at: int
    actor: str
    act: str
    object: str
    subject: str
    payload: bytes
    previous: bytes
    hash: bytes


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A person (a principal) whose data is encrypted with `key`; both are None once it was erased."""

    id: str
    subject: str | None
    key: bytes | None
    created: float
    erased: float | None = None
