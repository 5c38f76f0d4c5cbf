"""What a model's card says before any request, worked out once for each card."""

from __future__ import annotations

import re
from math import log10

import msgspec

from meshwright.types.model import Model, Price, bare

EVEN = 0.5
"""The quality of a model of which nothing is known."""
MOST = 16_384
"""Cards remembered."""
# They think without being asked to, as their makers' pages say; whoever is not here thinks when a request says so.
_UNASKED = re.compile(
    r"o[1-9](?:-|$)|gpt-5(?!.*chat)|gpt-oss|gemini-(?:2\.5|3)(?!.*lite)|deepseek-r|grok-[4-9](?!.*non-reasoning)|qwq|magistral"
    r"|.*(?:thinking|reasoner|-r1)\b"
)


class Standing(msgspec.Struct, frozen=True):
    """`bare` is the name that outcomes know it by; `value`, `margin` and `why` are its quality without skills.

    `name` is that of what was learned here. `thinks`: whether it may reason before it answers; `unasked`: whether it
    does so when nobody says.
    """

    bare: str
    value: float
    margin: float
    why: str
    thinks: bool
    unasked: bool
    name: str


_known: dict[int, tuple[Model, Standing]] = {}


def standing(model: Model) -> Standing:
    """What the card says. A card is the same only while it is the same object, which being remembered keeps alive."""
    found = _known.get(id(model))
    if found is not None:
        return found[1]
    if len(_known) >= MOST:
        _known.clear()
    made = _made(model)
    _known[id(model)] = model, made
    return made


def base_price(model: Model, tokens: int = 0) -> Price | None:
    """The tier that holds for that many input tokens."""
    found = None
    for price in model.prices:
        if price.above <= tokens:
            found = price
    return found


def _made(model: Model) -> Standing:
    name = bare(model.upstream) or bare(model.name)
    price = base_price(model)
    per_million = None if price is None or price.output is None else price.output / 1e9
    if per_million is None or per_million <= 0:
        value, margin, why = EVEN, 0.4, "nothing is known of its quality"
    else:
        value = min(0.9, max(0.5, 0.68 + 0.12 * log10(per_million)))
        margin, why = 0.25, f"nothing measured; a guess from its price, {per_million:g} USD per million tokens out"
    unasked = bool(_UNASKED.match(name))
    thinks = unasked or model.abilities.get("reasoning") is True
    return Standing(name, value, margin, why, thinks, unasked, bare(model.name))
