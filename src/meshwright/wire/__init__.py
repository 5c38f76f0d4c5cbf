"""Pure translation between the wire formats of clients and providers and the values of `types`."""

from __future__ import annotations

from meshwright.wire import (
    anthropic_messages,
    bedrock_converse,
    cohere,
    gemini,
    ollama,
    openai_chat,
    openai_completions,
    openai_responses,
)
from meshwright.wire.dialect import Dialect

CODECS: dict[str, Dialect] = {
    row.name: row
    for row in (
        openai_chat.DIALECT,
        openai_responses.DIALECT,
        anthropic_messages.DIALECT,
        bedrock_converse.DIALECT,
        gemini.DIALECT,
        ollama.DIALECT,
        cohere.DIALECT,
        openai_completions.DIALECT,
    )
}
