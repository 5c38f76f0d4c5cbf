"""Where a provider's calls go: its base address, and what follows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import msgspec

from meshwright.kernel.config.tables import ProviderSettings
from meshwright.types.model import Provider
from meshwright.wire.anthropic_messages import vertex
from meshwright.wire.dialect import Dialect

# Locations of Vertex AI that are no single region have other hosts (https://docs.cloud.google.com/vertex-ai docs,
# "Locations"; the official clients agree).
_VERTEX_HOST = re.compile(r"https://(global|us|eu)-aiplatform\.googleapis\.com(?=/)")


class Addressing(msgspec.Struct, frozen=True):
    """`path` follows `base`, or `path_of(model, stream)` where there is one: see `wire.dialect.Dialect`."""

    base: str
    path: str
    path_of: Callable[[str, bool], str] | None = None


def addressing(row: Provider, settings: ProviderSettings, dialect: Dialect) -> Addressing:
    """The addresses of a provider whose own base address is whole."""
    base = row.base_url.rstrip("/")
    if settings.api_version:
        return Addressing(_azure_base(base), dialect.path, _deployments(dialect.path, settings.api_version))
    base = _VERTEX_HOST.sub(_vertex_host, base)
    if vertex.QUIRK in row.quirks and dialect.name == vertex.DIALECT:
        return Addressing(base, dialect.path, vertex.path)
    return Addressing(base, dialect.path, dialect.path_of)


def _vertex_host(found: re.Match[str]) -> str:
    location = found[1]
    return f"https://aiplatform.{'' if location == 'global' else location + '.rep.'}googleapis.com"


def _azure_base(base: str) -> str:
    """The address before `/deployments`, of an address with or without `/openai` and `/v1`."""
    return base.removesuffix("/v1").removesuffix("/openai") + "/openai"


def _deployments(path: str, version: str) -> Callable[[str, bool], str]:
    """Azure's addresses of before its v1 API: the model's deployment is in the path.

    Source: https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference (data plane inference).
    """
    query = f"?api-version={quote(version, safe='')}"

    def path_of(model: str, stream: bool) -> str:
        return f"/deployments/{quote(model, safe='')}{path}{query}"

    return path_of
