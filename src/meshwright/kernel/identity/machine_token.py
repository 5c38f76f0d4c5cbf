"""Tokens for the machine's own identity, from an address that only it can reach.

Sources: https://cloud.google.com/compute/docs/access/authenticate-workloads#applications,
https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token,
https://learn.microsoft.com/en-us/azure/app-service/overview-managed-identity#rest-endpoint-reference.
"""

from __future__ import annotations

import msgspec

from meshwright.net.asking import NEARBY, ask_once, host, refusal
from meshwright.net.grants import token_of
from meshwright.net.proof import Obtained
from meshwright.net.transport import Transport
from meshwright.types.errors import UpstreamError


class MachineToken(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, and with which headers; `lacking` is told when nobody answers."""

    url: str
    headers: tuple[tuple[str, str], ...]
    lacking: str

    def __repr__(self) -> str:
        return f"MachineToken({host(self.url)})"

    async def obtain(self, transport: Transport, now: float) -> Obtained:
        """See `net.proof.Source`. No proxy: it would answer for its own machine."""
        who = f"This machine's metadata service {host(self.url)}"
        try:
            told = await ask_once(transport, "GET", self.url, self.headers, deadlines=NEARBY)
        except UpstreamError as error:
            raise refusal(f"{self.lacking}; {who} does not answer ({error.message.removesuffix('.')}).") from error
        return token_of(who, told, now)
