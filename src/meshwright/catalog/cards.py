"""The shipped catalogue: what models exist at each provider, what they can do and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from meshwright.types.model import Claim, Model, Price
from meshwright.types.money import nano

FILE = Path(__file__).parent / "data" / "models.json"


class _Tier(msgspec.Struct):
    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
    above: int = 0


class _Row(msgspec.Struct):
    name: str
    abilities: dict[str, bool] = {}
    prices: tuple[_Tier, ...] = ()
    window: int | None = None
    max_output: int | None = None
    date: str = ""


class _File(msgspec.Struct):
    source: str
    date: str
    providers: dict[str, tuple[_Row, ...]]


def shipped(file: Path = FILE) -> Mapping[str, tuple[Model, ...]]:
    """Cards by provider, from the file in the package. Each fact claims the snapshot and its date as its source."""
    data = msgspec.json.decode(file.read_bytes(), type=_File)
    claim = Claim(data.source, data.date)
    return {provider: tuple(_card(provider, row, claim) for row in rows) for provider, rows in data.providers.items()}


def _card(provider: str, row: _Row, claim: Claim) -> Model:
    facts = {"abilities": row.abilities, "prices": row.prices, "window": row.window, "max_output": row.max_output}
    return Model(
        name=f"{provider}/{row.name}",
        provider=provider,
        upstream=row.name,
        window=row.window,
        max_output=row.max_output,
        abilities={**row.abilities, "streaming": True},
        prices=tuple(_price(tier) for tier in row.prices),
        claims={name: claim for name, value in facts.items() if value},
    )


def _price(tier: _Tier) -> Price:
    return Price(
        input=_nano(tier.input),
        output=_nano(tier.output),
        cache_read=_nano(tier.cache_read),
        cache_write=_nano(tier.cache_write),
        audio_input=_nano(tier.audio_input),
        audio_output=_nano(tier.audio_output),
        above=tier.above,
    )


def _nano(amount: Decimal | None) -> int | None:
    return None if amount is None else nano(amount)
