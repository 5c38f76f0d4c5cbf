"""The small public door: learn from rows, decide for a request. For other people's harnesses as for our own commands.

router = Router.fit(rows)                                  # needs numpy; Router() starts from the shipped weights
decision = router.route("What is 2+2?", models, thrift=0.3)
decision.plan.models[0], decision.because
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from meshwright.routing.policy import Policy, Signal
from meshwright.routing.quality.knowledge import Knowledge, shipped
from meshwright.routing.quality.rows import Row
from meshwright.routing.quality.weights import Weights, pack, read
from meshwright.routing.route import route
from meshwright.types.content import Message, Text
from meshwright.types.decision import Decision, Expected
from meshwright.types.errors import InvalidRequest
from meshwright.types.model import Model
from meshwright.types.request import Request


class Router:
    """Learned weights and what can be asked of them. Immutable; equal weights and requests give equal decisions."""

    def __init__(self, weights: Weights | None = None) -> None:
        self.weights = weights
        self.knowledge = Knowledge(weights) if weights is not None else shipped()

    @classmethod
    def fit(cls, rows: Iterable[Row | Mapping[str, object]]) -> Router:
        """Learn from outcome rows; a row may be a mapping with `prompt` and `scores`. Raises ConfigError.

        Deterministic. 7,000 rows of two models take a few seconds on one core.
        """
        # Learning needs numpy, which a bare gateway does not have; serving does not.
        from meshwright.routing.quality.fit import fit

        return cls(fit(rows))

    @classmethod
    def load(cls, data: bytes) -> Router:
        """From a file's bytes, which are checked. Raises ConfigError."""
        return cls(read(data))

    def save(self) -> bytes:
        """The file's bytes. Raises ValueError for the shipped weights, which are a file already."""
        if self.weights is None:
            raise ValueError("these are the shipped weights")
        return pack(self.weights)

    def expect(self, question: str) -> Mapping[str, Expected]:
        """What to expect of each measured model, by its bare name."""
        return self.knowledge.expect(question)

    def route(
        self,
        request: Request | str,
        models: Sequence[Model | str],
        *,
        thrift: float = 0.0,
        floor: float = 0.0,
        signals: Mapping[str, Signal] | None = None,
        policy: Policy | None = None,
    ) -> Decision:
        """The decision among `models`: cards, or mere names. Raises NoCandidate, InvalidRequest.

        `thrift` and `floor`, both from 0 to 1, are those of the strategy `learned`; a `policy` of one's own takes their
        place. `signals` says how models do (times, lengths, who rests), by name.
        """
        if not models:
            raise InvalidRequest("There are no models to choose among.", field="models", fix="Give one at least.")
        for name, value in (("thrift", thrift), ("floor", floor)):
            if not 0 <= value <= 1:
                raise InvalidRequest(f"{name} is a number from 0 to 1.", field=name, fix=f"Give {name}=0.2.")
        cards = [model if isinstance(model, Model) else _card(model) for model in models]
        asked = request if isinstance(request, Request) else Request(model="auto", messages=(_said(request),))
        pool = tuple(card.name for card in cards)
        chosen = policy or Policy(
            name="router", strategy="learned", pool=pool, floor=floor, attempts=len(pool), options={"thrift": thrift}
        )
        return route(asked, chosen, cards, signals or {}, asked=chosen.name, snapshot=0, knowledge=self.knowledge)


def _said(question: str) -> Message:
    return Message("user", (Text(question),))


def _card(name: str) -> Model:
    """A model of which only the name is known."""
    provider, slash, upstream = name.partition("/")
    return Model(name=name, provider=provider if slash else "", upstream=upstream if slash else name)
