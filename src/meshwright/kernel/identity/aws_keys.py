"""Keys of AWS that hold for some time: how endpoints and programs say them, and what a source of them is."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import msgspec

from meshwright.kernel.identity.credential import until
from meshwright.net.asking import Told, because, decoded, refusal
from meshwright.net.proof import AwsKeys, Obtained, Signature
from meshwright.net.transport import Transport

USUAL_SECONDS = 3600.0
"""How long keys hold that say no end: they are asked for again before."""


class Held(NamedTuple):
    """Keys, and for how many seconds they hold; `ends`: they end then, else they are only asked for again."""

    keys: AwsKeys
    seconds: float
    ends: bool = True


class Keys(Protocol):
    """Where keys that run out come from, each in its own way: a value, like a `net.proof.Source`; never shown."""

    @property
    def region(self) -> str:
        """What the keys sign for."""
        ...

    def __hash__(self) -> int: ...

    async def keys(self, transport: Transport, now: float) -> Held:
        """Ask once; `now` is seconds since 1970. Raises UpstreamError, whose words name no secret."""
        ...


class Signing(msgspec.Struct, frozen=True):
    """A `net.proof.Source` that signs for a service with keys from there."""

    source: Keys
    service: str

    async def obtain(self, transport: Transport, now: float) -> Obtained:
        """See `net.proof.Source`."""
        held = await self.source.keys(transport, now)
        keys = msgspec.structs.replace(held.keys, service=self.service)
        return Obtained(Signature(keys), held.seconds, held.ends)


class Regional(msgspec.Struct, frozen=True, kw_only=True):
    """What all such sources have, and all that is shown of them."""

    region: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.region})"


class Fixed(Regional, frozen=True, kw_only=True):
    """Keys that do not run out, as the source of a role."""

    given: AwsKeys

    async def keys(self, transport: Transport, now: float) -> Held:
        """Those."""
        return Held(self.given, USUAL_SECONDS, ends=False)


class Said(msgspec.Struct, rename="pascal"):
    """Keys as container, instance and process say them; a session's token has two names."""

    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str | None = None
    token: str | None = None
    expiration: str | None = None
    version: Any = None
    code: str = ""
    message: str = ""


def held(said: Said, who: str, region: str, now: float) -> Held:
    """Keys that can sign. Raises UpstreamError: none, with characters that no key has, or at their end already."""
    values = (said.access_key_id, said.secret_access_key, said.session_token or said.token or "")
    if not values[0] or not values[1]:
        raise refusal(f"{who} gave no whole pair of keys.")
    if not all(value.isprintable() and value.isascii() for value in values):
        raise refusal(f"{who} gave keys with characters that no key has.")
    seconds = until(said.expiration, who) - now if said.expiration else USUAL_SECONDS
    keys = AwsKeys(access_key=values[0], secret_key=values[1], session_token=values[2], region=region)
    return Held(keys, seconds, bool(said.expiration))


def lasting(found: Held, who: str, fix: str) -> Held:
    """The same. Raises UpstreamError when they have run out."""
    if found.seconds <= 0:
        raise refusal(f"{who} gave keys that have run out: {fix}.")
    return found


def said_in(body: bytes, who: str) -> Said:
    """Decode an answer. Raises UpstreamError: msgspec names the member and never its value."""
    try:
        return decoded(body, Said)
    except msgspec.DecodeError as error:
        raise refusal(f"{who} answered with what are no keys: {error}.") from error


class _Wrong(msgspec.Struct):
    code: str = ""
    message: str = ""


def why(told: Told) -> str:
    """What an endpoint says is wrong, as `because` has it."""
    try:
        found = decoded(told.body, _Wrong)
    except msgspec.DecodeError:
        return ""
    return because(found.code, found.message)
