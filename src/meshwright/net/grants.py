"""How tokens are asked for: OAuth 2.0 grants of Microsoft Entra ID and of Google, over a Transport.

Sources: RFC 6749 sections 4.4 (client credentials) and 6 (refreshing), RFC 7523 section 2.1 (JWT bearer),
https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow,
https://developers.google.com/identity/protocols/oauth2/service-account.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec

from meshwright.net.asking import Told, ask_once, because, decoded, host, refusal
from meshwright.net.proof import Bearer, Obtained
from meshwright.net.transport import Transport
from meshwright.types.errors import UpstreamError

MAX_TOKEN = 16 * 1024
USUAL_SECONDS = 3600.0
"""How long a token holds whose answer does not say (RFC 6749 section 5.1 only recommends to)."""
LONGEST_SECONDS = 24 * 3600.0
FORM = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))
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

    async def obtain(self, transport: Transport, now: float) -> Obtained:
        """See `net.proof.Source`."""
        return await obtain(self, transport, now)


class _Answered(msgspec.Struct):
    access_token: str = ""
    expires_in: float | str = ""
    expires_on: float | str = ""
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
    try:
        told = form(grant, now)
    except ValueError as error:
        raise refusal(f"No token of {host(grant.url)} can be asked for: {error}.") from error
    return await asked(grant, told, transport, now)


async def asked(grant: Grant, fields: dict[str, str], transport: Transport, now: float) -> Obtained:
    """The token for a form, at the grant's address. Raises UpstreamError."""
    body = urlencode(fields).encode()
    told = await ask_once(transport, "POST", grant.url, FORM, body, proxy=grant.proxy, ca_file=grant.ca_file)
    return token_of(host(grant.url), told, now)


def token_of(who: str, told: Told, now: float) -> Obtained:
    """The token in an endpoint's answer. Raises UpstreamError."""
    if told.status != 200:
        raise refusal(f"{who} gave no token ({told.status}{reason(told.body)}).")
    try:
        found = decoded(told.body, _Answered)
        # Entra's older endpoint says numbers as texts, and managed identities may say the end only.
        seconds = float(found.expires_in or (float(found.expires_on) - now if found.expires_on else USUAL_SECONDS))
    except (msgspec.DecodeError, ValueError) as error:
        raise UpstreamError(f"{who} answered with what is no token answer: {error}.") from error
    if found.token_type.lower() != "bearer" or not seconds > 0:
        raise UpstreamError(f"{who} answered with what is no bearer token.")
    return Obtained(Bearer(sound(who, found.access_token)), min(seconds, LONGEST_SECONDS))


def sound(who: str, token: str) -> str:
    """A token that can go into a header. Raises UpstreamError."""
    if not (0 < len(token) <= MAX_TOKEN and token.isascii() and token.isprintable() and " " not in token):
        raise UpstreamError(f"{who} answered with what is no bearer token.")
    return token


def reason(told: bytes) -> str:
    """What the endpoint says is wrong, as `because` has it."""
    try:
        found = decoded(told, _Refused)
    except msgspec.DecodeError:
        return ""
    error: Any = found.error
    words: Any = found.error_description
    if isinstance(error, dict):  # Google's own APIs: https://google.aip.dev/193
        error, words = error.get("status"), error.get("message")
    return because(*(one.partition("\n")[0] for one in (error, words) if isinstance(one, str)))
