"""The composition root: names from the configuration become parts, and a Snapshot. Only this file does that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import msgspec

from meshwright.catalog.cards import shipped
from meshwright.kernel.addressing import addressing
from meshwright.kernel.build.failing import failing, health
from meshwright.kernel.build.models import chosen, model_cards, unpriced
from meshwright.kernel.build.providers import ProviderPart, provider_parts
from meshwright.kernel.build.routes import policies
from meshwright.kernel.config.tables import ProviderSettings, RouteSettings
from meshwright.kernel.guarding import guardings, with_whens
from meshwright.kernel.published import Published
from meshwright.kernel.snapshot import Deployment, Snapshot
from meshwright.ledger.digest import holders, limited
from meshwright.net.proof import AwsKeys, Proof, Signature, Source
from meshwright.net.tokens import Tokens
from meshwright.net.transport import Deadlines, Endpoint, Transport
from meshwright.providers.builtin import meaning
from meshwright.providers.builtin_row import BUILTIN_MEASURES
from meshwright.routing.quality.knowledge import Knowledge
from meshwright.routing.quality.knowledge import shipped as shipped_weights
from meshwright.routing.quality.weights import read
from meshwright.routing.strategies import STRATEGIES
from meshwright.types.model import Model, Provider
from meshwright.types.principal import LOCAL
from meshwright.wire import CODECS
from meshwright.wire.dialect import Dialect, Target

AUTH_HEADERS: Mapping[str, Callable[[str], tuple[str, str]]] = {
    "bearer": lambda key: ("authorization", f"Bearer {key}"),
    "x-api-key": lambda key: ("x-api-key", key),
    "api-key": lambda key: ("api-key", key),
    "x-goog-api-key": lambda key: ("x-goog-api-key", key),
    "aws": lambda key: ("authorization", f"Bearer {key}"),
    "aws-mantle": lambda key: ("authorization", f"Bearer {key}"),
    "entra": lambda key: ("api-key", key),
    "google": lambda key: ("authorization", f"Bearer {key}"),
}

RESPONSES = CODECS["openai_responses"]


def build(
    published: Published,
    environment: Mapping[str, str],
    transport: Transport,
    builtin: Transport | None,
    tokens: Tokens | None = None,
) -> Snapshot:
    """The snapshot that is meant by what was published. `builtin` None: the built-in models are not served.

    `tokens` are those of the event loop that will use it; None makes some that nobody renews but who needs them.
    Keys are read from `environment` and key files here, and live on only inside the prepared endpoints.
    Raises ConfigError.
    """
    config = published.config
    parts, refused = provider_parts(config, environment, published.engines, builtin is not None)
    if tokens is not None and any(route.examples for route in config.routes.values()):
        meaning.load()  # now, where requests are served: none of them should have to wait for it
    if tokens is not None and not published.router and any(map(_learned, config.routes.values())):
        shipped_weights()  # as well: a tenth of a second
    tokens = tokens or Tokens(transport)
    tokens.keep(source for part in parts for one in (part, *part.others) if (source := _source(one)) is not None)
    deployments: dict[str, Deployment] = {}
    open_ended: dict[str, Deployment] = {}
    measures: dict[str, Deployment] = {}  # they do not chat: nothing routes to them
    tokenizers = chosen(config)
    for part in parts:
        reach = builtin if part.row.name == "builtin" and builtin is not None else transport
        pattern = _pattern(part, reach, tokens)
        if part.row.name != "builtin":
            unknown = msgspec.structs.replace(pattern.model, prices=unpriced(part.row, config.budgets))
            open_ended[part.row.name] = msgspec.structs.replace(pattern, model=unknown)
        catalogue, learned = shipped(part.row.name), (published.limits, published.calibration)
        for model in model_cards(part, config, catalogue, *learned, tokenizers):
            deployments[model.name] = pattern.serving(model)
        if part.row.name == "builtin":
            measures = {model.name: pattern.serving(model) for model in BUILTIN_MEASURES}
    names = with_whens(policies(config, [deployment.model for deployment in deployments.values()]), config)
    return Snapshot(
        version=published.version,
        deployments={**deployments, **measures},
        holders=holders(published.keys, published.parties, published.allowances),
        local=limited(LOCAL, published.parties, published.allowances),
        names=names,
        coalescing=frozenset(name for name, policy in names.items() if policy.failing.coalesce),
        open=published.open,
        open_ended=open_ended,
        refused=refused,
        knowledge=_knowledge(published.router) if published.router else None,
        calibration=published.calibration,
        failing=failing(config.failure),
        health=health(config.failure),
        state=config.state,
        privacy=config.privacy,
        budgets=config.budgets,
        learning=config.learning,
        guards=guardings(config),
        caches={name: route.cache for name, route in config.routes.items() if route.cache.on},
        tokenizers=tokenizers,
        kept_bytes=int(config.cache.memory_mb * 1024 * 1024),
    )


def _learned(route: RouteSettings) -> bool:
    return STRATEGIES[route.strategy].learned


@lru_cache(maxsize=2)
def _knowledge(data: bytes) -> Knowledge:
    """Remembered, since a snapshot is built more often than the router learns. Raises ConfigError."""
    return Knowledge(read(data))


def _pattern(part: ProviderPart, transport: Transport, tokens: Tokens) -> Deployment:
    """The pattern of a provider's deployments, with its layers in other dialects beside it."""
    pattern = _spoken(part, part.row, CODECS[part.row.dialect], transport, tokens)
    also = []
    for row in (part.row, *(part.row.of(layer) for layer in part.row.also)):
        own = CODECS[row.dialect]
        others = ((own,) if row is not part.row else (), (RESPONSES,) if "responses" in row.quirks else (), own.also)
        also += [_spoken(part, row, one, transport, tokens) for several in others for one in several]
    pattern = msgspec.structs.replace(pattern, also=tuple(also))
    if not part.others:
        return pattern
    places = ("", *(f"#{number}" for number in range(2, len(part.others) + 2)))
    replicas = tuple(
        _placed(_pattern(other, transport, tokens), place, places)
        for other, place in zip(part.others, places[1:], strict=True)
    )
    return msgspec.structs.replace(_placed(pattern, "", places), replicas=replicas)


def _spoken(part: ProviderPart, row: Provider, dialect: Dialect, transport: Transport, tokens: Tokens) -> Deployment:
    """A provider's deployments in one dialect; they share one endpoint, so that its head is prepared once."""
    settings, where = part.settings, addressing(row, part.settings, dialect)
    return Deployment(
        model=Model(name=row.name, provider=row.name, upstream=""),
        provider=row,
        dialect=dialect,
        target=Target("", row.name, None, frozenset(row.quirks)),
        addressing=where,
        endpoint=Endpoint(
            url=where.base + where.path,
            headers=auth_headers(row, part.key, dialect.headers),
            proxy=settings.proxy,
            ca_file=settings.ca_file,
        ),
        deadlines=_deadlines(settings, 120, 60),
        thinking=_deadlines(settings, 300, 300),
        whole=_deadlines(settings, 600, 300),
        transport=transport,
        proof=proof_of(part, tokens),
        limit=settings.concurrency,
        first_token=settings.first_token_seconds,
        finishes=(settings.on_leave or row.on_leave) == "finish",
    )


def _deadlines(settings: ProviderSettings, first_byte: float, between_bytes: float) -> Deadlines:
    """Those of the settings; where they say nothing, these. (Official clients wait 600 s themselves.)"""
    return Deadlines(
        settings.connect_seconds,
        first_byte if settings.first_byte_seconds is None else settings.first_byte_seconds,
        between_bytes if settings.between_bytes_seconds is None else settings.between_bytes_seconds,
        settings.total_seconds,
    )


def _placed(pattern: Deployment, place: str, places: tuple[str, ...]) -> Deployment:
    """One of several equal deployments, in each of its dialects."""
    also = tuple(msgspec.structs.replace(one, place=place, places=places) for one in pattern.also)
    return msgspec.structs.replace(pattern, also=also, place=place, places=places)


def proof_of(part: ProviderPart, tokens: Tokens) -> Proof | None:
    """What each call is proved with; None when the endpoint's own headers have a key."""
    identity = part.credential.identity
    if isinstance(identity, AwsKeys):
        return Signature(identity)
    return tokens.of(identity) if identity is not None else None


def _source(part: ProviderPart) -> Source | None:
    """Where its proofs come from, if they run out."""
    identity = part.credential.identity
    return None if isinstance(identity, AwsKeys) else identity


def auth_headers(row: Provider, key: str, of_dialect: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The headers of every call to this provider, its key among them."""
    headers = {"content-type": "application/json", "accept-encoding": "identity", **dict(of_dialect)}
    headers |= {name.lower(): value for name, value in row.headers.items()}
    if key and row.auth in AUTH_HEADERS:
        name, value = AUTH_HEADERS[row.auth](key)
        headers[name] = value
    return tuple(headers.items())
