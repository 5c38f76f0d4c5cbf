"""Everything a request needs to know, immutable: swapped whole when the control plane publishes a new one."""

from __future__ import annotations

from collections.abc import Container, Coroutine, Mapping
from time import time
from typing import Any

import msgspec

from meshwright.catalog.exact.chosen import NONE, Chosen
from meshwright.kernel.addressing import Addressing
from meshwright.kernel.config.tables import (
    BudgetSettings,
    CacheSettings,
    LearningSettings,
    PrivacySettings,
    StateSettings,
)
from meshwright.kernel.guarding import Guardings
from meshwright.kernel.health import Health
from meshwright.ledger.digest import Holder
from meshwright.net.proof import Proof, proved
from meshwright.net.transport import Answer, Call, Deadlines, Endpoint, Transport
from meshwright.routing.policy import Policy
from meshwright.routing.quality.gains import Gains
from meshwright.routing.quality.knowledge import Knowledge
from meshwright.types.calibration import Calibration
from meshwright.types.failing import DEFAULT, Failing
from meshwright.types.model import Model, Provider
from meshwright.types.principal import LOCAL, Principal
from meshwright.wire.dialect import Dialect, Target


class Deployment(msgspec.Struct, frozen=True, eq=False):
    """A model that can be called: its card, its dialect, its prepared address and the transport that reaches it."""

    model: Model
    provider: Provider
    dialect: Dialect
    target: Target
    addressing: Addressing
    endpoint: Endpoint
    deadlines: Deadlines
    """Those of a stream."""
    thinking: Deadlines
    """Those of a stream whose model may think first, where nobody sees it."""
    whole: Deadlines
    """Those of an answer in one piece, of which nothing comes before all of it is made."""
    transport: Transport
    also: tuple[Deployment, ...] = ()
    """The same model in other dialects that the provider speaks."""
    streaming: Endpoint | None = None
    """Where streams are asked for, when that is another address."""
    proof: Proof | None = None
    """What each call is proved with, where a key in the endpoint's headers is not enough."""
    key: str = ""
    """What it is called among all deployments: its model's name and its place."""
    place: str = ""
    """Which of several equal ones it is: "" the first, "#2" the second."""
    replicas: tuple[Deployment, ...] = ()
    """The same model at the same provider by other addresses or keys."""
    places: tuple[str, ...] = ("",)
    """Those of all of them."""
    limit: float | None = None
    """How many calls it takes at once, if somebody knows; else that is found out."""
    first_token: float | None = None
    """Its own deadline for something useful of a stream, while another model stands by."""
    finishes: bool = False
    """Whether an answer is read to its end when its client has left."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all of its equals, its own among them."""
        return tuple([self.model.name + place for place in self.places])

    def within(self, stream: bool) -> Deadlines:
        """The deadlines of a stream, or of an answer in one piece."""
        if not stream:
            return self.whole
        return self.thinking if self.model.can("reasoning") else self.deadlines

    def at(self, stream: bool) -> Endpoint:
        """The address for an answer in one piece, or for one as a stream."""
        return self.streaming if stream and self.streaming is not None else self.endpoint

    def send(self, call: Call) -> Coroutine[Any, Any, Answer]:
        """Prove the call, and send it. Raises what `Transport.send` raises, and UpstreamError without a proof."""
        return self.transport.send(call) if self.proof is None else _prove_and_send(self.transport, self.proof, call)

    def serving(self, model: Model) -> Deployment:
        """This pattern of deployments, for one model: with its own addresses where the path names the model."""
        target = msgspec.structs.replace(
            self.target, model=model.upstream, origin=model.name, max_output=model.max_output
        )
        also = tuple(one.serving(model) for one in self.also)
        replicas = tuple(one.serving(model) for one in self.replicas)
        whole, streaming = self.endpoint, self.streaming
        if (path_of := self.addressing.path_of) is not None:
            whole, streaming = (
                msgspec.structs.replace(self.endpoint, url=self.addressing.base + path_of(model.upstream, streamed))
                for streamed in (False, True)
            )
        return msgspec.structs.replace(
            self,
            model=model,
            target=target,
            endpoint=whole,
            streaming=streaming,
            also=also,
            replicas=replicas,
            key=model.name + self.place,
        )

    def speaking(self, dialect: Dialect) -> Deployment:
        """The deployment as a client of that dialect is served best: in that dialect, if the provider speaks it."""
        return next((one for one in self.also if one.dialect is dialect), self)

    def in_any(self, dialects: Container[str]) -> Deployment | None:
        """The same in the first of these dialects that the provider speaks, None when it speaks none of them."""
        return next((one for one in (self, *self.also) if one.dialect.name in dialects), None)


async def _prove_and_send(transport: Transport, proof: Proof, call: Call) -> Answer:
    answer = await transport.send(await proved(call, proof, time()))
    if answer.status == 401 or answer.headers.get("x-amzn-errortype", "").startswith("ExpiredToken"):
        proof.refused()
    return answer


class Snapshot(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One published state of the gateway.

    `names` maps everything that a client may write in `model` to the policy that it means; `holders` maps the
    SHA-256 digest of a key to its owner; `open` says that callers without a key are welcome (loopback only).
    `open_ended` holds a pattern of a deployment for each provider whose models are not all known. `refused` maps a
    provider that is not served to the reason. `state` says which answers are kept.
    """

    version: int
    deployments: Mapping[str, Deployment]
    names: Mapping[str, Policy]
    holders: Mapping[bytes, Holder]
    open: bool
    local: Principal = LOCAL
    """Who asks without a key, where that is allowed."""
    open_ended: Mapping[str, Deployment] = {}
    refused: Mapping[str, str] = {}
    knowledge: Knowledge | None = None
    """What the router has learned here; None: what comes with the package."""
    gains: Gains | None = None
    """What the router has learned from answers given here; None: it does not learn from them."""
    calibration: Calibration | None = None
    """How far off predictions have been here; None: nothing is known of it yet."""
    failing: Failing = DEFAULT
    """How hard is tried where no route says so."""
    health: Health = Health()
    coalescing: frozenset[str] = frozenset()
    """Names of the routes whose identical requests are made one."""
    state: StateSettings = StateSettings()
    privacy: PrivacySettings = PrivacySettings()
    budgets: BudgetSettings = BudgetSettings()
    learning: LearningSettings = LearningSettings()
    guards: Guardings = Guardings()
    caches: Mapping[str, CacheSettings] = {}
    """Of the routes that have one."""
    kept_bytes: int = 0
    tokenizers: Chosen = NONE

    def card(self, name: str) -> Model | None:
        """What is known of the model of that full name."""
        found = self.deployment(name)
        return found.model if found is not None else None

    def deployment(self, name: str) -> Deployment | None:
        """The deployment of that full name; of a served provider also one that no catalogue lists yet."""
        found = self.deployments.get(name)
        if found is not None:
            return found
        provider, _, upstream = name.partition("/")
        template = self.open_ended.get(provider)
        if template is None or not 0 < len(upstream) <= 200 or not upstream.isprintable():
            return None
        row = template.provider
        model = Model(name=name, provider=provider, upstream=upstream, privacy=row.privacy, regions=row.regions)
        tokenizer = self.tokenizers.of(name, upstream) if self.tokenizers else ""
        model = msgspec.structs.replace(model, prices=template.model.prices, tokenizer=tokenizer)
        return template.serving(model)
