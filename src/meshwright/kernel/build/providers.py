"""Which providers are served, with which key from where, and why the others are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from meshwright.kernel.config.tables import Config, ProviderSettings
from meshwright.kernel.identity.credential import Credential
from meshwright.kernel.identity.credentials import credential
from meshwright.kernel.published import LocalServer
from meshwright.providers import GENERAL_KEYS, PROVIDERS
from meshwright.providers.rows import filled, moved, named_otherwise
from meshwright.types.errors import ConfigError, Problem
from meshwright.types.model import Provider


class ProviderPart(msgspec.Struct, frozen=True, kw_only=True):
    """A provider that is served, and what it is called with."""

    row: Provider
    settings: ProviderSettings
    credential: Credential = Credential()
    models: tuple[str, ...] = ()
    configured: bool = False
    others: tuple[ProviderPart, ...] = ()
    """The same by other addresses or keys."""

    @property
    def key(self) -> str:
        """Its plain key, "" when there is none. It is never shown."""
        return self.credential.key

    @property
    def key_from(self) -> str:
        """Where its credential comes from."""
        return self.credential.source

    def __repr__(self) -> str:
        return f"ProviderPart({self.row.name})"


def provider_parts(
    config: Config, environment: Mapping[str, str], engines: Sequence[LocalServer], builtin: bool
) -> tuple[list[ProviderPart], dict[str, str]]:
    """(those served, in the order: configured, built in, engines, keys found; those that are not, with reasons)."""
    found = {engine.provider: engine for engine in engines}
    parts, refused = [], {}
    for name in dict.fromkeys((*config.providers, *PROVIDERS)):
        part = _part(name, config, environment, found.get(name), builtin)
        if isinstance(part, ProviderPart):
            parts.append(part)
        else:
            refused[name] = part
    return parts, refused


def row_of(name: str, settings: ProviderSettings) -> Provider:
    """The provider's row with the configuration's corrections. Raises ConfigError when there is no address."""
    given = {
        field: value
        for field in (
            "base_url",
            "dialect",
            "key_env",
            "auth",
            "quirks",
            "local",
            "regions",
            "privacy",
            "cache_seconds",
        )
        if (value := getattr(settings, field)) is not None
    }
    known = PROVIDERS.get(name)
    if known is None and "base_url" not in given:
        problem = Problem(
            f'there is no known provider "{name}".', field=f"providers.{name}", fix='Add base_url = "https://…/v1".'
        )
        raise ConfigError([problem])
    row = known or Provider(name=name, dialect="openai_chat", base_url="", quirks=("max_tokens",))
    row = named_otherwise(row, settings.base_url, settings.dialect)
    return msgspec.structs.replace(row, **given, headers={**row.headers, **settings.headers})


def _part(
    name: str, config: Config, environment: Mapping[str, str], engine: LocalServer | None, builtin: bool
) -> ProviderPart | str:
    settings = config.providers.get(name, ProviderSettings())
    configured = name in config.providers
    if not settings.enabled:
        return "it is switched off (enabled = false)"
    row = row_of(name, settings)
    if name == "builtin":
        return ProviderPart(row=row, settings=settings) if builtin else "it is switched off ([builtin] enabled = false)"
    found = credential(row, settings, environment, configured)
    if row.local and not configured:
        if engine is None:
            return f"nothing answers at {row.base_url}"
        row = moved(row, engine.base_url)
    elif found.missing:
        return found.missing
    elif not configured and not config.discovery.keys:
        return f"[discovery] keys = false, and there is no [providers.{name}]"
    elif not configured and (claim := _claimed(row)):
        return claim
    row = msgspec.structs.replace(row, headers={**found.headers, **row.headers})
    whole = filled(row, {**environment, **found.filling})
    if isinstance(whole, str):
        return whole
    models = settings.models or (engine.models if engine else ())
    others = tuple(_other(name, number, whole, settings, environment) for number, _ in enumerate(settings.also))
    return ProviderPart(
        row=whole, settings=settings, credential=found, models=models, configured=configured, others=others
    )


def _other(
    name: str, number: int, row: Provider, settings: ProviderSettings, environment: Mapping[str, str]
) -> ProviderPart:
    """Another address or key of a provider that is served. Raises ConfigError when its key is missing."""
    also = settings.also[number]
    given = msgspec.structs.replace(
        settings,
        base_url=also.base_url or settings.base_url,
        key_env=also.key_env or settings.key_env,
        key_file=also.key_file or (None if also.key_env else settings.key_file),
        also=(),
    )
    row = moved(row, also.base_url) if also.base_url else row
    row = msgspec.structs.replace(row, key_env=also.key_env or row.key_env)
    found = credential(row, given, environment, True)
    if found.missing:
        field = f"providers.{name}.also"
        raise ConfigError([Problem(f"number {number + 1} cannot be used: {found.missing}.", field=field)])
    return ProviderPart(row=row, settings=given, credential=found, configured=True)


def _claimed(row: Provider) -> str:
    """Why the key in the environment is not enough to serve it; "" when it is."""
    if row.local or not row.key_env:
        return ""
    if row.key_env in GENERAL_KEYS:
        return f"{row.key_env} opens more than models: add [providers.{row.name}] to use it for this"
    first = next(known.name for known in PROVIDERS.values() if known.key_env == row.key_env)
    return (
        "" if first == row.name else f"{row.key_env} is taken for {first}: add [providers.{row.name}] to serve this too"
    )
