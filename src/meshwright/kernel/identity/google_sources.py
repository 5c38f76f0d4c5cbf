"""Tokens of Google that take more than one form: for somebody else's token, and in the name of a service account.

Sources: https://google.aip.dev/auth/4117 (external accounts), https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token,
https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from meshwright.kernel.identity.aws_keys import Keys
from meshwright.kernel.identity.credential import read_token, until
from meshwright.net.asking import ask_once, decoded, host, refusal
from meshwright.net.grants import FORM, reason, sound, token_of
from meshwright.net.proof import Bearer, Obtained, Source
from meshwright.net.transport import Call, Endpoint, Transport
from meshwright.types.errors import UpstreamError

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS = "urn:ietf:params:oauth:token-type:access_token"
_Pairs = tuple[tuple[str, str], ...]


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody else's token is: a file or an address, as text, or as a `member` of a JSON object."""

    file: str = ""
    url: str = ""
    headers: _Pairs = ()
    member: str = ""

    def __repr__(self) -> str:
        return f"Subject({self.file or host(self.url)})"

    async def token(self, transport: Transport, now: float) -> str:
        """It, read anew. Raises UpstreamError."""
        who = f"The subject's token at {self.file or host(self.url)}"
        if self.file:
            told = await read_token(self.file, who)
        else:
            answer = await ask_once(transport, "GET", self.url, self.headers)
            if answer.status != 200:
                raise refusal(f"{who} was not given ({answer.status}{reason(answer.body)}).")
            told = answer.body.decode(errors="replace")
        token: Any = told.strip()
        if self.member:
            try:
                token = decoded(told, dict[str, Any]).get(self.member)
            except msgspec.DecodeError:
                token = None
        if not isinstance(token, str) or not token:
            raise refusal(f"{who} is not there{f' as its member {self.member!r}' if self.member else ''}.")
        return token


class AwsSubject(msgspec.Struct, frozen=True, kw_only=True):
    """An identity at AWS as somebody else's token: a signed question of who it is, which Google asks in our place."""

    source: Keys
    audience: str

    async def token(self, transport: Transport, now: float) -> str:
        """The question, signed for this audience only. Raises UpstreamError."""
        region = self.source.region
        own = (await self.source.keys(transport, now)).keys
        url = f"https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
        headers = (("host", host(url)), ("x-goog-cloud-target-resource", self.audience))
        proof = msgspec.structs.replace(own, region=region, service="sts").signed("POST", url, headers, b"", now)
        pairs = [{"key": name, "value": value} for name, value in (*headers, *proof)]
        return quote(msgspec.json.encode({"headers": pairs, "method": "POST", "url": url}).decode())


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """Google's token for somebody else's (workload identity federation)."""

    url: str
    audience: str
    subject: Subject | AwsSubject
    kind: str
    scope: str
    client_id: str = ""
    client_secret: str = ""
    user_project: str = ""
    proxy: str | None = None
    ca_file: str | None = None

    def __repr__(self) -> str:
        return f"Exchange({self.url})"

    async def obtain(self, transport: Transport, now: float) -> Obtained:
        """See `net.proof.Source`."""
        form = {
            "grant_type": _EXCHANGE,
            "audience": self.audience,
            "scope": self.scope,
            "requested_token_type": _ACCESS,
            "subject_token": await self.subject.token(transport, now),
            "subject_token_type": self.kind,
        }
        headers: _Pairs = FORM
        if self.client_id:
            pair = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
            headers = (*FORM, ("authorization", f"Basic {pair}"))
        elif self.user_project:
            form["options"] = quote(msgspec.json.encode({"userProject": self.user_project}).decode())
        body = urlencode(form).encode()
        told = await ask_once(transport, "POST", self.url, headers, body, proxy=self.proxy, ca_file=self.ca_file)
        return token_of(host(self.url), told, now)


class _Generated(msgspec.Struct, rename="camel"):
    access_token: str
    expire_time: str


class Impersonated(msgspec.Struct, frozen=True, kw_only=True):
    """A service account's token, asked for by whoever may act in its name."""

    source: Source
    url: str
    scope: str
    seconds: int = 3600
    delegates: tuple[str, ...] = ()
    proxy: str | None = None
    ca_file: str | None = None

    def __repr__(self) -> str:
        return f"Impersonated({self.url})"

    async def obtain(self, transport: Transport, now: float) -> Obtained:
        """See `net.proof.Source`."""
        own = await self.source.obtain(transport, now)
        proof = own.shown.headers(Call(Endpoint(self.url)), now)
        asked: dict[str, Any] = {"scope": self.scope.split(), "lifetime": f"{self.seconds}s"}
        asked |= {"delegates": self.delegates} if self.delegates else {}
        headers = (("content-type", "application/json"), *proof)
        body = msgspec.json.encode(asked)
        told = await ask_once(transport, "POST", self.url, headers, body, proxy=self.proxy, ca_file=self.ca_file)
        who = host(self.url)
        if told.status != 200:
            fix = "; it needs the role of a Service Account Token Creator" if told.status == 403 else ""
            raise refusal(f"{who} gave no token ({told.status}{reason(told.body)}){fix}.")
        try:
            found = decoded(told.body, _Generated)
        except msgspec.DecodeError as error:
            raise UpstreamError(f"{who} answered with what is no token answer: {error}.") from error
        left = until(found.expire_time, who) - now
        if left <= 0:
            raise refusal(f"{who} gave a token that has run out: set this machine's clock.")
        return Obtained(Bearer(sound(who, found.access_token)), left)
