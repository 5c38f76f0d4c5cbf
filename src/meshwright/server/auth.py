"""Who is asking: from the request's headers to a Principal."""

from __future__ import annotations

from collections.abc import Callable
from time import time

from meshwright.kernel.config.tables import ServerSettings
from meshwright.kernel.snapshot import Snapshot
from meshwright.ledger.digest import PREFIX, digest, verify
from meshwright.types.errors import PermissionDenied, Unauthenticated
from meshwright.types.principal import Principal

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})
Header = Callable[[str], str | None]


def authenticate(snapshot: Snapshot, settings: ServerSettings, header: Header, queried: str = "") -> Principal:
    """The owner of the key. Keys are looked up by their SHA-256 digest, so timing tells nothing about them.

    On an open gateway (loopback only) any other text is a placeholder that clients insist on, and the caller is
    this machine; only a mistyped key of ours is refused. `queried` is a key from the query, where the dialect's clients
    may send it there. AWS signatures are not checked: their secret is not known here.
    Raises Unauthenticated, PermissionDenied.
    """
    key = _key(header) or queried.strip()
    if key:
        if not snapshot.open or key.startswith(PREFIX) or digest(key) in snapshot.holders:
            return verify(snapshot.holders, key, time())
    elif not snapshot.open:
        if (header("authorization") or "").startswith("AWS4-"):
            raise Unauthenticated(
                "AWS signatures cannot be checked here: this gateway takes keys.",
                fix="Set AWS_BEARER_TOKEN_BEDROCK to a key of this gateway, and boto3 sends it as a bearer token.",
            )
        raise Unauthenticated(
            "No API key was sent.", fix='Send "Authorization: Bearer KEY" with a key of this gateway.'
        )
    _only_from_here(settings, header)
    return snapshot.local


def _key(header: Header) -> str:
    """The key from whichever header the client's dialect uses."""
    value = header("authorization")
    if value:
        scheme, _, key = value.partition(" ")
        if scheme.lower() == "bearer":
            return key.strip()
    return (header("x-api-key") or header("api-key") or header("x-goog-api-key") or "").strip()


def _only_from_here(settings: ServerSettings, header: Header) -> None:
    """Refuse web pages of other sites: they can reach loopback through the user's browser (DNS rebinding, CSRF)."""
    host = _name(header("host") or "")
    if host and host not in LOOPBACK and host not in settings.allowed_hosts:
        raise PermissionDenied(
            f'This gateway is open to its own machine only and does not answer to the name "{host[:100]}".',
            fix='Add the name to [server] allowed_hosts, or ask for keys with auth = "keys".',
        )
    origin = header("origin")
    if (
        origin
        and origin not in settings.cors_origins
        and _name(origin.partition("://")[2]) not in LOOPBACK | set(settings.allowed_hosts)
    ):
        raise PermissionDenied(
            f"Pages of {origin[:100]} may not use this gateway.", fix='Ask for keys with [server] auth = "keys".'
        )


def _name(authority: str) -> str:
    """An authority without its port."""
    name, colon, port = authority.rpartition(":")
    return (name if colon and port.isdigit() else authority).lower()
