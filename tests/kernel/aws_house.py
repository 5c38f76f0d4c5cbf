"""A home with AWS's files in it, and the keys that are found there, by ours and by AWS's own library."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from botocore.credentials import SSOProvider
from botocore.session import Session
from botocore.tokens import SSOTokenProvider

from meshwright.kernel.build.providers import ProviderPart, provider_parts
from meshwright.kernel.config.read import read_config
from meshwright.net.choose import OneTransport
from meshwright.net.proof import AwsKeys, Signature
from tests.kernel.aws_cloud import PASS, REGION, ROBOT, ROLE, SECRET, log_in

WRITER = (
    "import json; print(json.dumps(dict(Version=1, AccessKeyId='AKIAPROCESS', SecretAccessKey='s', SessionToken='t')))"
)
ENV = {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": "token/env"}
WEB = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/robot", "AWS_ROLE_SESSION_NAME": "mesh"}
AGENT = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/agent", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{home}/pass"}
OWN = f"[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = {SECRET}\naws_session_token = t/=\n"
SSO = "sso_session = us\nsso_account_id = 123456789012\nsso_role_name = models\n"
SESSION = f"[sso-session us]\nsso_region = {REGION}\nsso_start_url = https://x.awsapps.com/start\n"
LEGACY = SSO.replace("sso_session = us\n", SESSION.partition("\n")[2])


def laid(
    home: Path, url: str, environment: Mapping[str, str], credentials: str = "", config: str = ""
) -> dict[str, str]:
    """Files in a home, and the variables with it; AWS is at that address."""
    folder = home / ".aws"
    folder.mkdir(exist_ok=True)
    (home / "robot").write_text(ROBOT)
    (home / "pass").write_text(PASS)
    (home / "writer.py").write_text(WRITER)
    for name, text in (("credentials", credentials), ("config", config)):
        (folder / name).write_text(text.replace("{home}", str(home)))
    log_in(home, "us")
    log_in(home, "https://x.awsapps.com/start")
    told = {name: value.format(home=home, url=url) for name, value in environment.items()}
    told |= {f"AWS_ENDPOINT_URL_{name}": url for name in ("STS", "SSO", "SSO_OIDC")}
    told |= {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url}
    return {"HOME": str(home), "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **told}


def part(environment: Mapping[str, str], toml: str = "") -> ProviderPart | str:
    """Bedrock as it would be served, or why it is not."""
    config = read_config(f"[providers.amazon-bedrock]\n{toml}")
    parts, refused = provider_parts(config, environment, (), builtin=False)
    return next((one for one in parts if one.row.name == "amazon-bedrock"), None) or refused["amazon-bedrock"]


async def keys(environment: Mapping[str, str]) -> tuple[str, str, str]:
    """The keys that calls would be signed with: access key, secret key, session token. Raises UpstreamError."""
    found = part(environment)
    assert isinstance(found, ProviderPart), found
    assert found.key_from
    identity = found.credential.identity
    if not isinstance(identity, AwsKeys):
        assert identity is not None
        assert SECRET not in repr(identity)
        transport = OneTransport()
        try:
            obtained = await identity.obtain(transport, time.time())
        finally:
            await transport.close()
        assert isinstance(obtained.shown, Signature)
        identity = obtained.shown.keys
    assert isinstance(identity, AwsKeys)
    assert identity.region == REGION
    return identity.access_key, identity.secret_key, identity.session_token


def botocores(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str]:
    """The keys that AWS's own library takes."""
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    cache = str(Path(environment["HOME"]) / ".aws" / "sso" / "cache")
    monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", cache)
    monkeypatch.setattr(SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", cache)
    found = Session().get_credentials().get_frozen_credentials()
    return found.access_key, found.secret_key, found.token or ""
