"""The row of the built-in models, which answer on this machine without any provider."""

from __future__ import annotations

from meshwright.types.model import Claim, Model, Price, Provider

BUILTIN = Provider(
    name="builtin",
    title="Built-in offline models",
    dialect="openai_chat",
    base_url="builtin:",
    auth="none",
    local=True,
    privacy="local",
    docs="docs/how-to/offline.md",
)

_FREE = (Price(input=0, output=0, cache_read=0, cache_write=0, cache_write_1h=0, audio_input=0, audio_output=0),)
_HERE = {"prices": Claim("it runs on this machine"), "skills": Claim("measured by tests/providers")}
_CANNOT = {
    "tools": False,
    "structured_output": False,
    "json": False,
    "reasoning": False,
    "vision": False,
    "audio_input": False,
    "audio_output": False,
    "logprobs": False,
    "streaming": True,
}

BUILTIN_MODELS = (
    Model(
        name="builtin/solve",
        provider="builtin",
        upstream="solve",
        window=4_096,
        max_output=4_096,
        abilities={**_CANNOT, "files": False},
        skills={"compute": 0.97, "*": 0.02},
        prices=_FREE,
        privacy="local",
        claims=_HERE,
    ),
    Model(
        name="builtin/extract",
        provider="builtin",
        upstream="extract",
        window=200_000,
        max_output=4_096,
        abilities={**_CANNOT, "files": True, "citations": True},
        skills={"extract": 0.7, "summarize": 0.25, "*": 0.02},
        prices=_FREE,
        privacy="local",
        claims=_HERE,
    ),
    Model(
        name="builtin/echo",
        provider="builtin",
        upstream="echo",
        window=200_000,
        max_output=200_000,
        abilities={**_CANNOT, "files": False},
        skills={"*": 0.03},
        prices=_FREE,
        privacy="local",
        claims=_HERE,
    ),
)
"""Those that chat.

`skills` are priors: the share of good answers on questions of that task that the model does not decline.
"""

BUILTIN_MEASURES = tuple(
    Model(
        name=f"builtin/{name}",
        provider="builtin",
        upstream=name,
        prices=_FREE,
        privacy="local",
        claims={"prices": _HERE["prices"]},
    )
    for name in ("embed", "rerank")
)
"""Those that answer POST /v1/embeddings and /v1/rerank only: no route leads to them."""
