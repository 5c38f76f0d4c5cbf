"""Which credential a provider is called with: a plain key where there is one, else an identity at its cloud."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from meshwright.kernel.config.tables import ProviderSettings
from meshwright.kernel.identity.aws import SERVICES, aws_identity, aws_region
from meshwright.kernel.identity.credential import Credential, expanded, read_file
from meshwright.kernel.identity.entra import entra_identity
from meshwright.kernel.identity.google import google_filling, google_identity
from meshwright.types.model import Provider


def credential(
    row: Provider, settings: ProviderSettings, environment: Mapping[str, str], configured: bool
) -> Credential:
    """The provider's credential.

    An identity opens more than models, and lies about for other reasons: it is only looked for, and its files only
    read, when the provider is `configured`.
    """
    if row.auth == "google" and configured and settings.key_file:
        return google_identity(settings, environment, row.key_env)
    found = _key(row, settings, environment)
    if row.auth in SERVICES and found.key:
        return (
            aws_identity(row.auth, settings, environment, found)
            if configured
            else _filling(found, aws_region(environment))
        )
    if row.auth == "google" and found.key:
        return _filling(found, google_filling(environment))
    if not configured or found.key or not found.missing.startswith("no key"):
        return found
    if row.auth in SERVICES:
        return aws_identity(row.auth, settings, environment)
    if row.auth == "google":
        return google_identity(settings, environment, row.key_env)
    return entra_identity(settings, environment, row.key_env) if row.auth == "entra" else found


def _filling(found: Credential, filling: Mapping[str, str]) -> Credential:
    return msgspec.structs.replace(found, filling=filling)


def _key(row: Provider, settings: ProviderSettings, environment: Mapping[str, str]) -> Credential:
    if row.auth == "none":
        return Credential()
    if settings.key_file:
        try:
            key = read_file(expanded(settings.key_file)).strip()
        except (OSError, ValueError) as error:
            return Credential(missing=f"its key_file {settings.key_file} cannot be read ({error})")
        source = f"the file {settings.key_file}"
        return Credential(key=key, source=source, missing="" if key else f"its key_file {settings.key_file} is empty")
    if not row.key_env:
        return Credential()
    key = environment.get(row.key_env, "").strip()
    if key and not key.isprintable():
        return Credential(missing=f"{row.key_env} holds characters that no key has")
    missing = "" if key or row.local else f"no key: set {row.key_env}"
    return Credential(key=key, source=f"${row.key_env}" if key else "", missing=missing)
