"""How tokens are asked for: OAuth 2.0 grants of Microsoft Entra ID and of Google, over a Transport.

Sources: RFC 6749 sections 4.4 (client credentials) and 6 (refreshing), RFC 7523 section 2.1 (JWT bearer),
https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow,
https://developers.google.com/identity/protocols/oauth2/service-account.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from meshwright.net.transport import Call, Deadlines, Endpoint, Transport
from meshwright.types.errors import UpstreamError, UpstreamStatus

MAX_ANSWER = 64 * 1024
"""Bytes of a token endpoint's answer."""
MAX_TOKEN = 16 * 1024
USUAL_SECONDS = 3600.0
"""How long a token holds whose answer does not say (RFC 6749 section 5.1 only recommends to)."""
LONGEST_SECONDS = 24 * 3600.0
ASKING = Deadlines(connect=10.0, first_byte=20.0, between_bytes=10.0, total=30.0)
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a token is asked for with. `url` is the token endpoint's address; none of it is ever shown but that.

    `client_id` and `client_secret` are a client's own credentials (Entra: a service principal's). With a
    `refresh_token` they speak for a user (gcloud's `authorized_user`). With a `private_key` (PEM, PKCS#8) `client_id`
    is the e-mail address of a Google service account, and `key_id` names the key.
    """

    url: str
    client_id: str
    client_secret: str = ""
    refresh_token: str = ""
    private_key: str = ""
    key_id: str = ""
    scope: str = ""
    proxy: str | None = None
    ca_file: str | None = None

    def __repr__(self) -> str:
        return f"Grant({self.url})"


class Obtained(msgspec.Struct, frozen=True):
    """A token, and for how many seconds from now it holds."""

    token: str
    seconds: float

    def __repr__(self) -> str:
        return f"Obtained({self.seconds:g} s)"


class _Answered(msgspec.Struct):
    access_token: str = ""
    expires_in: int | float | str = ""
    token_type: str = "Bearer"  # noqa: S105  # the name of a kind of token


class _Refused(msgspec.Struct):
    error: Any = None
    error_description: str = ""


def form(grant: Grant, now: float) -> dict[str, str]:
    """The form that asks for a token; `now` is seconds since 1970. Raises ValueError for a key that cannot sign."""
    if grant.private_key:
        try:
            from meshwright.net.jwt import assertion  # its library is an extra, and takes 40 ms that others do not need
        except ImportError as error:
            raise ValueError("service accounts need the extra: pip install 'meshwright[crypto]'") from error
        signed = assertion(grant.private_key, grant.key_id, grant.client_id, grant.scope, grant.url, int(now))
        return {"grant_type": _JWT_BEARER, "assertion": signed}
    own = {"client_id": grant.client_id, "client_secret": grant.client_secret}
    if grant.refresh_token:
        return {"grant_type": "refresh_token", "refresh_token": grant.refresh_token, **own}
    return {"grant_type": "client_credentials", "scope": grant.scope, **own}


async def obtain(grant: Grant, transport: Transport, now: float) -> Obtained:
    """Ask once. Raises UpstreamError, whose words name the endpoint's host and its reason, and no secret."""
    host = urlsplit(grant.url).netloc
    try:
        body = urlencode(form(grant, now)).encode()
    except ValueError as error:
        raise refusal(f"No token of {host} can be asked for: {error}.") from error
    endpoint = Endpoint(
        url=grant.url,
        headers=(("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")),
        proxy=grant.proxy,
        ca_file=grant.ca_file,
        once=True,
    )
    answer = await transport.send(Call(endpoint, body, deadlines=ASKING))
    try:
        told = await answer.read(MAX_ANSWER)
    except BaseException:
        answer.abort()
        raise
    if answer.status != 200:
        raise refusal(f"{host} gave no token ({answer.status}{_reason(told)}).")
    try:
        found = msgspec.json.decode(told, type=_Answered)
        seconds = float(found.expires_in or USUAL_SECONDS)  # Entra's older endpoint says the number as a text
    except (msgspec.DecodeError, ValueError) as error:
        raise UpstreamError(f"{host} answered with what is no token answer: {error}.") from error
    token = found.access_token
    usable = 0 < len(token) <= MAX_TOKEN and token.isascii() and token.isprintable() and " " not in token
    if not usable or found.token_type.lower() != "bearer" or not seconds > 0:
        raise UpstreamError(f"{host} answered with what is no bearer token.")
    return Obtained(token, min(seconds, LONGEST_SECONDS))


def refusal(words: str) -> UpstreamError:
    """We could not identify ourselves: as if the provider had refused our key."""
    return UpstreamStatus(words, 401)


def _reason(told: bytes) -> str:
    """What the endpoint says is wrong, in at most 300 characters of one line."""
    try:
        found = msgspec.json.decode(told, type=_Refused)
    except msgspec.DecodeError:
        return ""
    error = found.error if isinstance(found.error, str) else ""
    words = ": ".join(part for part in (error, found.error_description.partition("\n")[0]) if part)
    shown = "".join(one if one.isprintable() else " " for one in words)[:300].strip().removesuffix(".")
    return f", {shown}" if shown else ""
