"""The AWS identity that calls are signed with: the first that is there, in the order of AWS's own tools.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html and
https://docs.aws.amazon.com/boto3/latest/guide/credentials.html (the order); the pages of each provider there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from hashlib import sha1
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from meshwright.kernel.config.tables import ProviderSettings
from meshwright.kernel.identity import machine
from meshwright.kernel.identity.aws_files import FileKeys, Profiles, read_profiles
from meshwright.kernel.identity.aws_keys import Fixed, Keys, Signing
from meshwright.kernel.identity.aws_sources import Container, Instance, Process
from meshwright.kernel.identity.aws_sso import Sso
from meshwright.kernel.identity.aws_sts import AssumedRole, WebIdentity
from meshwright.kernel.identity.credential import Credential
from meshwright.net.proof import AwsKeys
from meshwright.net.public import nearby

SERVICES = {"aws": "bedrock", "aws-mantle": "bedrock-mantle"}
"""What calls are signed for, by the row's kind of authentication."""
METADATA = "http://169.254.169.254"
METADATA_V6 = "http://[fd00:ec2::254]"
_AGENTS = frozenset({"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"})
"""Hosts that a container's keys may be asked of without TLS, beside loopback addresses."""
_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}
_KEYS = ("access_key_id", "secret_access_key", "session_token")
_DEEPEST = 8
"""How many roles may lead to one another."""
_LACKING = (
    "no key: set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "or have the profile {profile} in {file}"
)
_EXPORT = "export its keys with: aws configure export-credentials --profile {profile} --format env"
_METADATA_FIX = "; on an instance of EC2 that is not recognised: AWS_EC2_METADATA_SERVICE_ENDPOINT={address}"


class _Wrong(Exception):
    """The configuration cannot be used; in words that can be shown."""


class _Search(msgspec.Struct, frozen=True, kw_only=True):
    """What the search goes by."""

    environment: Mapping[str, str]
    profiles: Profiles
    profile: str
    region: str
    proxy: str | None
    ca_file: str | None

    def set(self, name: str) -> str:
        """A variable of the environment."""
        return self.environment.get(name, "").strip()

    def at(self, service: str, host: str) -> str:
        """The address of one of AWS's services. Raises _Wrong."""
        ignored = self.set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").lower() == "true"
        told = "" if ignored else self.set(f"AWS_ENDPOINT_URL_{service}") or self.set("AWS_ENDPOINT_URL")
        if told and not nearby(told):
            raise _Wrong(f"AWS_ENDPOINT_URL_{service} is no https:// address")
        return told.rstrip("/") or f"https://{host}"


_Found = tuple[Keys, str]
"""Where keys come from, and the words for it."""


def aws_region(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The region, as an address names it, when another variable has it."""
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    return {"AWS_REGION": region} if region else {}


def aws_identity(
    auth: str, settings: ProviderSettings, environment: Mapping[str, str], bearer: Credential | None = None
) -> Credential:
    """The first identity of the chain, for that service; with `bearer`, a key of Bedrock's own, only the region."""
    profile = environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE") or "default"
    try:
        profiles = read_profiles(environment)
        region = aws_region(environment).get("AWS_REGION", "") or profiles.told.get(profile, {}).get("region", "")
        filling = {"AWS_REGION": region} if region else {}
        if bearer is not None:
            return msgspec.structs.replace(bearer, filling=filling)
        search = _Search(
            environment=environment,
            profiles=profiles,
            profile=profile,
            region=region,
            proxy=settings.proxy,
            ca_file=settings.ca_file,
        )
        found = _first(search)
    except (OSError, ValueError) as error:
        return Credential(missing=f"AWS's files cannot be read ({error})")
    except _Wrong as error:
        return Credential(missing=str(error))
    if found is None:
        return Credential(missing=_lacking(search) + _METADATA_FIX.format(address=METADATA))
    if not region:
        return Credential(missing="no region: set AWS_REGION")
    source, words = found
    service = SERVICES[auth]
    if isinstance(source, Fixed):
        return Credential(
            identity=msgspec.structs.replace(source.given, service=service), source=words, filling=filling
        )
    return Credential(identity=Signing(source, service), source=words, filling=filling)


def _first(search: _Search) -> _Found | None:
    if search.set("AWS_ACCESS_KEY_ID"):
        return _environment(search, "AWS_SECRET_ACCESS_KEY is not set")
    told = search.profiles.told.get(search.profile)
    if told is None and search.set("AWS_PROFILE"):
        files = f"{search.profiles.config} and {search.profiles.credentials}"
        raise _Wrong(f"there is no profile {search.profile} in {files}: set AWS_PROFILE to one that is there")
    return _of_profile(search, search.profile, (), environment=True) or _container(search) or _instance(search)


def _of_profile(search: _Search, name: str, seen: tuple[str, ...], *, environment: bool = False) -> _Found | None:
    """What a profile leads to, in botocore's order; with `environment` a web identity there counts too."""
    told = search.profiles.told.get(name, {})
    source = f"the profile {name}"
    own_keys = "aws_access_key_id" in told
    if "role_arn" in told and "web_identity_token_file" not in told and not (seen and own_keys):
        return _role(search, name, (*seen, name))
    file = environment and search.set("AWS_WEB_IDENTITY_TOKEN_FILE")
    if file or told.get("web_identity_token_file"):
        return _web_identity(search, told, bool(file), source)
    if "sso_account_id" in told or "sso_role_name" in told:
        return _sso(search, name, told)
    own = search.profiles.own.get(name, {})
    if "aws_access_key_id" in own:
        return _of_file(search, search.profiles.credentials, name, own)
    if "login_session" in told:
        raise _Wrong(f"the profile {name} uses login_session, which is not read here; {_EXPORT.format(profile=name)}")
    if command := told.get("credential_process"):
        return Process(region=search.region, command=command, profile=name), f"the credential_process of {source}"
    if own_keys:
        return _of_file(search, search.profiles.config, name, told)
    return None


def _environment(search: _Search, half: str) -> _Found:
    given = {f"aws_{name}": search.set(f"AWS_{name}".upper()) for name in _KEYS}
    return _fixed(given, "$AWS_ACCESS_KEY_ID", search, half)


def _fixed(given: Mapping[str, str], source: str, search: _Search, half: str) -> _Found:
    values = [given.get(f"aws_{name}", "") for name in _KEYS]
    if not values[0] or not values[1]:
        raise _Wrong(f"{half}: a key has two halves")
    if not all(value.isprintable() and value.isascii() for value in values):
        raise _Wrong(f"{source} holds characters that no key has")
    keys = AwsKeys(access_key=values[0], secret_key=values[1], session_token=values[2], region=search.region)
    return Fixed(region=search.region, given=keys), source


def _of_file(search: _Search, file: Path | None, profile: str, told: Mapping[str, str]) -> _Found:
    source = f"the profile {profile} of {file}"
    _fixed(told, source, search, f"{source} has no secret key")
    return FileKeys(region=search.region, file=str(file), profile=profile), source


def _role(search: _Search, name: str, seen: tuple[str, ...]) -> _Found:
    told = search.profiles.told[name]
    if told.get("mfa_serial"):
        raise _Wrong(f"the profile {name} asks for a code at each log-in (mfa_serial); {_EXPORT.format(profile=name)}")
    parent, kind = told.get("source_profile", ""), told.get("credential_source", "")
    if bool(parent) == bool(kind):
        raise _Wrong(f"the profile {name} needs one of source_profile and credential_source beside its role_arn")
    if len(seen) > _DEEPEST or (parent in seen and parent != name):
        raise _Wrong(f"the profile {name} leads back to itself ({' to '.join(seen)})")
    if parent and parent not in search.profiles.told:
        raise _Wrong(f"the profile {name} names the source_profile {parent}, which is not there")
    found = _of_profile(search, parent, seen) if parent else _source(search, kind)
    if found is None:
        raise _Wrong(f"the profile {name} has a role, and {parent or kind} has no keys to ask for it with")
    asking, source = found
    role = AssumedRole(
        region=search.region,
        url=_sts(search),
        arn=told["role_arn"],
        session=told.get("role_session_name", ""),
        source=asking,
        external_id=told.get("external_id", ""),
        duration=told.get("duration_seconds", ""),
        proxy=search.proxy,
        ca_file=search.ca_file,
    )
    return role, f"the role of the profile {name}, asked for by {source}"


def _source(search: _Search, kind: str) -> _Found | None:
    """What `credential_source` names."""
    if kind == "Environment":
        return _environment(search, "AWS_ACCESS_KEY_ID is not set")
    if kind == "EcsContainer":
        return _container(search)
    if kind == "Ec2InstanceMetadata":
        return _instance(search, asked=True)
    raise _Wrong(f"credential_source is Environment, EcsContainer or Ec2InstanceMetadata, not {kind[:40]!r}")


def _web_identity(search: _Search, told: Mapping[str, str], by_environment: bool, source: str) -> _Found:
    arn = search.set("AWS_ROLE_ARN") or told.get("role_arn", "")
    file = search.set("AWS_WEB_IDENTITY_TOKEN_FILE") if by_environment else told["web_identity_token_file"]
    if not arn:
        raise _Wrong("there is a web identity token file and no role for it: set AWS_ROLE_ARN")
    found = WebIdentity(
        region=search.region,
        url=_sts(search),
        arn=arn,
        session=search.set("AWS_ROLE_SESSION_NAME") or told.get("role_session_name", ""),
        file=file,
        proxy=search.proxy,
        ca_file=search.ca_file,
    )
    return found, f"a web identity, {'$AWS_WEB_IDENTITY_TOKEN_FILE' if by_environment else source}"


def _sts(search: _Search) -> str:
    return search.at("STS", f"sts.{search.region}.{_suffix(search.region)}") + "/"


def _sso(search: _Search, name: str, told: Mapping[str, str]) -> _Found:
    session = told.get("sso_session", "")
    if session and session not in search.profiles.sessions:
        raise _Wrong(f"the profile {name} names the sso_session {session}, which is not there")
    told = {**told, **(search.profiles.sessions[session] if session else {})}
    needed = ("sso_start_url", "sso_region", "sso_account_id", "sso_role_name")
    lacking = [one for one in needed if not told.get(one)]
    if lacking or search.profiles.folder is None:
        raise _Wrong(f"the profile {name} logs in by SSO and lacks {', '.join(lacking) or 'a HOME'}")
    named = sha1((session or told["sso_start_url"]).encode(), usedforsecurity=False).hexdigest()
    region = told["sso_region"]
    found = Sso(
        region=search.region,
        url=search.at("SSO", f"portal.sso.{region}.{_suffix(region)}"),
        renewing_url=search.at("SSO_OIDC", f"oidc.{region}.{_suffix(region)}"),
        session=bool(session),
        file=str(search.profiles.folder / ".aws" / "sso" / "cache" / f"{named}.json"),
        account=told["sso_account_id"],
        role=told["sso_role_name"],
        profile=name,
        proxy=search.proxy,
        ca_file=search.ca_file,
    )
    return found, f"the SSO log-in of the profile {name}"


def _container(search: _Search) -> _Found | None:
    name = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    relative = search.set(name)
    if relative:
        url = f"http://169.254.170.2{relative}"
    else:
        name = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
        url = search.set(name)
        if not url:
            return None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise _Wrong(f"{name} is no address") from None
    # Keys come from there, and a token goes there: https anywhere, plain text to what no network lies between only.
    if parts.scheme != "https" and not (parts.scheme == "http" and (host in _AGENTS or _loopback(host))):
        raise _Wrong(f"{name} is neither https:// nor at a loopback address or one of {', '.join(sorted(_AGENTS))}")
    file = search.set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    token = "" if file else search.set("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    return Container(region=search.region, url=url, token=token, token_file=file), f"a container's role, ${name}"


def _instance(search: _Search, *, asked: bool = False) -> _Found | None:
    """The machine's own role, where it can be one of AWS's or somebody says so."""
    disabled = search.set("AWS_EC2_METADATA_DISABLED").lower()
    url = search.set("AWS_EC2_METADATA_SERVICE_ENDPOINT")
    if disabled == "true" or not (asked or url or disabled == "false" or machine.owner() == "aws"):
        return None
    if url and not nearby(url):
        raise _Wrong("AWS_EC2_METADATA_SERVICE_ENDPOINT is no address on this network")
    mode = search.set("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").lower()
    where = url.rstrip("/") or (METADATA_V6 if mode == "ipv6" else METADATA)
    return Instance(region=search.region, url=where, lacking=_lacking(search)), "the instance's role"


def _lacking(search: _Search) -> str:
    return _LACKING.format(profile=search.profile, file=search.profiles.credentials or "~/.aws/credentials")


def _suffix(region: str) -> str:
    return next((suffix for start, suffix in _SUFFIXES.items() if region.startswith(start)), "amazonaws.com")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
