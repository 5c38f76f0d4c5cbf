"""A signed statement of who asks for a token (RFC 7519, RFC 7515 with RS256). Needs the extra `crypto`."""

from __future__ import annotations

import base64

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

SECONDS = 3600
"""How long it holds; Google takes no more."""


def assertion(private_key: str, key_id: str, issuer: str, scope: str, audience: str, at: int) -> str:
    """The statement that `issuer` makes to `audience` at that time, in seconds since 1970.

    `private_key` is PEM without a password. Raises ValueError for a key that cannot sign.
    """
    head = {"alg": "RS256", "typ": "JWT"} | ({"kid": key_id} if key_id else {})
    claims = {"iss": issuer, "scope": scope, "aud": audience, "iat": at, "exp": at + SECONDS}
    said = b".".join(_encoded(msgspec.json.encode(part)) for part in (head, claims))
    try:
        key = load_pem_private_key(private_key.encode(), None)
    except (ValueError, TypeError) as error:
        raise ValueError("its private_key is no PEM key that can be read without a password") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("its private_key is not an RSA key, which RS256 needs")
    return (said + b"." + _encoded(key.sign(said, PKCS1v15(), SHA256()))).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
