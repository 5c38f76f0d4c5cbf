"""Keys as the data plane sees them: a hash, a lookup, and never the key itself.

Keys are random (256 bits), so one round of SHA-256 without salt keeps them: there is nothing to guess a hash from, and
a slow hash would only slow down every request. Looking the digest up in a dict is not a constant-time comparison and
need not be: what its timing could tell is about the digest of what the caller sent, from which no next guess follows.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from meshwright.ledger.allowing import GATEWAY
from meshwright.store.rows import Key, Party
from meshwright.types.errors import Unauthenticated
from meshwright.types.principal import Allowance, Bounds, Principal

PREFIX = "mesh-"
_SHOWN = len(PREFIX) + 4


class Holder(msgspec.Struct, frozen=True):
    """Who holds a key, and until when (seconds since 1970; None: for ever)."""

    principal: Principal
    expires: float | None = None


def digest(key: str) -> bytes:
    """The SHA-256 of a key: 32 bytes. Takes any text a header can hold, broken text too."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def fingerprint(key: str) -> str:
    """Twelve hexadecimal digits that tell keys apart and tell nothing about them: for logs and people."""
    return digest(key).hex()[:12]


def new_key() -> str:
    """A new key: "mesh-" and 32 random bytes, URL-safe."""
    return PREFIX + secrets.token_urlsafe(32)


def shown(key: str) -> str:
    """The first characters of a key, by which its owner knows it again; at most a quarter of it."""
    return key[: min(_SHOWN, len(key) // 4)]


def holders(
    keys: Iterable[Key], parties: Iterable[Party] = (), allowances: Sequence[Allowance] = ()
) -> dict[bytes, Holder]:
    """What a snapshot keeps: holders by the digest of their key, without the revoked ones."""
    known, working = list(parties), [key for key in keys if key.revoked is None]
    return {key.hash: Holder(_principal(key, known, allowances), key.expires) for key in working}


def _principal(key: Key, parties: Sequence[Party], allowances: Sequence[Allowance]) -> Principal:
    owner = Principal(id=key.owner, name=key.name, scopes=key.scopes, team=key.team, user=key.user)
    owner = msgspec.structs.replace(owner, priority=key.priority, bounds=(key.bounds,))
    return limited(owner, parties, allowances)


def limited(owner: Principal, parties: Iterable[Party], allowances: Iterable[Allowance]) -> Principal:
    """The principal with the bounds and allowances of all that it belongs to."""
    above = {GATEWAY, f"team:{owner.team}", f"user:{owner.user}"}
    bounds = (*owner.bounds, *(party.bounds for party in parties if party.id in above))
    binding = tuple(one for one in allowances if one.owner in above or one.owner == f"key:{owner.id}")
    if any(one.measure == "money" for one in binding):
        bounds = (*bounds, Bounds(priced=True))  # what costs nobody knows how much cannot stay within a budget
    told = tuple(dict.fromkeys(one for one in bounds if one != Bounds()))
    return msgspec.structs.replace(owner, bounds=told, allowances=binding)


def verify(known: Mapping[bytes, Holder], key: str, now: float) -> Principal:
    """Who holds that key at `now` (seconds since 1970). Raises Unauthenticated, which never repeats the key."""
    holder = known.get(digest(key))
    if holder is None:
        raise Unauthenticated("This key is not known here.", fix="Send a key of this gateway as a bearer token.")
    if holder.expires is not None and now >= holder.expires:
        raise Unauthenticated("This key has expired.", fix="Ask for a new one.")
    return holder.principal
