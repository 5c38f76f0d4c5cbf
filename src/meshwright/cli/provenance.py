"""A model's facts for people and scripts: each value with its sources, their dates, how many agree and who does not."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

import msgspec

from meshwright.catalog.facts import Facts, Sheet, each, providers, sheet
from meshwright.catalog.media.rules import UNKNOWN, rule
from meshwright.catalog.token_errors import DATE, ERRORS
from meshwright.catalog.tokens import family
from meshwright.kernel.build.models import OBSERVED
from meshwright.types.errors import UnknownModel
from meshwright.types.model import Claim, Model
from meshwright.types.money import dollars

ALWAYS = ("window", "max_output", "prices.input", "prices.output", "retires")
"""Facts that are shown as unknown when nobody says them."""
_OURS = ("mesh.toml", OBSERVED)
_FIELDS = (
    "upstream",
    "window",
    "max_output",
    "regions",
    "privacy",
    "prices",
    "abilities",
    "skills",
    "aliases",
    "reading",
)


class Other(msgspec.Struct, frozen=True):
    """What others say. `doubted`: a price of nothing that one source alone says."""

    value: str
    source: str
    date: str
    agreeing: int
    doubted: bool = False


class Line(msgspec.Struct, frozen=True):
    """One fact. `value` "unknown" has no source. `asked` is how many sources say anything of it."""

    fact: str
    value: str
    source: str = ""
    date: str = ""
    agreeing: int = 0
    asked: int = 0
    others: tuple[Other, ...] = ()


class Known(msgspec.Struct, frozen=True):
    """Everything that is known of a model."""

    model: str
    kind: str
    served: bool
    lines: tuple[Line, ...]


def known(name: str, served: Mapping[str, Model]) -> Known:
    """What is known of the model of that name, served or not; the provider may be left out when one alone serves it.

    Raises UnknownModel, with the names that may be meant.
    """
    meant = [full for full in served if full.partition("/")[2] == name]
    name = meant[0] if len(meant) == 1 and name not in served else name
    found = _catalogued(name)
    card = served.get(name)
    if found is None and card is None:
        raise _unknown(name, served)
    lines = list(_settings(card)) if card is not None else []
    if found is not None:
        lines += _told(*found)
    elif card is not None:
        lines += _carded(card)
    if card is not None:
        lines += _counted(card)
    said = {line.fact for line in lines}
    lines += [Line(fact, "unknown") for fact in ALWAYS if fact not in said and fact.partition(".")[0] not in said]
    return Known(name, found[1].kind if found else "chat", card is not None, tuple(lines))


def _catalogued(name: str) -> tuple[Sheet, Facts] | None:
    provider, _, upstream = name.partition("/")
    of = sheet(provider)
    facts = next((facts for facts in of.models if facts.name == upstream), None) if of else None
    return (of, facts) if of and facts else None


def _unknown(name: str, served: Mapping[str, Model]) -> UnknownModel:
    every = [f"{of.provider}/{facts.name}" for of in map(sheet, providers()) if of for facts in of.models]
    names = list(dict.fromkeys((*served, *every)))
    near = _near(name.lower(), names)
    more = f" and {len(near) - 8} more" if len(near) > 8 else ""
    fix = f"Did you mean {', '.join(near[:8])}{more}?" if near else "`mesh models` lists what is served."
    return UnknownModel(f'No model is called "{name}" with its provider before a slash.', fix=fix)


def _near(name: str, names: list[str]) -> list[str]:
    """The names that may have been meant: the same in other letters, the same without its provider, or alike."""
    whole: dict[str, list[str]] = {}
    for full in names:
        for word in {full.lower(), full.lower().partition("/")[2]}:
            whole.setdefault(word, []).append(full)
    if name in whole:
        return whole[name]
    words = [word for word in whole if ("/" in word) == ("/" in name)]
    alike = difflib.get_close_matches(name, words, 3, 0.7)
    return list(dict.fromkeys(full for word in alike for full in whole[word]))


def _told(of: Sheet, facts: Facts) -> Iterator[Line]:
    for name, fact in each(facts):
        told = []
        for said in fact:
            claim = of.claim(said.by)
            told.append(Other(_shown(name, said.value), claim.source, claim.date, claim.agreeing, said.doubted))
        asked = sum(other.agreeing for other in told)
        best = told[0]
        if best.doubted:
            yield Line(name, "unknown", asked=asked, others=tuple(told))
        else:
            yield Line(name, best.value, best.source, best.date, best.agreeing, asked, tuple(told[1:]))
    if facts.gone:
        yield Line("usual", f"no: it had retired when the catalogue was made ({of.made})")
    if facts.elsewhere:
        yield Line("usual", "no: it needs another address or dialect than its provider's row has")


def _settings(card: Model) -> Iterator[Line]:
    """What mesh.toml says and what was observed, before what the sources say."""
    for field, claim in card.claims.items():
        if field in _FIELDS and claim.source in _OURS:
            yield _claimed(card, field, claim)


def _counted(card: Model) -> Iterator[Line]:
    """How the tokens of a request to it are known before it is asked; of pictures only if it may see them."""
    name = family(card.upstream)
    if card.tokenizer:
        yield Line("tokens", f"counted with {card.tokenizer}", "mesh.toml")
    elif (known := ERRORS.get(name)) is not None:
        usual = f"mostly within {known[0]} %, nine of ten texts within {known[1]} %"
        yield Line("tokens", f"estimated as {name}: {usual}", "bench/tokens", DATE)
    else:
        yield Line("tokens", f"estimated as {name}; how far off was not measured again", "bench/tokens")
    row = rule(card.upstream)
    if row is not UNKNOWN and card.can("vision") is not False:
        value = f"{row.picture.tokens(1024, 1024, ''):,} tokens for 1024 x 1024"
        yield Line("a picture", value, row.source, row.date)


def _carded(card: Model) -> Iterator[Line]:
    """The facts of a model that no catalogue lists."""
    for field in ("window", "max_output", "prices", "abilities", "skills"):
        claim = card.claims.get(field)
        if getattr(card, field) and (claim is None or claim.source not in _OURS):
            yield _claimed(card, field, claim)


def _claimed(card: Model, field: str, claim: Claim | None) -> Line:
    if claim is None:
        return Line(field, _field(card, field))
    return Line(field, _field(card, field), claim.source, claim.date, claim.agreeing, claim.agreeing)


def _field(card: Model, field: str) -> str:
    value = getattr(card, field)
    if field == "prices":
        return "; ".join(
            f"{'unknown' if price.input is None else '$' + dollars(price.input)} in, "
            f"{'unknown' if price.output is None else '$' + dollars(price.output)} out"
            + (f" from {price.above:,} input tokens" if price.above else "")
            for price in card.prices
        )
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_shown('', value[name])}" for name in sorted(value))
    return ", ".join(value) if isinstance(value, tuple) else _shown(field, value)


def _shown(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if name.startswith(("prices.", "batch.")):
        return f"${value} per million tokens"
    return f"${value}" if name.startswith("price per") else str(value)
