"""Which model answers and why: complete enough to explain and to replay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from meshwright.types.guard import Verdict
from meshwright.types.principal import Bounds
from meshwright.types.request import Adaptation
from meshwright.types.usage import Usage


class Interval(msgspec.Struct, frozen=True):
    """A prediction with the bounds that it should lie in nine times of ten. Units are those of what is predicted."""

    value: float
    low: float
    high: float


class Signal(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a model does here: live latencies in seconds (None: not seen), and why it rests ("" if it does not).

    `first` and `pace` (seconds for a token that is written) are intervals over its latest answers. `longer` says by
    task, "" being all of them, how many times as long its answers are as was predicted without having seen any.
    """

    first_byte: float | None = None
    total: float | None = None
    resting: str = ""
    first: Interval | None = None
    pace: Interval | None = None
    longer: Mapping[str, float] = {}


class ToolLoop(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a run of an agent stands: its turns so far, calls, failures in a row, and how often it repeats itself.

    `failures` are failed tool results since the last good one; `repeats` is how often the latest call was already made
    with the same arguments before. Of what the latest answer called, `errors` failed; `tested` says whether all tests
    passed that it ran, None when it ran none.
    """

    turns: int = 0
    calls: int = 0
    failures: int = 0
    repeats: int = 0
    errors: int = 0
    tested: bool | None = None


class Expected(msgspec.Struct, frozen=True):
    """What was learned of a model: its mean score `level`, and how this question moves it.

    `common` holds for all models measured with it, `own` for it alone; `spread` is the standard deviation of the sum,
    `rows` the outcomes that it was learned from.
    """

    level: float
    common: float
    own: float
    spread: float
    rows: int


class Gain(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was learned here of a model: how far this question is from what was expected before, from how many outcomes.

    `spread` is its standard deviation; `drifted` tells in words that the model has changed.
    """

    value: float
    spread: float
    outcomes: int
    drifted: str = ""
    trouble: float = 0.0
    """How much of `value` is for trouble that can be seen in its answers: cut off, refused, asked again and so on."""


class Medium(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A picture (pixels), a document (pages), a sound or a film (seconds) of a request; `count` of them are alike.

    `assumed`: how large it is nobody tells, and was taken for something usual.
    """

    kind: Literal["picture", "document", "sound", "film"]
    width: int = 0
    height: int = 0
    detail: str = ""
    pages: int = 0
    seconds: float = 0.0
    count: int = 1
    assumed: bool = False


class Features(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the router saw of a request, in one pass. `tasks` are probabilities that add up to 1, likeliest first."""

    task: str
    sure: float
    tasks: Mapping[str, float]
    input_tokens: int
    turns: int = 1
    characters: int = 0
    code: bool = False
    needs: tuple[str, ...] = ()
    """Abilities without which the request cannot be served."""
    attachments: tuple[str, ...] = ()
    max_tokens: int | None = None
    computable: float = 0.0
    """How likely it is that the last message is a plain computation (0..1)."""
    conversation: str = ""
    """Eight hex digits that stay the same as a conversation goes on; only where a strategy draws lots by it."""
    alike: Mapping[str, float] = {}
    """How like the examples of each step of a route the question is (0..1); only where a strategy asks."""
    by_words: bool = False
    """That likeness goes by words alone: no table of meanings is installed."""
    expected: Mapping[str, Expected] = {}
    """What is expected of each measured model, by its name without provider; only where a strategy learns."""
    gained: Mapping[str, Gain] = {}
    """What was learned here of each model, by its name without provider; only where a strategy learns."""
    purse: Mapping[str, int] = {}
    """What is left today of each route's budget for trying models, in nano-dollars; only where one is tried."""
    sketch: bytes = b""
    """What is kept of the question to learn from: marks, no words (see routing.quality.sketch)."""
    loop: ToolLoop | None = None
    """The state of an agent's run; None when no tool was called yet."""
    asked_for: int | None = None
    """Tokens of the length of answer that the words ask for."""
    wordy: float = 1.0
    """How many times as long as usual the answer is wished, where no length is named."""
    answers: int = 1
    effort: str = ""
    """How hard to think, as the request says; "" when it does not."""
    budget: int | None = None
    """Tokens that may be spent on thinking."""
    warm: Mapping[str, int] = {}
    """How many tokens of this conversation each model's prompt cache should still hold, by its full name."""
    max_cost: int | None = None
    """Nano-dollars that the request may cost at the very most, as its caller says."""
    rough: bool = False
    """`input_tokens` is a fourth of the bytes: no bound was near enough, and nothing else asked for better."""
    found: tuple[str, ...] = ()
    """The guards' rules that found something in it."""
    counted: Mapping[str, int] = {}
    """Tokens of its texts as tokenizers count them, by what `Model.tokenizer` calls them; only where one is at hand."""
    media: tuple[Medium, ...] = ()
    """Pictures, documents, sounds and films, whose tokens each model counts in its own way."""
    media_tokens: int = 0
    """What `input_tokens` has of them: as models of which nothing is known may count them."""


class Candidate(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An eligible model with its predictions: quality 0..1, cost in nano-dollars, latency in seconds.

    None is unknown. `why` says in words where the quality and the order come from. `tokens` are those that it should
    write, hidden ones too; `first` is the time to the first of them. `cached` tokens of the input should be read from
    its prompt cache, which saves `saved` nano-dollars.
    """

    model: str
    quality: Interval | None = None
    cost: Interval | None = None
    latency: Interval | None = None
    why: str = ""
    unproven: tuple[str, ...] = ()
    """What the request needs and nobody says whether the model has."""
    tokens: Interval | None = None
    first: Interval | None = None
    cached: int = 0
    saved: float = 0.0


PlanKind = Literal["chain", "first", "cascade", "panel", "shadow", "advisor"]


ITSELF = -1
"""The place of a plan whose steps are those of the route above it."""


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to do, as a small tree.

    A `chain` tries `models` in order until one answers. Of the others the `steps` are plans themselves:
    `first` tries them in order until one answers; `cascade` goes on to the next when a gate is not sure of an answer;
    `panel` asks all at once and lets `by` judge or fuse, or lets them vote; `shadow` answers by the first and sends
    copies to the rest; `advisor` works by the first, watched by `by`. `settings` are the numbers and words that its
    kind goes by (docs/reference/strategies.md). `step` is its place among the steps of the route above it, or ITSELF
    where its steps are that route's own.
    """

    models: tuple[str, ...] = ()
    kind: PlanKind = "chain"
    steps: tuple[Plan, ...] = ()
    by: Plan | None = None
    settings: Mapping[str, str | int | float | bool] = {}
    step: int = 0

    def contacts(self) -> Iterator[str]:
        """Every model that may be contacted, in the order of the plan; one may come more than once."""
        yield from self.models
        for step in (*self.steps, *((self.by,) if self.by is not None else ())):
            yield from step.contacts()


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The router's choice. Pure: the same snapshot, signals and request give the same decision, byte for byte."""

    asked: str
    route: str
    strategy: str
    plan: Plan
    because: str
    features: Features | None = None
    candidates: tuple[Candidate, ...] = ()
    rejected: Mapping[str, str] = {}
    snapshot: int = 0
    parts: tuple[Decision, ...] = ()
    """The decisions of the plan's steps, in its order, and last that of `by`. They share the features above."""
    propensity: float | None = None
    """How likely it was that lots fell this way; None when nothing was left to chance."""
    extra: int = 0
    """Nano-dollars that a model which was tried is predicted to cost above the best by expectation."""
    signals: Mapping[str, Signal] = {}
    """What was known of how the models were doing, of those that had been seen: what is needed to decide again."""
    bounds: tuple[Bounds, ...] = ()
    """What its caller may use."""


NoteKind = Literal[
    "gate", "rejected", "passed_over", "vote", "judge", "fuse", "advice", "approval", "copy", "schema", "arguments",
    "retry", "waited", "last_resort", "hedge", "continued", "restarted", "not_resumed",
]  # fmt: skip


class Note(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something that was found out or settled while a plan was carried out, in words.

    `kind` is "gate" (an answer was judged; `value` is its probability of being good), "rejected" (where every model
    was: why this one), "passed_over" (a fallback was no longer eligible), "vote", "judge", "fuse", "advice",
    "approval", "copy", or "schema" and "arguments" (whether an answer, or what a tool is called with, fits its schema:
    `value` is 1 or 0). `about` is a model or a route.
    """

    kind: NoteKind
    about: str
    told: str
    value: float | None = None
    signs: Mapping[str, float] = {}
    """What a gate saw of an answer."""


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One call to one model. Times are seconds since the request arrived; money is nano-dollars, None when unknown.

    `outcome` is "ok" or an error's code. A `cost` of 0 says that nothing was charged because nothing was produced.
    """

    model: str
    began: float
    outcome: str
    error: str = ""
    status: int | None = None
    first_byte: float | None = None
    ended: float | None = None
    usage: Usage | None = None
    cost: int | None = None
    unpriced: str = ""
    """Why the cost is not known, if it is not."""
    charged: int | None = None
    """What it counted for on its caller's budgets: its cost, or the worst case where that is not known."""
    upstream_id: str = ""
    adaptations: tuple[Adaptation, ...] = ()
    regions: tuple[str, ...] = ()
    privacy: str = ""
    """Where the data went: what is known of where this model is and of what is done with the data there."""
    finish: str = ""
    """How the answer ended (a `types.response.Finish`), where its provider says so."""
    role: str = ""
    """What for, if not for the answer alone: "held", "member", "judge", "fuse", "advice", "approval", "copy"."""


class Trace(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All that happened to one request; what the journal keeps and `mesh explain` shows.

    `at` is seconds since 1970; `stages` are seconds spent in each stage; `cost` is nano-dollars over all attempts.
    """

    id: str
    at: float
    principal: str
    dialect: str
    path: str = ""
    stream: bool = False
    status: int = 0
    outcome: str
    """ "ok", "cancelled" (the client left), "interrupted" (we died), or an error's code."""
    error: str = ""
    served: str = ""
    decision: Decision | None = None
    attempts: tuple[Attempt, ...] = ()
    stages: Mapping[str, float] = {}
    seconds: float = 0.0
    first_byte: float | None = None
    usage: Usage | None = None
    cost: int | None = None
    notes: tuple[Note, ...] = ()
    guards: tuple[Verdict, ...] = ()
    cache: str = ""
    """"hit": no model was asked; "alike": the same, for the answer to a question in other words; "miss": the route has
    a cache, and it had no such answer."""
    saved_nano: int | None = None
    """What the answer had cost when it was made, where it came from the cache and that is known."""
    of: str = ""
    """The decision that this one is a copy of (a shadow)."""
    answer: str = ""
    """What the caller knows the answer by, where that is a name of ours; else it is the provider's."""
    prompt: str = ""
    """The last question, redacted; only on its way into the database, and only where policy says that it is kept."""
    charges: Mapping[str, int] = {}
    """What it counted for on its caller's limits, by account (`store.accounts`): nano-dollars, tokens or requests."""
