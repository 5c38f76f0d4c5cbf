"""Providers as rows of data. A new one is one line in `data/`; see CONTRIBUTING.md."""

from __future__ import annotations

from meshwright.providers.builtin_row import BUILTIN
from meshwright.providers.rows import DATA, read_rows
from meshwright.types.model import Provider

LOCAL = read_rows(DATA / "local.jsonl")
HOSTED = read_rows(DATA / "hosted.jsonl")
PROVIDERS: dict[str, Provider] = {row.name: row for row in (BUILTIN, *LOCAL, *HOSTED)}

GENERAL_KEYS = frozenset(
    {
        "CLOUDFLARE_API_KEY",
        "DATABRICKS_TOKEN",
        "DIGITALOCEAN_ACCESS_TOKEN",
        "GITHUB_TOKEN",
        "HF_TOKEN",
        "VULTR_API_KEY",
        "WANDB_API_KEY",
    }
)
"""Keys that open more than models and lie about for other reasons: taken only by a provider that is configured."""

DEPLOYED = frozenset({"azure", "azure-anthropic", "modal", "runpod", "watsonx"})
"""Providers that serve what their user has deployed there: no catalogue knows which models those are."""
