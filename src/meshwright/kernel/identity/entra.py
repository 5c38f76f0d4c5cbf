"""The service principal that tokens of Microsoft Entra ID are asked for with, for Azure.

Source: https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow; the variables are
those of Azure's own tools (https://learn.microsoft.com/en-us/python/api/azure-identity, EnvironmentCredential).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from meshwright.kernel.config.tables import ProviderSettings
from meshwright.kernel.identity.credential import Credential
from meshwright.net.grants import Grant

ADDRESS = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
SCOPE = "https://cognitiveservices.azure.com/.default"
_NAMES = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def entra_identity(settings: ProviderSettings, environment: Mapping[str, str], key_env: str) -> Credential:
    """From the environment; the token is for Azure's AI services unless `token_scope` says another."""
    tenant, client, secret = (environment.get(name, "").strip() for name in _NAMES)
    if not (tenant and client and secret):
        return Credential(missing=f"no key: set {key_env}, or {_NAMES[0]}, {_NAMES[1]} and {_NAMES[2]}")
    if not _TENANT.fullmatch(tenant):
        return Credential(missing=f"{_NAMES[0]} is no tenant (an id, or a domain)")
    identity = Grant(
        url=settings.token_url or ADDRESS.format(tenant=tenant),
        client_id=client,
        client_secret=secret,
        scope=settings.token_scope or SCOPE,
        proxy=settings.proxy,
        ca_file=settings.ca_file,
    )
    return Credential(identity=identity, source=f"${_NAMES[2]}, a service principal")
