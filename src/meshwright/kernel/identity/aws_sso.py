"""A role of AWS by a log-in of IAM Identity Center, which `aws sso login` left in a file.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html (the file),
https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html (keys for it), and
https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html (the next log-in).
"""

from __future__ import annotations

import asyncio
import os
import shlex
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec

from meshwright.kernel.identity.aws_keys import Held, Regional, Said, held, lasting, why
from meshwright.kernel.identity.credential import read_aside, until
from meshwright.net.asking import ask_once, decoded, host, refusal
from meshwright.net.transport import Transport
from meshwright.types.errors import MeshError

EARLY = 900.0
"""Seconds before its end that a log-in is made anew: AWS's own tools do it then too."""
LONGEST = 366 * 24 * 3600
"""Seconds that a log-in may hold: an end beyond is taken for none."""
_WRITING = Lock()
"""Two providers of one process may renew one log-in at once."""
_RENEWABLE = ("refreshToken", "clientId", "clientSecret", "registrationExpiresAt")


class _Keys(msgspec.Struct, rename="camel"):
    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""
    expiration: float = 0


class _Answer(msgspec.Struct, rename="camel"):
    role_credentials: _Keys


class _Renewed(msgspec.Struct, rename="camel"):
    access_token: str
    expires_in: Annotated[int, msgspec.Meta(le=LONGEST)]
    refresh_token: str = ""


class Sso(Regional, frozen=True, kw_only=True):
    """The log-in's file, the role and its account. `session`: the log-in may be made anew without anybody there."""

    url: str
    renewing_url: str
    file: str
    account: str
    role: str
    profile: str
    session: bool = False
    proxy: str | None = None
    ca_file: str | None = None

    async def keys(self, transport: Transport, now: float) -> Held:
        """Ask with the log-in, which is read anew: another one is found at once."""
        fix = f"run: aws sso login --profile {shlex.quote(self.profile)}"
        who = f"The SSO log-in of the profile {self.profile}"
        log_in = await self._read()
        if log_in is None:
            raise refusal(f"{who} is not there: {fix}.")
        if self.session and until(log_in["expiresAt"], who) - now < EARLY:
            log_in = await self._renewed(log_in, transport, now)
        if until(log_in["expiresAt"], who) <= now:
            raise refusal(f"{who} has run out: {fix}.")
        query = urlencode({"role_name": self.role, "account_id": self.account})
        told = await ask_once(
            transport,
            "GET",
            f"{self.url}/federation/credentials?{query}",
            (("x-amz-sso_bearer_token", log_in["accessToken"]),),
            proxy=self.proxy,
            ca_file=self.ca_file,
        )
        if told.status != 200:
            more = fix if told.status == 401 else "look at sso_account_id and sso_role_name"
            raise refusal(f"{host(self.url)} gave no keys ({told.status}{why(told)}): {more}.")
        try:
            keys = decoded(told.body, _Answer).role_credentials
        except msgspec.DecodeError as error:
            raise refusal(f"{host(self.url)} answered with what are no keys: {error}.") from error
        said = Said(
            access_key_id=keys.access_key_id, secret_access_key=keys.secret_access_key, session_token=keys.session_token
        )
        seconds = keys.expiration / 1000 - now
        return lasting(held(said, who, self.region, now)._replace(seconds=seconds, ends=True), who, fix)

    async def _read(self) -> dict[str, Any] | None:
        """The log-in, None where there is none that can be sent."""
        try:
            found = decoded(await read_aside(self.file), dict[str, Any])
        except (OSError, ValueError):
            return None
        values = [found.get(name) for name in ("accessToken", "expiresAt")]
        return found if all(isinstance(one, str) and one and one.isprintable() for one in values) else None

    async def _renewed(self, log_in: dict[str, Any], transport: Transport, now: float) -> dict[str, Any]:
        """The next log-in, put where AWS's own tools find it; the old one where it cannot be had.

        Another process may have been quicker: a log-in is renewed once, and then it is in the file.
        """
        if not all(isinstance(log_in.get(name), str) for name in _RENEWABLE):
            return log_in
        asked = {
            "grantType": "refresh_token",
            "clientId": log_in["clientId"],
            "clientSecret": log_in["clientSecret"],
            "refreshToken": log_in["refreshToken"],
        }
        try:
            told = await ask_once(
                transport,
                "POST",
                f"{self.renewing_url}/token",
                (("content-type", "application/json"),),
                msgspec.json.encode(asked),
                proxy=self.proxy,
                ca_file=self.ca_file,
            )
            found = decoded(told.body, _Renewed) if told.status == 200 else None
        except (MeshError, msgspec.DecodeError):
            found = None
        if found is None:
            return await self._read() or log_in
        end = datetime.fromtimestamp(now + found.expires_in, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fresh = {**log_in, "accessToken": found.access_token, "expiresAt": end}
        fresh |= {"refreshToken": found.refresh_token} if found.refresh_token else {}
        await asyncio.to_thread(_write, Path(self.file), msgspec.json.encode(fresh))
        return fresh


def _write(file: Path, body: bytes) -> None:
    """Whole or not at all, for its owner only. A file that cannot be written is left: what was obtained is used."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    with _WRITING, suppress(OSError):
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
                opened.write(body)
            fresh.replace(file)
        except OSError:
            fresh.unlink(missing_ok=True)  # where nothing can be written, this fails too
