"""Writing down what happens to one request, to become its Trace."""

from __future__ import annotations

import random
from collections.abc import Mapping
from time import perf_counter, time

import msgspec

from meshwright.ledger.money import cost, incredible
from meshwright.ledger.purse import Grant, Tab
from meshwright.types.content import Message
from meshwright.types.decision import Attempt, Decision, Note, Trace
from meshwright.types.errors import ContextTooLong, MeshError, NoCandidate
from meshwright.types.guard import Verdict
from meshwright.types.model import Model
from meshwright.types.request import Adaptation
from meshwright.types.usage import Usage

NOTHING: Mapping[str, int] = {}
_random = random.SystemRandom().getrandbits
_fast = random.Random(_random(64)).getrandbits


def decision_id(at: float) -> str:
    """A new id, in order of time: "dec_", 11 hex digits of milliseconds since 1970, 16 of chance."""
    return f"dec_{int(at * 1000):011x}{_fast(64):016x}"


def new_id() -> str:
    """16 hex digits of chance."""
    return f"{_fast(64):016x}"


class Recording(msgspec.Struct, eq=False):
    """The only thing that is written to on a request's way. One per request; it becomes one Trace."""

    principal: str
    dialect: str
    path: str
    at: float = msgspec.field(default_factory=time)
    started: float = msgspec.field(default_factory=perf_counter)
    marked: float = 0.0
    """When its last stage ended, on the clock of `started`."""
    id: str = ""
    stream: bool = False
    stages: dict[str, float] = {}
    attempts: list[Attempt] = []
    counted: bool = False
    """It is one of the requests under way that the budget of second attempts goes by."""
    said: tuple[Message, ...] = ()
    """What was asked; only where policy says that it may be kept."""
    cap: int | None = None
    """Nano-dollars that all of its calls may cost together, by its caller's `max_cost`."""
    promised: int = 0
    """Nano-dollars that its calls cost, or may cost at most; only where a `max_cost` is to be kept."""
    notes: list[Note] = []
    guards: list[Verdict] = []
    held: bool = False
    """Whoever watches the answer settles it."""
    over: bool = False
    """It would have settled, but for that."""
    cache: str = ""
    saved: int | None = None
    of: str = ""
    tab: Tab | None = None
    charges: Mapping[str, int] = NOTHING
    answer: str = ""
    decision: Decision | None = None
    served: str = ""
    status: int = 200
    outcome: str = "ok"
    error: str = ""
    first_byte: float | None = None

    def __post_init__(self) -> None:
        self.marked = self.started
        self.id = decision_id(self.at)

    def elapsed(self) -> float:
        """Seconds since the request arrived."""
        return perf_counter() - self.started

    def stage(self, name: str) -> None:
        """What was done since the last mark is stage `name`."""
        now = perf_counter()
        self.stages[name] = self.stages.get(name, 0.0) + now - self.marked
        self.marked = now

    def failed(self, error: BaseException) -> None:
        """The request as a whole failed."""
        if isinstance(error, MeshError):
            self.status, self.outcome, self.error = error.status, error.code, error.message[:2000]
            if self.decision is None and isinstance(error, NoCandidate | ContextTooLong):
                rejected = error.rejected.items()
                self.notes += [Note(kind="rejected", about=model, told=reason) for model, reason in rejected]
        elif isinstance(error, Exception):
            self.status, self.outcome = MeshError.status, MeshError.code
            self.error = f"The gateway failed: {type(error).__name__}: {error}"[:2000]
        else:
            told = str(error) or "The client left before the answer was complete."
            self.status, self.outcome, self.error = 499, "cancelled", told

    def trace(self) -> Trace:
        """Everything, as a value."""
        usage: Usage | None = None
        spent: int | None = None
        priced = True
        for attempt in self.attempts:
            if attempt.usage is not None:
                usage = attempt.usage if usage is None else usage + attempt.usage
            if attempt.cost is not None:
                spent = (spent or 0) + attempt.cost
            elif attempt.unpriced:
                priced = False
        if self.cache in ("hit", "alike"):
            spent = spent or 0
        return Trace(
            id=self.id,
            at=self.at,
            principal=self.principal,
            dialect=self.dialect,
            path=self.path,
            stream=self.stream,
            status=self.status,
            outcome=self.outcome,
            error=self.error,
            served=self.served,
            decision=self.decision,
            attempts=tuple(self.attempts),
            stages=self.stages,
            seconds=perf_counter() - self.started,
            first_byte=self.first_byte,
            usage=usage,
            cost=spent if priced else None,
            notes=tuple(self.notes),
            guards=tuple(self.guards),
            cache=self.cache,
            saved_nano=self.saved,
            of=self.of,
            charges=self.charges,
            answer=self.answer,
        )


class Allotted(msgspec.Struct, frozen=True):
    """The tokens of output that are set aside for one call which reads `read` at most.

    `grows`: the answer may be longer, and a stream asks for more as it passes.
    """

    tokens: int
    read: int
    grows: bool

    def doubled(self) -> Allotted:
        """With as many tokens again."""
        return Allotted(2 * self.tokens, self.read, self.grows)


class OpenAttempt:
    """One call to one model while it is under way."""

    __slots__ = (
        "adaptations",
        "allotted",
        "began",
        "finish",
        "first_byte",
        "grant",
        "limits",
        "model",
        "recording",
        "role",
        "status",
        "upstream_id",
        "worst",
    )

    def __init__(self, recording: Recording, model: Model, role: str = "") -> None:
        self.recording = recording
        self.worst = 0
        self.model = model
        self.role = role
        self.began = recording.elapsed()
        self.first_byte: float | None = None
        self.status: int | None = None
        self.upstream_id = ""
        self.finish = ""
        self.adaptations: tuple[Adaptation, ...] = ()
        self.limits: tuple[tuple[str, str], ...] = ()
        self.grant: Grant | None = None
        self.allotted: Allotted | None = None
        """Where a stream has to be counted: nobody but us gave its answer an end."""

    def answering(self, status: int) -> None:
        """The head of the answer is here."""
        self.status = status
        self.first_byte = self.recording.elapsed()

    def close(self, usage: Usage | None, outcome: str = "ok", error: str = "", unpriced: str = "") -> None:
        """It is over. Without usage the cost is unknown, and `unpriced` says why; "": nothing is owed."""
        amount: int | None = None
        if usage is not None:
            amount, unpriced = cost(usage, self.model.prices)
            if amount is None and (wrong := incredible(usage)):
                usage, unpriced = None, wrong
        elif not unpriced:
            amount = 0
        if self.worst and amount is not None:
            self.recording.promised += amount - self.worst
        charged: int | None = None
        if self.grant is not None:
            used = 0 if amount == 0 else None
            charged = self.grant.settle(amount, usage.total_input + usage.total_output if usage is not None else used)
        self.recording.attempts.append(
            Attempt(
                model=self.model.name,
                began=self.began,
                outcome=outcome,
                error=error[:2000],
                status=self.status,
                first_byte=self.first_byte,
                ended=perf_counter() - self.recording.started,
                usage=usage,
                cost=amount,
                unpriced=unpriced,
                charged=charged,
                upstream_id=self.upstream_id,
                adaptations=self.adaptations,
                finish=self.finish,
                role=self.role,
                regions=self.model.regions,
                privacy=self.model.privacy,
            )
        )
