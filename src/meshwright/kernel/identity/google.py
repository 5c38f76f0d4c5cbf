"""The identity at Google Cloud that tokens are asked for with: Application Default Credentials.

Source: https://cloud.google.com/docs/authentication/application-default-credentials (where the files are) and
https://google.aip.dev/auth/4110 (the order), .../4117 (external accounts), .../4115 (the machine's own account).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec

from meshwright.kernel.config.tables import ProviderSettings
from meshwright.kernel.identity import machine
from meshwright.kernel.identity.aws import aws_identity
from meshwright.kernel.identity.aws_keys import Fixed, Signing
from meshwright.kernel.identity.credential import Credential, expanded, home, read_file
from meshwright.kernel.identity.google_sources import AwsSubject, Exchange, Impersonated, Subject
from meshwright.kernel.identity.machine_token import MachineToken
from meshwright.net.asking import decoded
from meshwright.net.grants import Grant
from meshwright.net.proof import AwsKeys, Source
from meshwright.net.public import nearby

ADDRESS = "https://oauth2.googleapis.com/token"
EXCHANGE = "https://sts.googleapis.com/v1/token"
METADATA = "metadata.google.internal"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_NAMING = "https://www.googleapis.com/auth/iam"
"""Enough to act in a service account's name."""
_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_WORDS = {
    "GOOGLE_VERTEX_PROJECT": ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"),
    "GOOGLE_VERTEX_LOCATION": ("GOOGLE_CLOUD_LOCATION", "CLOUD_ML_REGION"),
}
_KINDS = "a whole service_account, authorized_user, external_account or impersonated_service_account"


class _Form(msgspec.Struct, frozen=True):
    type: str = "text"
    subject_token_field_name: str = ""


class _Place(msgspec.Struct, frozen=True):
    """`credential_source` of an external account."""

    file: str = ""
    url: str = ""
    headers: dict[str, str] = {}
    format: _Form = _Form()
    executable: Any = None
    environment_id: str = ""
    certificate: Any = None


class _Options(msgspec.Struct, frozen=True):
    token_lifetime_seconds: int = 3600


class _File(msgspec.Struct):
    type: str = ""
    project_id: str = ""
    quota_project_id: str = ""
    private_key_id: str = ""
    private_key: str = ""
    client_email: str = ""
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
    token_uri: str = ""
    audience: str = ""
    subject_token_type: str = ""
    token_url: str = ""
    credential_source: _Place | None = None
    service_account_impersonation_url: str = ""
    service_account_impersonation: _Options = _Options()
    workforce_pool_user_project: str = ""
    source_credentials: _File | None = None
    delegates: tuple[str, ...] | None = None


class _Here(NamedTuple):
    """What a file is read with."""

    settings: ProviderSettings
    environment: Mapping[str, str]


class _Wrong(Exception):
    """The file cannot be used; in words that can be shown."""


def google_filling(environment: Mapping[str, str], project: str = "") -> dict[str, str]:
    """Parts of an address that Google's own tools have under other names; `project` is the credential's."""
    found = {"GOOGLE_VERTEX_PROJECT": project} if project else {}
    for name, others in _WORDS.items():
        told = next((value for one in (name, *others) if (value := environment.get(one, "").strip())), "")
        found |= {name: told} if told else {}
    return found


def google_identity(settings: ProviderSettings, environment: Mapping[str, str], key_env: str) -> Credential:
    """From `key_file`, else $GOOGLE_APPLICATION_CREDENTIALS, else gcloud's file, else the machine's own account."""
    path = _path(settings, environment)
    if path is None:
        return _machines(settings, environment, key_env)
    try:
        found = decoded(read_file(path), _File)
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors; they name the member and not its value
        return Credential(missing=f"{path} is no file of Google credentials ({error})")
    try:
        source, words = _source(found, _Here(settings, environment), settings.token_scope or SCOPE)
    except _Wrong as error:
        return Credential(missing=f"{path} {error}, or a token in {key_env}" if key_env else f"{path} {error}")
    filling = google_filling(environment, found.project_id or found.quota_project_id)
    pays = environment.get("GOOGLE_CLOUD_QUOTA_PROJECT", "").strip() or found.quota_project_id
    headers = {"x-goog-user-project": pays} if pays.isprintable() and pays else {}
    return Credential(identity=source, source=f"{words} {path}", filling=filling, headers=headers)


def _source(found: _File, here: _Here, scope: str) -> tuple[Source, str]:
    """What the file describes, and the words for it. Raises _Wrong."""
    settings = here.settings
    if found.type == "external_account":
        return _external(found, here, scope)
    if found.type == "impersonated_service_account" and found.source_credentials is not None:
        if found.source_credentials.type == found.type:
            raise _Wrong("leads from one service account to another: name those between them as its delegates")
        own, _ = _source(found.source_credentials, here, _NAMING)
        return _in_its_name(own, found, settings, scope), "the impersonated service account of"
    url = _googles(settings.token_url or found.token_uri or ADDRESS, settings)
    grant = Grant(
        url=url,
        client_id="",
        scope=scope,
        proxy=settings.proxy,
        ca_file=settings.ca_file,
    )
    if found.type == "service_account" and found.client_email and found.private_key:
        own_key = {"client_id": found.client_email, "private_key": found.private_key, "key_id": found.private_key_id}
        return msgspec.structs.replace(grant, **own_key), "the service account of"
    if found.type == "authorized_user" and found.client_id and found.refresh_token:
        log_in = {
            "client_id": found.client_id,
            "client_secret": found.client_secret,
            "refresh_token": found.refresh_token,
        }
        return msgspec.structs.replace(grant, **log_in), "gcloud's log-in in"
    kind = found.type if found.type.isidentifier() else "nothing that is known"
    raise _Wrong(f"holds {kind[:60]}: {_KINDS} is wanted")


def _external(found: _File, here: _Here, scope: str) -> tuple[Source, str]:
    settings = here.settings
    if not found.audience or not found.subject_token_type:
        raise _Wrong(f"holds no whole external_account: {_KINDS} is wanted")
    exchange = Exchange(
        url=_googles(settings.token_url or found.token_url or EXCHANGE, settings),
        audience=found.audience,
        subject=_subject(found.credential_source or _Place(), found.audience, here),
        kind=found.subject_token_type,
        scope=_NAMING if found.service_account_impersonation_url else scope,
        client_id=found.client_id,
        client_secret=found.client_secret,
        user_project=found.workforce_pool_user_project,
        proxy=settings.proxy,
        ca_file=settings.ca_file,
    )
    if found.service_account_impersonation_url:
        own = _in_its_name(exchange, found, settings, scope)
        return own, "the external account, in a service account's name, of"
    return exchange, "the external account of"


def _subject(place: _Place, audience: str, here: _Here) -> Subject | AwsSubject:
    """Where somebody else's token is. Raises _Wrong."""
    if place.executable or place.certificate:
        kind = "a program" if place.executable else "a certificate"
        raise _Wrong(f"takes its token from {kind}, which is not done here: have it from a file or an address")
    if place.environment_id:  # the addresses beside it are those of the metadata service, which the chain knows
        return _aws(audience, here)
    if bool(place.file) == bool(place.url):
        raise _Wrong(f"holds no whole external_account: {_KINDS} is wanted")
    if place.url and not nearby(place.url):
        raise _Wrong("takes its token from an address that is neither https:// nor on this network")
    member = place.format.subject_token_field_name if place.format.type == "json" else ""
    return Subject(file=place.file, url=place.url, headers=_pairs(place.headers), member=member)


def _aws(audience: str, here: _Here) -> AwsSubject:
    """The identity that AWS's own chain finds. Raises _Wrong."""
    found = aws_identity("aws", here.settings, here.environment)
    identity = found.identity
    if isinstance(identity, AwsKeys):
        return AwsSubject(source=Fixed(region=identity.region, given=identity), audience=audience)
    if not isinstance(identity, Signing):
        raise _Wrong(f"takes its token from an identity at AWS: {found.missing}")
    return AwsSubject(source=identity.source, audience=audience)


def _in_its_name(source: Source, found: _File, settings: ProviderSettings, scope: str) -> Impersonated:
    return Impersonated(
        source=source,
        url=_googles(found.service_account_impersonation_url, settings),
        scope=scope,
        seconds=found.service_account_impersonation.token_lifetime_seconds,
        delegates=found.delegates or (),
        proxy=settings.proxy,
        ca_file=settings.ca_file,
    )


def _pairs(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if not all(f"{name}{value}".isprintable() for name, value in headers.items()):
        raise _Wrong("has headers in its credential_source that are none")
    return tuple((name.lower(), value) for name, value in headers.items())


def _machines(settings: ProviderSettings, environment: Mapping[str, str], key_env: str) -> Credential:
    """The account that the machine itself runs as."""
    lacking = f"no key: set {_FILE}, or {key_env}, or run: gcloud auth application-default login"
    told = environment.get("GCE_METADATA_HOST", "").strip() or environment.get("GCE_METADATA_ROOT", "").strip()
    off = environment.get("NO_GCE_CHECK", "").strip().lower() == "true"
    if off or not (told or environment.get("K_SERVICE") or machine.owner() == "google"):
        fix = f"; on a machine of Google Cloud that is not recognised: GCE_METADATA_HOST={METADATA}"
        return Credential(missing=lacking + fix)
    root = f"http://{told or METADATA}"
    if not nearby(root):
        return Credential(missing="GCE_METADATA_HOST is no host on this network")
    scopes = quote(settings.token_scope or SCOPE, safe="")
    url = f"{root}/computeMetadata/v1/instance/service-accounts/default/token?scopes={scopes}"
    source = MachineToken(url=url, headers=(("metadata-flavor", "Google"),), lacking=lacking)
    return Credential(identity=source, source="the machine's service account", filling=google_filling(environment))


def _path(settings: ProviderSettings, environment: Mapping[str, str]) -> Path | None:
    told = settings.key_file or environment.get(_FILE, "")
    if told:
        return expanded(told)
    folder = home(environment)
    gcloud = environment.get("CLOUDSDK_CONFIG", "")
    place = Path(gcloud) if gcloud else folder / ".config" / "gcloud" if folder is not None else None
    file = place / "application_default_credentials.json" if place is not None else None
    return file if file is not None and file.is_file() else None


def _googles(url: str, settings: ProviderSettings) -> str:
    """The same. Raises _Wrong for an address that is neither Google's nor the configured one's.

    Such files are passed around: one that somebody else wrote must not lead a secret of ours to an address of his.
    """
    try:
        parts, ours = urlsplit(url), urlsplit(settings.token_url)
        host, plain = parts.hostname or "", parts.port in (None, 443) and "@" not in parts.netloc
    except ValueError:
        host, plain, parts, ours = "", False, urlsplit(""), urlsplit("")
    googles = parts.scheme == "https" and plain and (host == "googleapis.com" or host.endswith(".googleapis.com"))
    if not googles and (not settings.token_url or (parts.scheme, parts.netloc) != (ours.scheme, ours.netloc)):
        raise _Wrong("names a token address outside googleapis.com: set token_url if it is right")
    return url
