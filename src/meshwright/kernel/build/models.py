"""The cards of a provider's models: catalogue facts, corrected by the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from meshwright.catalog.cards import Catalogue
from meshwright.catalog.exact.chosen import NONE, Chosen
from meshwright.catalog.tokens import USUAL, family
from meshwright.kernel.build.providers import ProviderPart
from meshwright.kernel.config.tables import BudgetSettings, Config, ModelSettings, PriceSettings
from meshwright.providers import DEPLOYED
from meshwright.providers.builtin_row import BUILTIN_MODELS
from meshwright.store.rows import LearnedLimit
from meshwright.types.calibration import Calibration
from meshwright.types.model import Claim, Model, Price, Provider
from meshwright.types.money import nano

CONFIGURED = Claim("mesh.toml")
ASSUMED = Claim("budgets.unpriced of mesh.toml")
OBSERVED = "observed"
"""The source of a fact that was learned from the provider's own answers."""
# Anthropic's longer windows are asked for by a header (context-1m): who did not send it says nothing of those who do.
_ANTHROPICS_USUAL = 200_000
_FREE = (Price(input=0, output=0, cache_read=0, cache_write=0, cache_write_1h=0, audio_input=0, audio_output=0),)


def model_cards(
    part: ProviderPart,
    config: Config,
    catalogue: Catalogue,
    limits: Sequence[LearnedLimit] = (),
    calibration: Calibration | None = None,
    tokenizers: Chosen = NONE,
) -> list[Model]:
    """The models of this provider that are served, in order. A configured list of models is the whole list.

    `limits` are what was learned from refusals: it goes before the catalogue and after the configuration. So does what
    was learned of tokenizers, in `calibration`.
    """
    row = part.row
    learned = [limit for limit in limits if limit.model.startswith(f"{row.name}/")]
    listed = {model.upstream: model for model in BUILTIN_MODELS} if row.name == "builtin" else catalogue.cards
    usual = listed if row.name == "builtin" else () if row.name in DEPLOYED else catalogue.usual
    names = dict.fromkeys(part.models or usual)
    names |= dict.fromkeys(name.partition("/")[2] for name in config.models if name.partition("/")[0] == row.name)
    cards = []
    for upstream in names:
        card = listed.get(upstream) or _blank(part, upstream)
        for limit in learned:
            card = _observed(card, limit) if limit.model == card.name else card
        settings = config.models.get(card.name, ModelSettings())
        if settings.enabled:
            card = _corrected(_reading(card, calibration), part, settings)
            if tokenizers and (counts := tokenizers.of(card.name, card.upstream)):
                card = msgspec.structs.replace(card, tokenizer=counts)
            if not card.prices and (prices := unpriced(row, config.budgets)):
                card = msgspec.structs.replace(card, prices=prices, claims={**card.claims, "prices": ASSUMED})
            cards.append(card)
    return cards


def chosen(config: Config) -> Chosen:
    """The tokenizers that the configuration names."""
    said = config.tokenizers
    if not said.folder and not said.files:
        return NONE
    return Chosen(Path(said.folder).expanduser() if said.folder else None, said.files)


def unpriced(row: Provider, budgets: BudgetSettings) -> tuple[Price, ...]:
    """The prices of a provider's model that no catalogue knows: nothing on this machine, else what is configured."""
    if row.local:
        return _FREE
    if budgets.unpriced is None:
        return ()
    read, written = nano(budgets.unpriced.input), nano(budgets.unpriced.output)
    return (
        Price(
            input=read,
            output=written,
            cache_read=read,
            cache_write=read,
            cache_write_1h=read,
            audio_input=read,
            audio_output=written,
        ),
    )


def _blank(part: ProviderPart, upstream: str) -> Model:
    """A model that no catalogue lists: what runs on this machine costs nothing per token, all else is unknown."""
    row = part.row
    card = Model(name=f"{row.name}/{upstream}", provider=row.name, upstream=upstream, abilities={"streaming": True})
    if row.local:
        return msgspec.structs.replace(card, prices=_FREE, claims={"prices": Claim("it runs on this machine")})
    return card


def _observed(card: Model, limit: LearnedLimit) -> Model:
    """The card with a limit that the provider itself has named."""
    known = getattr(card, limit.fact)
    if limit.tokens == _ANTHROPICS_USUAL and known is not None and known > limit.tokens:
        return card
    day = datetime.fromtimestamp(limit.at, UTC).date().isoformat()
    claims = {**card.claims, limit.fact: Claim(OBSERVED, day)}
    return msgspec.structs.replace(card, **{limit.fact: limit.tokens}, claims=claims)


def _reading(card: Model, calibration: Calibration | None) -> Model:
    """The card with how its tokenizer differs from the estimate's: as observed, or as its family usually does."""
    name = family(card.upstream)
    found = calibration.reading.get(name) if calibration is not None else None
    if found is None:
        return msgspec.structs.replace(card, reading=USUAL[name]) if USUAL[name] != 1.0 else card
    claims = {**card.claims, "reading": Claim(OBSERVED, agreeing=found.rows)}
    return msgspec.structs.replace(card, reading=found.factor, claims=claims)


def _corrected(card: Model, part: ProviderPart, settings: ModelSettings) -> Model:
    """The card with the row's privacy and regions, and what the configuration says of it."""
    facts: dict[str, object] = {}
    if card.privacy == "unknown":
        facts["privacy"] = part.row.privacy
    if not card.regions:
        facts["regions"] = part.row.regions
    given: dict[str, object] = {
        name: value
        for name in ("upstream", "window", "max_output", "regions", "privacy", "licence")
        if (value := getattr(settings, name)) is not None
    }
    if settings.price:
        given["prices"] = tuple(sorted(map(_price, settings.price), key=lambda price: price.above))
    if settings.abilities:
        given["abilities"] = {**card.abilities, **settings.abilities}
    if settings.skills:
        given["skills"] = {**card.skills, **settings.skills}
    if settings.aliases:
        given["aliases"] = settings.aliases
    claims = {**card.claims, **dict.fromkeys(given, CONFIGURED)}
    return msgspec.structs.replace(card, **facts, **given, claims=claims)


def _price(settings: PriceSettings) -> Price:
    def amount(dollars: Decimal | None) -> int | None:
        return None if dollars is None else nano(dollars)

    return Price(
        input=amount(settings.input),
        output=amount(settings.output),
        cache_read=amount(settings.cache_read),
        cache_write=amount(settings.cache_write),
        cache_write_1h=amount(settings.cache_write_1h),
        audio_input=amount(settings.audio_input),
        audio_output=amount(settings.audio_output),
        above=settings.above,
    )
