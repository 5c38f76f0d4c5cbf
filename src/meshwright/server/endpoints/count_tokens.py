"""POST /v1/messages/count_tokens: how many tokens a Messages request would read."""

from __future__ import annotations

from meshwright.catalog.tokens import family
from meshwright.routing.features import features
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import JSON, Answered, Asked
from meshwright.wire import CODECS
from meshwright.wire.anthropic_messages.counting import decode_count_request, encode_count


async def answer(gate: Gate, asked: Asked) -> Answered:
    """An estimate made here, without asking a provider: by what the text is made of."""
    request = decode_count_request(asked.body)
    counted = features(request, tasks=False, tokenizer=family(request.model)).input_tokens
    return Answered(200, [JSON, ("x-mesh-estimated", "true")], encode_count(counted))


ENDPOINT = Endpoint(
    method="POST",
    path="/v1/messages/count_tokens",
    summary="Estimate the input tokens of a Messages request.",
    answer=answer,
    scope="inference",
    dialect=CODECS["anthropic_messages"],
    request="anthropic_count",
)
