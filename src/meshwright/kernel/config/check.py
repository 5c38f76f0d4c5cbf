"""What the types cannot say: addresses that are addresses, names that exist, and doors that are not left open."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, urlsplit

from meshwright.kernel.config.check_failing import check_failing
from meshwright.kernel.config.check_guards import check_guards
from meshwright.kernel.config.check_learning import check_learning
from meshwright.kernel.config.check_routes import ABILITIES, Finding, check_routes, known
from meshwright.kernel.config.tables import Config, ProviderSettings
from meshwright.kernel.config.toml_lines import Path, key_lines, line_of
from meshwright.ledger.personal import possible
from meshwright.net.public import private
from meshwright.providers import PROVIDERS
from meshwright.types.errors import ConfigError, Problem
from meshwright.wire import CODECS

MAX_DAYS = 36_500


def check(config: Config, text: str, source: str, environment: Mapping[str, str]) -> None:
    """Raises ConfigError with every problem, each with its line."""
    lines = key_lines(text)
    found = [*_server(config, environment), *_providers(config), *_models(config), *check_routes(config)]
    found += [*check_learning(config), *check_guards(config), *check_failing(config)]
    if found:
        raise ConfigError(
            [
                Problem(message, field=".".join(path), line=line_of(lines, path), fix=fix, source=source)
                for path, message, fix in found
            ]
        )


def _server(config: Config, environment: Mapping[str, str]) -> list[Finding]:
    server, found = config.server, list[Finding]()
    if not 0 <= server.port <= 65535:
        found.append((("server", "port"), "a port is a number from 0 to 65535.", "Write port = 8400."))
    if server.workers < 1:
        found.append((("server", "workers"), "there must be at least one worker.", "Write workers = 1."))
    if not 1 <= config.batches.concurrency <= 1000:
        found.append((("batches", "concurrency"), "this is 1 to 1000.", "Write concurrency = 8."))
    for field, usual in (("max_body_mb", 64), ("max_upload_mb", 512), ("max_header_kb", 64), ("body_seconds", 60)):
        if not getattr(server, field) > 0:
            found.append((("server", field), "this must be above 0.", f"Write {field} = {usual}."))
    if not server.drain_seconds >= 0:
        found.append((("server", "drain_seconds"), "this must not be below 0.", "Write drain_seconds = 20."))
    if not 0 < config.state.days <= MAX_DAYS:
        found.append((("state", "days"), f"this is above 0 and at most {MAX_DAYS}.", "Write days = 30."))
    if not 0 < config.privacy.days <= MAX_DAYS:
        found.append((("privacy", "days"), f"this is above 0 and at most {MAX_DAYS}.", "Write days = 7."))
    if config.privacy.keep_prompts != "never" and not possible():
        message = "prompts are kept encrypted or not at all, and the library for it is missing."
        found.append((("privacy", "keep_prompts"), message, "Run `pip install 'meshwright[crypto]'`, or write never."))
    if server.auth == "open" and not loopback(server.host):
        found.append(
            (
                ("server", "auth"),
                f"anybody who reaches {server.host} could spend your money; without keys only loopback is served.",
                'Write auth = "keys", or host = "127.0.0.1".',
            )
        )
    if (name := server.forward_to) and name not in PROVIDERS and name not in config.providers:
        near = difflib.get_close_matches(name, {**PROVIDERS, **config.providers}, 1, 0.6)
        fix = f'Did you mean "{near[0]}"?' if near else f"Add [providers.{name}]."
        found.append((("server", "forward_to"), f'there is no provider "{name}".', fix))
    master = environment.get("MESH_MASTER_KEY", "")
    if master and len(master) < 16 and not loopback(server.host):
        found.append(
            (("server",), "MESH_MASTER_KEY is too short to be open to a network.", "Use 16 characters or more.")
        )
    return found


def _providers(config: Config) -> list[Finding]:
    found = list[Finding]()
    for name, settings in config.providers.items():
        path = ("providers", name)
        if "/" in name or not name:
            found.append((path, "a provider's name has no slash.", "Use letters, digits and dashes."))
        if name not in PROVIDERS and settings.base_url is None:
            near = difflib.get_close_matches(name, PROVIDERS, 1, 0.6)
            fix = (
                f'Did you mean "{near[0]}"? Else add base_url = "https://…/v1".'
                if near
                else 'Add base_url = "https://…/v1".'
            )
            found.append((path, f'there is no known provider "{name}", and it has no base_url.', fix))
        if settings.dialect is not None and settings.dialect not in CODECS:
            found.append(
                ((*path, "dialect"), f'there is no dialect "{settings.dialect}".', f"Known: {', '.join(CODECS)}.")
            )
        if settings.api_version and (settings.dialect or dialect_of(name)) != "openai_chat":
            message = "only the chat dialect of Azure OpenAI has addresses with an api-version."
            found.append(((*path, "api_version"), message, "Leave it out."))
        found += _addresses(path, settings)
        found += _header_names(path, settings)
    return found


def dialect_of(name: str) -> str:
    """The dialect of a known provider; that of an unknown one is OpenAI's."""
    return PROVIDERS[name].dialect if name in PROVIDERS else "openai_chat"


def _addresses(path: Path, settings: ProviderSettings) -> list[Finding]:
    found = list[Finding]()
    for field, schemes in (("base_url", ("http", "https")), ("token_url", ("http", "https")), ("proxy", ("http",))):
        value = getattr(settings, field)
        if not value and (value is None or field == "token_url"):
            continue
        parts = _split(value, schemes)
        if parts is None:
            example = '"http://proxy.example.com:3128"' if field == "proxy" else '"https://api.example.com/v1"'
            found.append(((*path, field), f"{value!r} is not such an address.", f"Write {field} = {example}."))
        elif field == "base_url" and (parts.query or parts.fragment or parts.username):
            found.append(
                ((*path, field), "an address has no ?, # or user name here.", "Use key_env or headers instead.")
            )
        elif field == "token_url" and parts.scheme == "http" and not private(parts.hostname or ""):
            message = "the secret would cross a public network unencrypted."
            found.append(((*path, field), message, "Use https://."))
        elif (
            field == "base_url" and parts.scheme == "http" and not private(parts.hostname or "") and _has_key(settings)
        ):
            found.append(
                (
                    (*path, field),
                    "the key would cross a public network unencrypted.",
                    "Use https://, or leave out the key.",
                )
            )
    return found


def _split(value: str, schemes: Sequence[str]) -> SplitResult | None:
    """The address in its parts; None when it is none."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in schemes and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if good and not any(character <= " " for character in value) else None


def _header_names(path: Path, settings: ProviderSettings) -> list[Finding]:
    found = list[Finding]()
    for name, value in settings.headers.items():
        if not name.replace("-", "").replace("_", "").isalnum() or not value.isprintable():
            found.append(
                ((*path, "headers", name), "this is no header.", "Names are letters and dashes, values one line.")
            )
        elif name.lower() in ("authorization", "x-api-key", "api-key", "x-goog-api-key"):
            found.append(
                ((*path, "headers", name), "a key does not belong in a file.", 'Use key_env = "NAME_OF_VARIABLE".')
            )
    return found


def _models(config: Config) -> list[Finding]:
    found = list[Finding]()
    for name, settings in config.models.items():
        provider, slash, upstream = name.partition("/")
        if not slash or not upstream:
            found.append((("models", name), "a model's name is PROVIDER/NAME.", 'Write [models."openai/gpt-4o"].'))
        elif provider not in PROVIDERS and provider not in config.providers:
            found.append((("models", name), f'there is no provider "{provider}".', f"Add [providers.{provider}]."))
        found += known(("models", name, "abilities"), settings.abilities, ABILITIES)
        for task, skill in settings.skills.items():
            if not 0 <= skill <= 1:
                found.append((("models", name, "skills", task), "a skill is a probability from 0 to 1.", "Write 0.8."))
    return found


def _has_key(settings: ProviderSettings) -> bool:
    return bool(settings.key_env or settings.key_file or settings.auth in ("aws", "aws-mantle", "entra", "google"))


def loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    return host in ("localhost", "::1") or host.startswith("127.")
