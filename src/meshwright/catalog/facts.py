"""What sources say of models: each fact with every value, who says it, and how many agree.

One file for each provider, read when it is asked for. `scripts/make_catalog.py` makes them and says how.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Generic, Literal, TypeVar

import msgspec

from meshwright.types.model import Claim

DATA = Path(__file__).parent / "data" / "models"
T = TypeVar("T")
Kind = Literal[
    "chat", "responses", "completion", "embedding", "rerank", "image", "transcription", "speech", "video", "realtime",
    "moderation", "ocr",
]  # fmt: skip


class Said(msgspec.Struct, Generic[T], frozen=True, array_like=True, gc=False):
    """A value and the letters of the sources that say it. One that is doubted is nobody's choice."""

    value: T
    by: str
    doubted: bool = False


Numbers = tuple[Said[int], ...]
Texts = tuple[Said[str], ...]
Flags = tuple[Said[bool], ...]
"""Best first: most sources, then the newest. Empty, or only doubted values: unknown."""


class Tier(msgspec.Struct, frozen=True, gc=False):
    """Dollars per million tokens of each bucket, as decimals, from `above` input tokens on."""

    above: int = 0
    input: Texts = ()
    output: Texts = ()
    reasoning: Texts = ()
    cache_read: Texts = ()
    cache_write: Texts = ()
    cache_write_1h: Texts = ()
    audio_input: Texts = ()
    audio_output: Texts = ()


class Facts(msgspec.Struct, frozen=True, gc=False):
    """All that is known of one model at one provider.

    `prices` and `batch` are tiers in ascending `above`; `other` are dollars per image, second, character, page, query
    or request. `window`, `max_input` and `max_output` are tokens. Dates are ISO 8601. `gone`: its day of retirement had
    passed when the catalogue was made. `elsewhere`: it needs another address or dialect than its provider's row has.
    """

    name: str
    kind: Kind
    window: Numbers = ()
    max_input: Numbers = ()
    max_output: Numbers = ()
    abilities: dict[str, Flags] = {}
    prices: tuple[Tier, ...] = ()
    batch: tuple[Tier, ...] = ()
    other: dict[str, Texts] = {}
    retires: Texts = ()
    successor: Texts = ()
    released: Texts = ()
    family: Texts = ()
    deprecated: Flags = ()
    price_since: Texts = ()
    price_changes: Texts = ()
    gone: bool = False
    elsewhere: bool = False


class Sheet(msgspec.Struct, frozen=True):
    """The file of a provider. `sources` maps a letter to a source's name and the date of what was read of it."""

    provider: str
    made: str
    sources: Mapping[str, tuple[str, str]]
    models: tuple[Facts, ...]

    def claim(self, letters: str) -> Claim:
        """Where a value comes from that these sources say."""
        return claim_of([self.sources[letter] for letter in letters])


def claim_of(sources: Sequence[tuple[str, str]]) -> Claim:
    """The claim of sources that agree: their names, the newest of their dates, and their number."""
    return Claim(", ".join(name for name, _ in sources), max(date for _, date in sources), len(sources))


_SHEET = msgspec.json.Decoder(Sheet)


def providers(data: Path = DATA) -> tuple[str, ...]:
    """The providers that the catalogue knows models of."""
    return tuple(sorted(file.name.removesuffix(".json.gz") for file in data.glob("*.json.gz")))


@cache
def sheet(provider: str, data: Path = DATA) -> Sheet | None:
    """What is known of a provider's models; None when nothing is. Read once: the package does not change."""
    file = data / f"{provider}.json.gz"
    if "/" in provider or not file.is_file():
        return None
    return _SHEET.decode(gzip.decompress(file.read_bytes()))


def value(fact: tuple[Said[T], ...]) -> T | None:
    """The value to go by; None is unknown."""
    return fact[0].value if fact and not fact[0].doubted else None


def each(facts: Facts) -> Iterator[tuple[str, Numbers | Texts | Flags]]:
    """Every fact by name, in the order of reading: "window", "abilities.tools", "prices.input", "batch.output"."""
    for name in ("window", "max_input", "max_output", "released", "deprecated", "retires", "successor", "family"):
        if fact := getattr(facts, name):
            yield name, fact
    for ability, flags in facts.abilities.items():
        yield f"abilities.{ability}", flags
    for part in ("prices", "batch"):
        for tier in getattr(facts, part):
            where = f" from {tier.above:,} input tokens" if tier.above else ""
            for bucket in Tier.__struct_fields__[1:]:
                if fact := getattr(tier, bucket):
                    yield f"{part}.{bucket}{where}", fact
    for unit, texts in facts.other.items():
        yield f"price per {unit}", texts
    for name in ("price_since", "price_changes"):
        if fact := getattr(facts, name):
            yield name, fact
