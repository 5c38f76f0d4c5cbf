"""Which identity a provider is called with, where it was found, and until when it holds; the secret is never shown."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from meshwright.kernel.build.providers import ProviderPart
from meshwright.net.choose import OneTransport
from meshwright.net.proof import AwsKeys, Proof
from meshwright.net.tokens import Token, Tokens
from meshwright.types.errors import UpstreamError

ASK_SECONDS = 10.0


class Standing(msgspec.Struct, frozen=True):
    """Until when an identity holds, in ISO 8601 ("" where nobody says), or why it cannot be had."""

    until: str = ""
    wrong: str = ""


def named(part: ProviderPart) -> str:
    """What a provider is called with and where it comes from."""
    if not part.key_from:
        return "no key"
    identity = part.credential.identity
    if identity is None:
        return f"key from {part.key_from}"
    kind = "calls are signed by" if part.row.auth.startswith("aws") else "tokens by"
    brief = isinstance(identity, AwsKeys) and identity.session_token
    return f"{kind} {part.key_from}" + (" (a session's, which ends when nobody here knows)" if brief else "")


def until(proof: Proof | None) -> str:
    """Until when it holds, by the minute; "" for what does not run out, or nobody says when."""
    left = proof.left() if isinstance(proof, Token) else None
    return "" if left is None else (datetime.now(UTC) + timedelta(seconds=left)).strftime("%Y-%m-%dT%H:%MZ")


def standings(parts: Sequence[ProviderPart]) -> Mapping[str, Standing]:
    """Ask for every identity that runs out, all at once; by the providers' names."""
    asked = [part for part in parts if part.credential.identity is not None]
    return asyncio.run(_standings(asked)) if asked else {}


async def _standings(parts: Sequence[ProviderPart]) -> Mapping[str, Standing]:
    transport = OneTransport()
    tokens = Tokens(transport)
    try:
        found = await asyncio.gather(*(_standing(part, tokens) for part in parts))
    finally:
        tokens.close()
        await transport.close()
    return {part.row.name: one for part, one in zip(parts, found, strict=True)}


async def _standing(part: ProviderPart, tokens: Tokens) -> Standing:
    identity = part.credential.identity
    if identity is None or isinstance(identity, AwsKeys):
        return Standing()
    token = tokens.of(identity)
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await token.ready()
    except UpstreamError as error:
        return Standing(wrong=error.message)
    except TimeoutError:
        return Standing(wrong=f"nobody answered within {ASK_SECONDS:g} s")
    return Standing(until=until(token))
