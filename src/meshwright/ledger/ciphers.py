"""AES-GCM for what is personal and Ed25519 for checkpoints. Needs the extra `crypto`: import it late."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


def encrypted(key: bytes, data: bytes, about: str) -> bytes:
    """A fresh nonce of 96 bits, then the ciphertext with its tag (NIST SP 800-38D), bound to `about`."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, data, about.encode())


def decrypted(key: bytes, data: bytes, about: str) -> bytes:
    """What was encrypted. Raises ValueError when this is not it."""
    try:
        return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], about.encode())
    except InvalidTag:
        raise ValueError("it was not encrypted with this key, or was changed") from None


def public_of(private: bytes) -> bytes:
    """The public key of a private one: 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def signed(private: bytes, data: bytes) -> bytes:
    """The signature: 64 bytes."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(data)


def is_signed(public: bytes, signature: bytes, data: bytes) -> bool:
    """Whether that key has signed this."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
