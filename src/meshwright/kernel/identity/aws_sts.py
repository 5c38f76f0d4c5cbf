"""Roles of AWS: keys for an hour from its Security Token Service, for a web identity or for other keys.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html, .../API_AssumeRole.html,
https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html.
"""

from __future__ import annotations

from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import msgspec

from meshwright.kernel.identity.aws_keys import Held, Keys, Regional, Said, held, lasting
from meshwright.kernel.identity.credential import read_token
from meshwright.net.asking import Told, ask_once, because, host, refusal
from meshwright.net.transport import Transport

_FORM = (("content-type", "application/x-www-form-urlencoded; charset=utf-8"),)
_CLOCK = "set this machine's clock"


class Role(Regional, frozen=True, kw_only=True):
    """What both ways have: the role, the endpoint, and the session's name; "" makes one."""

    url: str
    arn: str
    session: str = ""
    proxy: str | None = None
    ca_file: str | None = None

    def form(self, action: str, now: float, **more: str) -> bytes:
        """The request's body."""
        words = {"Action": action, "Version": "2011-06-15", "RoleArn": self.arn}
        name = self.session or f"meshwright-{int(now)}"
        return urlencode({**words, "RoleSessionName": name, **more}).encode()

    async def taken(
        self, transport: Transport, action: str, body: bytes, proof: tuple[tuple[str, str], ...], fix: str, now: float
    ) -> Held:
        """The keys in the answer. Raises UpstreamError, with the fix for a refusal."""
        told = await ask_once(
            transport, "POST", self.url, (*_FORM, *proof), body, proxy=self.proxy, ca_file=self.ca_file
        )
        who = f"{host(self.url)} ({action} of {self.arn})"
        return lasting(held(_credentials(told, who, fix), who, self.region, now), who, _CLOCK)


class WebIdentity(Role, frozen=True, kw_only=True):
    """A role for the token in a file, which its owner keeps fresh (IAM roles for service accounts of EKS)."""

    file: str

    async def keys(self, transport: Transport, now: float) -> Held:
        """Ask for keys, without a signature: the token is the proof."""
        token = await read_token(self.file, f"The web identity token file {self.file}")
        fix = "let the role's trust policy name this token's issuer, audience and subject"
        body = self.form("AssumeRoleWithWebIdentity", now, WebIdentityToken=token)
        return await self.taken(transport, "AssumeRoleWithWebIdentity", body, (), fix, now)


class AssumedRole(Role, frozen=True, kw_only=True):
    """A role for whoever has other keys."""

    source: Keys
    external_id: str = ""
    duration: str = ""

    async def keys(self, transport: Transport, now: float) -> Held:
        """Ask for keys, signed with those of the source."""
        own = (await self.source.keys(transport, now)).keys
        more = {"ExternalId": self.external_id, "DurationSeconds": self.duration}
        body = self.form("AssumeRole", now, **{name: value for name, value in more.items() if value})
        proof = msgspec.structs.replace(own, region=self.region, service="sts").signed(
            "POST", self.url, _FORM, body, now
        )
        fix = "let the role's trust policy name who asks, and allow it sts:AssumeRole"
        return await self.taken(transport, "AssumeRole", body, proof, fix, now)


def _credentials(told: Told, who: str, fix: str) -> Said:
    found = _leaves(told.body)
    if told.status != 200:
        words = because(found.get("Code", ""), found.get("Message", ""))
        denied = f"; {fix}" if told.status in (400, 403) else ""
        raise refusal(f"{who} gave no keys ({told.status}{words}){denied}.")
    return msgspec.convert(found, Said)


def _leaves(body: bytes) -> dict[str, str]:
    """The texts of an XML answer by the names of their elements; none where it is no XML, or has a document type."""
    if b"<!" in body:
        return {}
    try:
        tree = ET.fromstring(body)  # noqa: S314  # no document type, so no entities; at most 64 KiB
    except ET.ParseError:
        return {}
    return {one.tag.rpartition("}")[2]: (one.text or "").strip() for one in tree.iter() if not len(one)}
