"""Proofs of who calls that are made anew with each call: a signature, or a token that is kept fresh elsewhere."""

from __future__ import annotations

from typing import Protocol

import msgspec

from meshwright.net.sigv4 import sign
from meshwright.net.transport import Call, Transport

Headers = tuple[tuple[str, str], ...]


class Proof(Protocol):
    """What a deployment proves its calls with. Only `ready` may wait, and it does for nothing but a missing token."""

    def headers(self, call: Call, now: float) -> Headers:
        """The headers that prove this call; `now` is seconds since 1970. No I/O, no lock."""
        ...

    async def ready(self) -> None:
        """Return at once when there is something to prove with. Raises UpstreamError when there cannot be."""
        ...

    def refused(self) -> None:
        """The provider did not take it (401): another may be needed."""
        ...


class Shown(Protocol):
    """What holds for some time: the headers that it makes for one call."""

    def headers(self, call: Call, now: float) -> Headers:
        """See `Proof.headers`."""
        ...


class Obtained(msgspec.Struct, frozen=True):
    """What calls are proved with from now on, and for how many seconds; `ends` then, or is only asked for again."""

    shown: Shown
    seconds: float
    ends: bool = True

    def __repr__(self) -> str:
        return f"Obtained({self.seconds:g} s)"


class Source(Protocol):
    """Where proofs that run out come from: a value, and equal ones share what was obtained. It is never shown."""

    def __hash__(self) -> int: ...

    async def obtain(self, transport: Transport, now: float) -> Obtained:
        """Ask once; `now` is seconds since 1970. Raises UpstreamError, whose words name no secret."""
        ...


class Bearer:
    """A token that goes with every call as it is."""

    def __init__(self, token: str) -> None:
        self._headers: Headers = (("authorization", f"Bearer {token}"),)

    def headers(self, call: Call, now: float) -> Headers:
        """The authorization."""
        return self._headers


class Nothing:
    """Nobody has given anything to show yet."""

    def headers(self, call: Call, now: float) -> Headers:
        """None."""
        return ()


class AwsKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of an AWS identity, and for which region and service it signs."""

    access_key: str
    secret_key: str
    session_token: str = ""
    region: str
    service: str = "bedrock"

    def __repr__(self) -> str:
        return f"AwsKeys({self.access_key[:4]}…, {self.region})"

    def signed(self, method: str, url: str, headers: Headers, body: bytes, now: float) -> Headers:
        """The headers that sign such a request; see `sigv4.sign`."""
        return sign(
            method,
            url,
            headers,
            body,
            access_key=self.access_key,
            secret_key=self.secret_key,
            session_token=self.session_token,
            region=self.region,
            service=self.service,
            now=now,
        )


class Signature:
    """Signs each call by itself (AWS Signature Version 4)."""

    def __init__(self, keys: AwsKeys) -> None:
        self.keys = keys

    def headers(self, call: Call, now: float) -> Headers:
        """`x-amz-date`, `authorization`, and the session's token if there is one."""
        endpoint = call.endpoint
        own = {name for name, _ in call.headers}
        sent = (*(one for one in endpoint.headers if one[0] not in own), *call.headers)
        return self.keys.signed(endpoint.method, endpoint.url, sent, call.body, now)

    async def ready(self) -> None:
        """It always is."""

    def refused(self) -> None:
        """Other keys come with another configuration only."""


async def proved(call: Call, proof: Proof, now: float) -> Call:
    """The call with its proof. Raises UpstreamError when there is none."""
    await proof.ready()
    return Call(call.endpoint, call.body, (*call.headers, *proof.headers(call, now)), call.deadlines)
