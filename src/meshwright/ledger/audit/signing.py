"""Checkpoints: where the chain stands, signed, to be kept where whoever can change the database cannot reach."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from meshwright.ledger.personal import possible
from meshwright.store import audit
from meshwright.store.database import Database
from meshwright.types.errors import ConfigError, InvalidRequest, StoreError

Kind = Literal["ed25519", "hmac-sha256"]
ED25519: Final = "ed25519"
HMAC: Final = "hmac-sha256"
_HEAD = b"meshwright checkpoint 1\n"
_NAMES: Mapping[Kind, str] = {ED25519: "ed25519.key", HMAC: "hmac.key"}


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The chain's end at a time: its number `seq` and `hash`. `at` is whole microseconds since 1970.

    `key` is the public key with Ed25519; with HMAC-SHA256, whose key is a secret, the first 16 bytes of its SHA-256.
    `hash`, `key` and `signature` are hexadecimal.
    """

    seq: int
    hash: str
    at: int
    kind: Kind
    key: str
    signature: str = ""

    def said(self) -> bytes:
        """What is signed: a line that names the format, and a JSON array of all but the signature."""
        return _HEAD + msgspec.json.encode([self.seq, self.hash, self.at, self.kind, self.key])


class Signer(msgspec.Struct, frozen=True):
    """A key that signs checkpoints, and how."""

    kind: Kind
    secret: bytes

    @property
    def key(self) -> str:
        """What tells the key apart without telling a secret, hexadecimal."""
        if self.kind == HMAC:
            return hashlib.sha256(self.secret).digest()[:16].hex()
        # Imported here because the library is an extra.
        from meshwright.ledger.ciphers import public_of

        return public_of(self.secret).hex()

    def sign(self, data: bytes) -> str:
        """The signature, hexadecimal."""
        if self.kind == HMAC:
            return hmac.digest(self.secret, data, "sha256").hex()
        # Imported here because the library is an extra.
        from meshwright.ledger.ciphers import signed

        return signed(self.secret, data).hex()


def signers(folder: Path) -> tuple[Signer, ...]:
    """The keys that are in the folder. Raises StoreError."""
    found = []
    for kind, name in _NAMES.items():
        secret = _read(folder / name)
        if secret is not None and (kind == HMAC or possible()):
            found.append(Signer(kind, secret))
    return tuple(found)


def signer(folder: Path) -> Signer:
    """The key to sign with: Ed25519 with the extra `crypto`, else HMAC-SHA256. Made when it is missing.

    Raises StoreError.
    """
    kind: Kind = HMAC
    if possible():
        kind = "ed25519"
    file = folder / _NAMES[kind]
    secret = _read(file)
    if secret is None:
        secret = _made(file)
    return Signer(kind, secret)


def checkpoint(database: Database, folder: Path, *, clock: Callable[[], float] = time.time) -> Checkpoint:
    """A new signed checkpoint of the chain as it is now, kept in the database. Raises StoreError, InvalidRequest."""
    key = signer(folder)
    with database.begin() as transaction:
        seq, hash = audit.lock(transaction)
        if not seq:
            raise InvalidRequest("The audit log is empty: there is nothing to sign.", fix="Make a key, for example.")
        made = Checkpoint(seq=seq, hash=hash.hex(), at=int(clock() * 1_000_000), kind=key.kind, key=key.key)
        made = msgspec.structs.replace(made, signature=key.sign(made.said()))
        audit.keep_checkpoint(transaction, f"chk_{made.at:014x}{secrets.token_hex(4)}", seq, msgspec.json.encode(made))
    return made


def doubt(made: Checkpoint, known: tuple[Signer, ...], trusted: frozenset[str]) -> str:
    """Why the signature is not to be believed; "" when it is. `trusted` are public keys, hexadecimal."""
    mine = {one.key: one for one in known if one.kind == made.kind}
    if made.key not in mine and made.key not in trusted:
        return f"it is signed with a key that is not known here ({made.kind} {made.key[:16]}…)"
    if made.kind == HMAC:
        good = made.key in mine and hmac.compare_digest(mine[made.key].sign(made.said()), made.signature)
        return "" if good else "its signature is wrong"
    if not possible():
        return "its signature cannot be checked without `pip install 'meshwright[crypto]'`"
    # Imported here because the library is an extra.
    from meshwright.ledger.ciphers import is_signed

    try:
        good = is_signed(bytes.fromhex(made.key), bytes.fromhex(made.signature), made.said())
    except ValueError:
        good = False
    return "" if good else "its signature is wrong"


def read_checkpoint(data: bytes, where: str) -> Checkpoint:
    """A checkpoint from its JSON. Raises ConfigError."""
    try:
        return msgspec.json.decode(data, type=Checkpoint)
    except msgspec.DecodeError as error:
        raise ConfigError.of(f"{where} is no checkpoint: {error}.", fix="`mesh audit checkpoint --out FILE`") from None


def _read(file: Path) -> bytes | None:
    try:
        secret = bytes.fromhex(file.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"The key {file} cannot be read: {error}.", fix="Restore it, or move it away.") from error
    if len(secret) != 32:
        raise StoreError(f"The key {file} is not 32 bytes.", fix="Restore it, or move it away.")
    return secret


def _made(file: Path) -> bytes:
    """A new key in that file, for its user's eyes only; the one of whoever was faster, if somebody was."""
    secret = secrets.token_bytes(32)
    fresh = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
            out.write(secret.hex() + "\n")
        try:
            os.link(fresh, file)  # whole, and never over another one
        except FileExistsError:
            found = _read(file)
            assert found is not None
            return found
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"The key {file} cannot be made: {error.strerror}.", fix="Make its folder writable."
        ) from error
    return secret
