"""Endpoints: one small file each, listed here."""

from __future__ import annotations

from meshwright.server.endpoint import Endpoint
from meshwright.server.endpoints import (
    batches,
    chats,
    completions,
    conversations,
    count_tokens,
    decisions,
    embeddings,
    feedback,
    files,
    forward,
    gemini,
    health,
    inference,
    message_batches,
    metrics,
    models,
    ollama,
    openapi,
    quote,
    rerank,
    responses,
    routing,
    status,
)
from meshwright.server.endpoints.table import finder

ENDPOINTS: tuple[Endpoint, ...] = (
    *inference.ENDPOINTS,
    *gemini.ENDPOINTS,
    *ollama.ENDPOINTS,
    completions.ENDPOINT,
    count_tokens.ENDPOINT,
    embeddings.ENDPOINT,
    *rerank.ENDPOINTS,
    *files.ENDPOINTS,
    *batches.ENDPOINTS,
    *message_batches.ENDPOINTS,
    *models.ENDPOINTS,
    *responses.ENDPOINTS,
    *chats.ENDPOINTS,
    *conversations.ENDPOINTS,
    *forward.ENDPOINTS,
    routing.ENDPOINT,
    quote.ENDPOINT,
    feedback.ENDPOINT,
    *decisions.ENDPOINTS,
    *health.ENDPOINTS,
    metrics.ENDPOINT,
    openapi.ENDPOINT,
    status.ENDPOINT,
)
find = finder(ENDPOINTS)
