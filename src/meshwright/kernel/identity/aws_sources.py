"""Keys of AWS from programs and from what is nearby: a process, a container's agent, the instance.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/, the pages feature-process-credentials.html,
feature-container-credentials.html and feature-imds-credentials.html.
"""

from __future__ import annotations

import asyncio
import re
import shlex

from meshwright.kernel.identity.aws_keys import Held, Regional, Said, held, lasting, said_in, why
from meshwright.kernel.identity.credential import read_token
from meshwright.net.asking import NEARBY, ask_once, because, host, refusal
from meshwright.net.transport import Transport
from meshwright.providers.program import output
from meshwright.types.errors import UpstreamError

SESSION_SECONDS = "21600"
"""How long a session with the instance's metadata service may last: the longest that it takes."""
LONGER = 600.0
"""Seconds that an instance's keys go on being used when they could not be renewed: AWS takes them for some time."""
_ROLE = re.compile(r"[\w+=,.@-]{1,64}")
_ROLES = "/latest/meta-data/iam/security-credentials/"


class Process(Regional, frozen=True, kw_only=True):
    """`credential_process` of a profile: a program that writes keys as JSON."""

    command: str
    profile: str

    async def keys(self, transport: Transport, now: float) -> Held:
        """Run it, in a thread."""
        who = f"The credential_process of the profile {self.profile}"
        try:
            told = await asyncio.to_thread(lambda: output(shlex.split(self.command)))
        except ValueError as error:
            raise refusal(f"{who}: {error}; run it by hand.") from None
        said = said_in(told, who)
        if said.version != 1:
            raise refusal(f"{who} wrote no keys of Version 1.")
        return lasting(held(said, who, self.region, now), who, "run it by hand")


class Container(Regional, frozen=True, kw_only=True):
    """The endpoint of a container's agent: tasks of ECS, pods of EKS. The token is in a file, or is given."""

    url: str
    token: str = ""
    token_file: str = ""

    async def keys(self, transport: Transport, now: float) -> Held:
        """Ask the agent."""
        token = self.token
        if self.token_file:
            what = f"The file {self.token_file} of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
            token = await read_token(self.token_file, what)
        if not token.isprintable():
            raise refusal("The token for the container's endpoint holds characters that no token has.")
        headers = (("accept", "application/json"), *((("authorization", token),) if token else ()))
        told = await ask_once(transport, "GET", self.url, headers, deadlines=NEARBY)
        who = f"The container's endpoint {host(self.url)}"
        if told.status != 200:
            raise refusal(f"{who} gave no keys ({told.status}{why(told)}): look at the role of its task or pod.")
        return lasting(held(said_in(told.body, who), who, self.region, now), who, "look at its agent")


class Instance(Regional, frozen=True, kw_only=True):
    """The role of the machine itself, from its metadata service (version 2, which asks for a session first)."""

    url: str
    lacking: str
    """What would have been used before it: told when there is no role either."""

    async def keys(self, transport: Transport, now: float) -> Held:
        """Ask the metadata service thrice: for a session, for the role's name, for its keys."""
        who = f"The instance's metadata service {host(self.url)}"
        try:
            ttl = (("x-aws-ec2-metadata-token-ttl-seconds", SESSION_SECONDS),)
            opened = await ask_once(transport, "PUT", self.url + "/latest/api/token", ttl, deadlines=NEARBY)
        except UpstreamError as error:
            raise refusal(f"{self.lacking}; {who} does not answer ({error.message.removesuffix('.')}).") from error
        session = opened.body.decode(errors="replace").strip()
        if opened.status != 200 or not session.isascii() or not session.isprintable():
            raise refusal(f"{who} opened no session ({opened.status}): a container may be a hop too far for it.")
        proof = (("x-aws-ec2-metadata-token", session),)
        listed = await ask_once(transport, "GET", self.url + _ROLES, proof, deadlines=NEARBY)
        role = listed.body.decode(errors="replace").strip().partition("\n")[0]
        if listed.status != 200 or not _ROLE.fullmatch(role):
            raise refusal(f"{self.lacking}; this instance has no role ({listed.status}): attach one to it.")
        told = await ask_once(transport, "GET", self.url + _ROLES + role, proof, deadlines=NEARBY)
        said = said_in(told.body, who) if told.status == 200 else Said()
        if said.code not in ("", "Success") or not said.access_key_id:
            raise refusal(f"{who} gave no keys of the role {role} ({told.status}{because(said.code, said.message)}).")
        found = held(said, who, self.region, now)
        return found._replace(seconds=max(found.seconds, LONGER))
