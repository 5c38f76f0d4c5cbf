"""A pretend AWS: its token service, an instance's metadata, a container's agent and the portal of SSO, on one port."""

from __future__ import annotations

import datetime as dt
import json
from hashlib import sha1
from pathlib import Path

from tests.kernel.cloud import Answer, Came

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/models"
ROBOT = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmVk"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
PASS = "agent's-pass"
SESSION = "metadata-session=="


class Aws:
    """Gives keys to whoever asks as AWS wants it; `given` counts them, and a key's name says who gave it."""

    def __init__(self, seconds: float = 3600) -> None:
        self.seconds = seconds
        self.given = 0
        self.instead: dict[str, Answer] = {}

    def __call__(self, came: Came) -> Answer:
        path = came.path.partition("?")[0]
        if (told := self.instead.get(path)) is not None:
            return told
        if came.method == "POST" and path == "/":
            return self._token_service(came)
        if path.startswith("/latest/"):
            return self._metadata(came, path)
        if path == "/agent":
            ours = came.headers.get("authorization") == PASS
            return Answer(self._json("AGENT")) if ours else Answer(b'{"code": "AccessDenied", "message": "who?"}', 403)
        if path == "/federation/credentials":
            return self._portal(came)
        if path == "/token":
            return self._next_log_in(came)
        return Answer(b"{}", 404)

    def keys(self, who: str) -> tuple[str, str, str, str]:
        """Access key, secret key, session token, end."""
        self.given += 1
        end = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.seconds)
        return f"ASIA{who}{self.given}", f"{SECRET}/{who}", f"token/{who}==", end.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _json(self, who: str) -> bytes:
        access, secret, token, end = self.keys(who)
        told = {"Code": "Success", "AccessKeyId": access, "SecretAccessKey": secret, "Token": token, "Expiration": end}
        return json.dumps(told).encode()

    def _token_service(self, came: Came) -> Answer:
        form = came.form
        action = form["Action"]
        assert form["Version"] == "2011-06-15"
        assert form["RoleSessionName"]
        signed = "AWS4-HMAC-SHA256 Credential=" in came.headers.get("authorization", "")
        well = form.get("WebIdentityToken") == ROBOT if action == "AssumeRoleWithWebIdentity" else signed
        if not well or not form["RoleArn"].startswith(ROLE):
            told = "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized</Message></Error>"
            return Answer(_xml("ErrorResponse", told), 403, "text/xml")
        who = "WEB" if action == "AssumeRoleWithWebIdentity" else "ROLE" + form.get("ExternalId", "")
        access, secret, token, end = self.keys(who)
        told = (
            f"<{action}Result><AssumedRoleUser><Arn>{ROLE}</Arn></AssumedRoleUser><Credentials>"
            f"<AccessKeyId>{access}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>{end}</Expiration></Credentials></{action}Result>"
        )
        return Answer(_xml(f"{action}Response", told), 200, "text/xml")

    def _metadata(self, came: Came, path: str) -> Answer:
        if path == "/latest/api/token":
            ours = came.method == "PUT" and came.headers.get("x-aws-ec2-metadata-token-ttl-seconds") == "21600"
            return Answer(SESSION.encode(), 200 if ours else 400, "text/plain")
        if came.headers.get("x-aws-ec2-metadata-token") != SESSION:
            return Answer(b"", 401)
        if path == "/latest/meta-data/iam/security-credentials/":
            return Answer(b"models", 200, "text/plain")
        return Answer(self._json("INSTANCE")) if path.endswith("/models") else Answer(b"", 404)

    def _portal(self, came: Came) -> Answer:
        if not came.headers.get("x-amz-sso_bearer_token", "").startswith("logged-in"):
            return Answer(b'{"message": "Session token not found or invalid"}', 401)
        assert sorted(came.path.partition("?")[2].split("&")) == ["account_id=123456789012", "role_name=models"]
        access, secret, token, _ = self.keys("SSO")
        end = int((dt.datetime.now(dt.UTC).timestamp() + self.seconds) * 1000)
        told = {"accessKeyId": access, "secretAccessKey": secret, "sessionToken": token, "expiration": end}
        return Answer(json.dumps({"roleCredentials": told}).encode())

    def _next_log_in(self, came: Came) -> Answer:
        asked = json.loads(came.body)
        wanted = {"grantType": "refresh_token", "clientId": "cli", "clientSecret": "s3cret", "refreshToken": "r3fresh"}
        if asked != wanted:
            return Answer(b'{"error": "invalid_grant"}', 400)
        told = {"accessToken": "logged-in-again", "expiresIn": 3600, "refreshToken": "r3fresh-2", "tokenType": "Bearer"}
        return Answer(json.dumps(told).encode())


def _xml(name: str, inner: str) -> bytes:
    metadata = "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
    return f'<{name} xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{inner}{metadata}</{name}>'.encode()


def log_in(home: Path, of: str, seconds: float = 3600, *, renewable: bool = False) -> Path:
    """What `aws sso login` leaves in a file, named by the session or the start's address."""
    folder = home / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    end = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    told = {"startUrl": "https://x.awsapps.com/start", "region": REGION, "accessToken": "logged-in"}
    if renewable:
        told |= {"clientId": "cli", "clientSecret": "s3cret", "refreshToken": "r3fresh"}
        told |= {"registrationExpiresAt": "2099-01-01T00:00:00Z"}
    told["expiresAt"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    file = folder / f"{sha1(of.encode(), usedforsecurity=False).hexdigest()}.json"
    file.write_text(json.dumps(told))
    return file
