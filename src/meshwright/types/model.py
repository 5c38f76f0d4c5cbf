"""A model's card and a provider's row: what is known of them, and how well it is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Ability = Literal[
    "tools", "parallel_tools", "structured_output", "json", "reasoning", "vision", "audio_input", "audio_output",
    "files", "logprobs", "streaming", "prompt_cache", "citations",
]  # fmt: skip
Auth = Literal["bearer", "x-api-key", "api-key", "x-goog-api-key", "aws", "aws-mantle", "entra", "google", "none"]
"""How a provider learns who calls. The clouds' kinds take a plain key if there is one, else an identity there."""
Privacy = Literal["local", "no_training", "may_train", "unknown"]


class Claim(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a fact comes from: a source, its date (ISO 8601), and how many sources say the same."""

    source: str
    date: str = ""
    agreeing: int = 1


class Price(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Nano-dollars per million tokens of each bucket; None is unknown, never 0. `request` is per request.

    `above` is the number of input tokens from which this price holds (context tiers); the base tier has 0.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    request: int = 0
    above: int = 0


def bare(name: str) -> str:
    """A model's name without its provider, in small letters: what is learned of it holds under every provider."""
    return name.rpartition("/")[2].lower()


class Model(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One model at one provider: a deployment. `name` is "provider/upstream"; `upstream` is what the provider calls it.

    `abilities` maps an ability to True or False; one that is missing is unknown. `skills` maps a task to the prior
    probability of a good answer (0..1). `window` and `max_output` are in tokens; None is unknown. `prices` are tiers in
    ascending `above`; empty is unknown. `licence` is that of its weights (an SPDX identifier, or "proprietary"); empty
    is unknown. `claims` maps a field's name to where its value comes from.
    """

    name: str
    provider: str
    upstream: str
    window: int | None = None
    max_output: int | None = None
    abilities: Mapping[str, bool] = {}
    skills: Mapping[str, float] = {}
    prices: tuple[Price, ...] = ()
    regions: tuple[str, ...] = ()
    privacy: Privacy = "unknown"
    aliases: tuple[str, ...] = ()
    licence: str = ""
    reading: float = 1.0
    """Tokens that the model reads for each one of the router's estimate."""
    tokenizer: str = ""
    """The name of the tokenizer's file that counts for it here; "" when its tokens are estimated."""
    retires: str = ""
    successor: str = ""
    claims: Mapping[str, Claim] = {}

    def can(self, ability: Ability) -> bool | None:
        """True, False, or None when nobody says."""
        return self.abilities.get(ability)


class Layer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The same service in another dialect, at an address of its own. `auth` is "" where it is that of the row."""

    dialect: str
    base_url: str
    auth: Auth | Literal[""] = ""
    quirks: tuple[str, ...] = ()
    docs: str = ""


class Provider(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A service as a row of data. `quirks` are names of small deviations from its dialect (at most 15 exist).

    `also` are layers for clients of other dialects that the service has itself; everybody else gets its own dialect.
    `key_env` is the environment variable that holds its key. `local` providers run on this machine or network and cost
    nothing per token. `port` is where a local engine usually listens. `on_leave`: an answer whose client has left is
    cancelled, or read to its end, since the provider charges for all of it anyway and tells its usage there.
    """

    name: str
    dialect: str
    base_url: str
    title: str = ""
    auth: Auth = "bearer"
    key_env: str = ""
    headers: Mapping[str, str] = {}
    quirks: tuple[str, ...] = ()
    also: tuple[Layer, ...] = ()
    local: bool = False
    port: int | None = None
    regions: tuple[str, ...] = ()
    privacy: Privacy = "unknown"
    docs: str = ""
    on_leave: Literal["cancel", "finish"] = "cancel"
    cache_seconds: int = 300
    """How long a prompt's cached prefix is kept after it was last used, at least."""

    def of(self, layer: Layer) -> Provider:
        """The service as that layer shows it."""
        given = {"dialect": layer.dialect, "base_url": layer.base_url, "quirks": layer.quirks, "also": ()}
        return msgspec.structs.replace(self, **given, auth=layer.auth or self.auth, docs=layer.docs or self.docs)
