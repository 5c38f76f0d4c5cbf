"""The AWS identity that calls are signed with: from the environment, or a profile in the files of AWS's own tools.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html and .../feature-static-credentials.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as FormatError
from pathlib import Path

import msgspec

from meshwright.kernel.identity.credential import Credential, home, read_file
from meshwright.net.proof import AwsKeys

_NO_KEY = (
    "no key: set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "or have the profile {profile} in {file}"
)
# Ways of AWS's own tools to get keys that hold for some hours: they can write them where they are read here.
_ELSEWHERE = ("sso_session", "sso_start_url", "role_arn", "credential_process", "web_identity_token_file")
_FIX = "export its keys with: aws configure export-credentials --profile {profile} --format env"


def aws_region(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The region, as an address names it, when another variable has it."""
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    return {"AWS_REGION": region} if region else {}


def aws_identity(environment: Mapping[str, str], bearer: Credential | None = None) -> Credential:
    """Keys from the environment, else from the profile; with `bearer`, a key of Bedrock's own, only the region."""
    profile = environment.get("AWS_PROFILE") or "default"
    folder = home(environment)
    credentials = _place(environment, "AWS_SHARED_CREDENTIALS_FILE", folder, "credentials")
    settings = _place(environment, "AWS_CONFIG_FILE", folder, "config")
    try:
        said = {**_section(settings, f"profile {profile}" if profile != "default" else profile)}
        region = aws_region(environment).get("AWS_REGION", "") or said.get("region", "")
        filling = {"AWS_REGION": region} if region else {}
        if bearer is not None:
            return msgspec.structs.replace(bearer, filling=filling)
        if environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY"):
            source = "$AWS_ACCESS_KEY_ID"
            keys = {name: environment.get(f"AWS_{name}".upper(), "") for name in _FIELDS}
        else:
            source = f"the profile {profile} of {credentials}"
            said |= _section(credentials, profile)
            keys = {name: said.get(f"aws_{name}", "") for name in _FIELDS}
            if not keys["access_key_id"] and (how := next((one for one in _ELSEWHERE if one in said), "")):
                return Credential(
                    missing=f"the profile {profile} uses {how}, which is not read here; {_FIX.format(profile=profile)}"
                )
    except (OSError, ValueError) as error:
        return Credential(missing=f"AWS's files cannot be read ({error})")
    if not keys["access_key_id"] or not keys["secret_access_key"]:
        return Credential(missing=_NO_KEY.format(profile=profile, file=credentials or "~/.aws/credentials"))
    if not all(value.isprintable() and value.isascii() for value in keys.values()):
        return Credential(missing=f"{source} holds characters that no key has")
    if not region:
        return Credential(missing="no region: set AWS_REGION")
    identity = AwsKeys(
        access_key=keys["access_key_id"].strip(),
        secret_key=keys["secret_access_key"].strip(),
        session_token=keys["session_token"].strip(),
        region=region,
    )
    return Credential(identity=identity, source=source, filling=filling)


_FIELDS = ("access_key_id", "secret_access_key", "session_token")


def _place(environment: Mapping[str, str], name: str, folder: Path | None, file: str) -> Path | None:
    told = environment.get(name)
    if told:
        return Path(told).expanduser()
    return folder / ".aws" / file if folder is not None else None


def _section(file: Path | None, name: str) -> dict[str, str]:
    """One section of a file; empty when there is no such file or section. Raises OSError, ValueError."""
    if file is None or not file.is_file():
        return {}
    parser = ConfigParser(interpolation=None, strict=False, default_section="\0", allow_no_value=True)
    try:
        parser.read_string(read_file(file))
    except (FormatError, ValueError) as error:
        # The parser's own words would show the line, and that may be a key.
        line = getattr(error, "lineno", None)
        raise ValueError(f"{file} is not in AWS's format" + (f", line {line}" if line else "")) from None
    return {key: value or "" for key, value in parser[name].items()} if parser.has_section(name) else {}
