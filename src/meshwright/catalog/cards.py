"""The shipped catalogue as cards: of what is known of a model, what the gateway goes by."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from meshwright.catalog.facts import DATA, Facts, Said, Sheet, Texts, Tier, claim_of, sheet, value
from meshwright.types.model import Claim, Model, Price
from meshwright.types.money import nano

TALKS = ("chat",)
"""The kinds of models that answer a chat. The others are known, and not served by themselves."""


class Catalogue(msgspec.Struct, frozen=True):
    """A provider's models: the card of each that talks, and which of them are served when nobody lists any."""

    cards: Mapping[str, Model]
    usual: tuple[str, ...]


SHARED = {
    "google-vertex-anthropic": ("google-vertex", "google/", "claude-"),
    "google-vertex-gemini": ("google-vertex", "google/", "gemini-"),
}
"""Providers that are another address of one that has a sheet: (its name, the publisher, the models' family)."""
_EMPTY = Catalogue({}, ())


@cache
def shipped(provider: str, data: Path = DATA) -> Catalogue:
    """The catalogue of a provider, by what it calls its models. One that the catalogue does not know has no cards.

    Not usual are models whose day has passed and those that need another address or dialect than the provider's row.
    """
    if provider in SHARED:
        return _shared(provider, data)
    found = sheet(provider, data)
    if found is None:
        return _EMPTY
    talking = [facts for facts in found.models if facts.kind in TALKS]
    return Catalogue(
        {facts.name: card(found, facts) for facts in talking},
        tuple(facts.name for facts in talking if not facts.gone and not facts.elsewhere),
    )


def _shared(provider: str, data: Path) -> Catalogue:
    """The models of another provider's sheet that this one has too, called without their publisher."""
    owner, publisher, family = SHARED[provider]
    found = sheet(owner, data)
    talking = [facts for facts in found.models if facts.kind in TALKS] if found is not None else []
    cards, usual = dict[str, Model](), list[str]()
    for facts in talking:
        name = facts.name.removeprefix(publisher)
        if found is not None and facts.name.startswith(publisher + family):
            known = card(found, facts)
            after = known.successor.replace(f"{owner}/{publisher}", f"{provider}/", 1)
            cards[name] = msgspec.structs.replace(
                known, name=f"{provider}/{name}", provider=provider, upstream=name, successor=after
            )
            usual += [name] * (not facts.gone)
    return Catalogue(cards, tuple(usual))


def card(of: Sheet, facts: Facts) -> Model:
    """The model's card; each field that is known claims its sources."""
    abilities = {name: can for name, flags in facts.abilities.items() if (can := value(flags)) is not None}
    prices = tuple(map(_price, facts.prices))
    known = tuple(price for price in prices if price.input is not None or price.output is not None)
    return Model(
        name=f"{of.provider}/{facts.name}",
        provider=of.provider,
        upstream=facts.name,
        window=value(facts.window),
        max_output=value(facts.max_output),
        abilities={**abilities, "streaming": True},
        prices=known,
        retires=value(facts.retires) or "",
        successor=_successor(of, facts),
        claims=_claims(of, facts, known),
    )


def _successor(of: Sheet, facts: Facts) -> str:
    name = value(facts.successor)
    return f"{of.provider}/{name}" if name else ""


def _claims(of: Sheet, facts: Facts, prices: tuple[Price, ...]) -> dict[str, Claim]:
    """The claim of each known field. That of prices and of abilities is the one that the fewest sources agree on."""
    best: dict[str, Said[int] | Said[str] | Said[bool]] = {}
    for name in ("window", "max_output", "retires", "successor"):
        fact = getattr(facts, name)
        if value(fact) is not None:
            best[name] = fact[0]
    able = [flags[0] for flags in facts.abilities.values() if not flags[0].doubted]
    if able:
        best["abilities"] = min(able, key=_weight)
    if prices:
        base = [fact[0] for fact in (facts.prices[0].input, facts.prices[0].output) if value(fact) is not None]
        best["prices"] = min(base, key=_weight) if base else facts.prices[-1].input[0]
    return {name: _claim(tuple(of.sources[letter] for letter in said.by)) for name, said in best.items()}


@cache
def _claim(sources: tuple[tuple[str, str], ...]) -> Claim:
    """One value for all facts of the same sources."""
    return claim_of(sources)


def _weight(said: Said[bool] | Said[str]) -> int:
    return len(said.by)


def _price(tier: Tier) -> Price:
    return Price(
        input=_nano(tier.input),
        output=_nano(tier.output),
        cache_read=_nano(tier.cache_read),
        cache_write=_nano(tier.cache_write),
        cache_write_1h=_nano(tier.cache_write_1h),
        audio_input=_nano(tier.audio_input),
        audio_output=_nano(tier.audio_output),
        above=tier.above,
    )


def _nano(fact: Texts) -> int | None:
    dollars = value(fact)
    return None if dollars is None else _amount(dollars)


_amount = cache(nano)
