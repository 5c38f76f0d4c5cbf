"""A cloud that gives tokens for credentials and answers whoever shows the latest, and such credentials."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from google.auth import jwt

from tests.kernel.cloud import Answer, Came

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
EMAIL = "robot@project.iam.gserviceaccount.com"
ENTRA = {"AZURE_TENANT_ID": "contoso.example", "AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": "s3cret"}
ACCOUNT = {"type": "service_account", "project_id": "p1", "private_key_id": "k1", "private_key": PEM,
           "client_email": EMAIL, "token_uri": "https://oauth2.googleapis.com/token"}  # fmt: skip
USER = {"type": "authorized_user", "client_id": "id", "client_secret": "s3cret", "refresh_token": "r3fresh",
        "quota_project_id": "p2"}  # fmt: skip
CHAT = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [
    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "pong"}}]}  # fmt: skip
CLAUDE = {"id": "x", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
          "content": [{"type": "text", "text": "pong"}], "usage": {"input_tokens": 1, "output_tokens": 1}}  # fmt: skip
GEMINI = {"candidates": [{"content": {"role": "model", "parts": [{"text": "pong"}]}, "finishReason": "STOP"}]}


class Door:
    """A cloud's token endpoint at /token, and its models everywhere else, for whoever shows the latest token."""

    def __init__(self, answer: dict[str, Any], seconds: float = 3600) -> None:
        self.answer = json.dumps(answer).encode()
        self.seconds = seconds
        self.given = 0
        self.closed: Answer | None = None

    def __call__(self, came: Came) -> Answer:
        if came.path.startswith("/token"):
            if self.closed is not None:
                return self.closed
            self._judge(came)
            self.given += 1
            told = {"access_token": f"token-{self.given}", "expires_in": self.seconds, "token_type": "Bearer"}
            return Answer(json.dumps(told).encode())
        if came.headers.get("authorization") != f"Bearer token-{self.given}":
            return Answer(b'{"error": {"message": "who are you?"}}', 401)
        return Answer(self.answer)

    def _judge(self, came: Came) -> None:
        form = came.form
        assert came.headers["content-type"] == "application/x-www-form-urlencoded"
        if form["grant_type"] == "client_credentials":
            assert (form["client_id"], form["client_secret"]) == ("app", "s3cret")
            assert form["scope"] == "https://cognitiveservices.azure.com/.default"
        elif form["grant_type"] == "refresh_token":
            assert (form["client_id"], form["client_secret"], form["refresh_token"]) == ("id", "s3cret", "r3fresh")
        else:
            assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            # Google's own library is the judge: the signature, the times, and for whom it is.
            address = f"http://{came.headers['host']}{came.path}"
            claims = jwt.decode(form["assertion"], certs=PUBLIC, audience=address)
            assert (claims["iss"], claims["exp"] - claims["iat"]) == (EMAIL, 3600)
            assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
            assert jwt.decode_header(form["assertion"]) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}


def table(name: str, url: str, more: str = "") -> str:
    """A provider at that address, with its token endpoint there."""
    return f'[providers.{name}]\nbase_url = "{url}"\ntoken_url = "{url}/token"\nmodels = ["m"]\n{more}'
