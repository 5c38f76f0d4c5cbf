"""Everything a request needs to know, immutable: swapped whole when the control plane publishes a new one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from meshwright.ledger.digest import Holder
from meshwright.net.transport import Deadlines, Endpoint, Transport
from meshwright.routing.policy import Policy
from meshwright.types.model import Model, Provider
from meshwright.wire.dialect import Dialect, Target


class Deployment(msgspec.Struct, frozen=True, eq=False):
    """A model that can be called: its card, its dialect, its prepared address and the transport that reaches it."""

    model: Model
    provider: Provider
    dialect: Dialect
    target: Target
    endpoint: Endpoint
    deadlines: Deadlines
    transport: Transport
    also: tuple[Dialect, Endpoint] | None = None
    """A second dialect that the provider speaks, and where."""
    streaming: Endpoint | None = None
    """Where streams are asked for, when that is another address."""

    def at(self, stream: bool) -> Endpoint:
        """The address for an answer in one piece, or for one as a stream."""
        return self.streaming if stream and self.streaming is not None else self.endpoint

    def addressed(self) -> Deployment:
        """The same with the addresses of its own model, in dialects whose path names the model."""
        path_of = self.dialect.path_of
        if path_of is None:
            return self
        base = self.provider.base_url.rstrip("/")
        whole, stream = (base + path_of(self.target.model, streamed) for streamed in (False, True))
        return msgspec.structs.replace(
            self,
            endpoint=msgspec.structs.replace(self.endpoint, url=whole),
            streaming=msgspec.structs.replace(self.endpoint, url=stream),
        )

    def speaking(self, dialect: Dialect) -> Deployment:
        """The deployment as a client of that dialect is served best: in that dialect, if the provider speaks it."""
        if self.also is None or self.dialect is dialect or self.also[0] is not dialect:
            return self
        return msgspec.structs.replace(self, dialect=dialect, endpoint=self.also[1], streaming=None)


class Snapshot(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One published state of the gateway.

    `names` maps everything that a client may write in `model` to the policy that it means; `holders` maps the
    SHA-256 digest of a key to its owner; `open` says that callers without a key are welcome (loopback only).
    `open_ended` holds a pattern of a deployment for each provider whose models are not all known. `refused` maps a
    provider that is not served to the reason.
    """

    version: int
    deployments: Mapping[str, Deployment]
    names: Mapping[str, Policy]
    holders: Mapping[bytes, Holder]
    open: bool
    open_ended: Mapping[str, Deployment] = {}
    refused: Mapping[str, str] = {}

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
        target = msgspec.structs.replace(template.target, model=upstream, origin=name, max_output=None)
        return msgspec.structs.replace(template, model=model, target=target).addressed()
