"""POST /v1/messages/count_tokens: how many tokens a Messages request would read."""

from __future__ import annotations

from meshwright.server.counting import count
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked
from meshwright.wire import CODECS
from meshwright.wire.anthropic_messages.counting import decode_count_request, encode_count


async def answer(gate: Gate, asked: Asked) -> Answered:
    """By the model's tokenizer where its file is here, else an estimate by what the text is made of."""
    found, headers = await count(gate, decode_count_request(asked.body))
    return Answered(200, headers, encode_count(found))


ENDPOINT = Endpoint(
    method="POST",
    path="/v1/messages/count_tokens",
    summary="Count or estimate the input tokens of a Messages request.",
    answer=answer,
    scope="inference",
    dialect=CODECS["anthropic_messages"],
    request="anthropic_count",
)
