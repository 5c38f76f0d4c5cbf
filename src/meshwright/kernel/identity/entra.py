"""Who asks Microsoft Entra ID for tokens, for Azure: a service principal, a workload, or the machine's own identity.

Sources: https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow (with a secret, and
with a token of somebody else's as the assertion); the variables and their order are those of Azure's own tools
(https://learn.microsoft.com/en-us/python/api/azure-identity, DefaultAzureCredential).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from meshwright.kernel.config.tables import ProviderSettings
from meshwright.kernel.identity import machine
from meshwright.kernel.identity.credential import Credential, read_token
from meshwright.kernel.identity.machine_token import MachineToken
from meshwright.net.grants import Grant, asked
from meshwright.net.proof import Obtained
from meshwright.net.public import nearby
from meshwright.net.transport import Transport

AUTHORITY = "https://login.microsoftonline.com"
SCOPE = "https://cognitiveservices.azure.com/.default"
METADATA = "http://169.254.169.254"
_NAMES = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_BY_MACHINE = ("prod", "managedidentitycredential")


class Federated(msgspec.Struct, frozen=True, kw_only=True):
    """A client that shows the token in a file, which its owner keeps fresh, in place of a secret."""

    grant: Grant
    file: str

    def __repr__(self) -> str:
        return f"Federated({self.grant.url})"

    async def obtain(self, transport: Transport, now: float) -> Obtained:
        """See `net.proof.Source`."""
        token = await read_token(self.file, f"The file {self.file} of AZURE_FEDERATED_TOKEN_FILE")
        form = {
            "grant_type": "client_credentials",
            "scope": self.grant.scope,
            "client_id": self.grant.client_id,
            "client_assertion_type": _ASSERTION,
            "client_assertion": token,
        }
        return await asked(self.grant, form, transport, now)


def entra_identity(settings: ProviderSettings, environment: Mapping[str, str], key_env: str) -> Credential:
    """From the environment; the token is for Azure's AI services unless `token_scope` says another."""
    tenant, client, secret = (environment.get(name, "").strip() for name in _NAMES)
    file = environment.get("AZURE_FEDERATED_TOKEN_FILE", "").strip()
    scope = settings.token_scope or SCOPE
    if not (tenant and client and (secret or file)):
        return _machines(environment, scope, client, key_env)
    if not _TENANT.fullmatch(tenant):
        return Credential(missing=f"{_NAMES[0]} is no tenant (an id, or a domain)")
    authority = environment.get("AZURE_AUTHORITY_HOST", "").strip().rstrip("/") or AUTHORITY
    authority = authority if "://" in authority else f"https://{authority}"
    if not nearby(authority):
        return Credential(missing="AZURE_AUTHORITY_HOST is no https:// address")
    grant = Grant(
        url=settings.token_url or f"{authority}/{tenant}/oauth2/v2.0/token",
        client_id=client,
        client_secret=secret,
        scope=scope,
        proxy=settings.proxy,
        ca_file=settings.ca_file,
    )
    if secret:
        return Credential(identity=grant, source=f"${_NAMES[2]}, a service principal")
    return Credential(
        identity=Federated(grant=grant, file=file), source="$AZURE_FEDERATED_TOKEN_FILE, a workload identity"
    )


def _machines(environment: Mapping[str, str], scope: str, client: str, key_env: str) -> Credential:
    """The managed identity of the app or the machine; `client` says which, where it has several."""
    lacking = f"no key: set {key_env}, or {_NAMES[0]}, {_NAMES[1]} and {_NAMES[2]} (or AZURE_FEDERATED_TOKEN_FILE)"
    query = {"resource": scope.removesuffix("/.default")} | ({"client_id": client} if client else {})
    endpoint, header = (environment.get(f"IDENTITY_{name}", "").strip() for name in ("ENDPOINT", "HEADER"))
    if endpoint and environment.get("IMDS_ENDPOINT"):
        return Credential(missing=f"{lacking}: the identity of Azure Arc is not asked for here")
    if endpoint and environment.get("IDENTITY_SERVER_THUMBPRINT"):
        return Credential(missing=f"{lacking}: the identity of Service Fabric is not asked for here")
    if endpoint and header:
        if not nearby(endpoint) or not header.isprintable():
            return Credential(missing="IDENTITY_ENDPOINT is no address on this network, or IDENTITY_HEADER no header")
        url = f"{endpoint}?{urlencode({'api-version': '2019-08-01', **query})}"
        identity = MachineToken(url=url, headers=(("x-identity-header", header),), lacking=lacking)
        return Credential(identity=identity, source="the app's managed identity, $IDENTITY_ENDPOINT")
    told = environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST", "").strip().rstrip("/")
    wanted = environment.get("AZURE_TOKEN_CREDENTIALS", "").strip().lower()
    if not (told or wanted in _BY_MACHINE or (not wanted and machine.owner() == "azure")):
        fix = "; on a machine of Azure that is not recognised: AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential"
        return Credential(missing=lacking + fix)
    if told and not nearby(told):
        return Credential(missing="AZURE_POD_IDENTITY_AUTHORITY_HOST is no address on this network")
    url = f"{told or METADATA}/metadata/identity/oauth2/token?{urlencode({'api-version': '2018-02-01', **query})}"
    identity = MachineToken(url=url, headers=(("metadata", "true"),), lacking=lacking)
    return Credential(identity=identity, source="the machine's managed identity")
