"""POST /v1/embeddings: vectors for texts, of any model that makes them."""

from __future__ import annotations

from meshwright.kernel.questions.embed import embed
from meshwright.server.adapting import MAX_COST, STRICT, strict
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing
from meshwright.server.passing import handed_back, parcel
from meshwright.wire import CODECS


async def answer(gate: Gate, asked: Asked) -> Answered | Flowing:
    """Ask the model's provider in its own words, and answer in OpenAI's."""
    passed = await embed(gate.kernel, parcel(gate, asked, counts=True), strict(asked.header("x-mesh-strict")))
    return handed_back(passed, ENDPOINT)


ENDPOINT = Endpoint(
    method="POST",
    path="/v1/embeddings",
    summary="Vectors for texts.",
    answer=answer,
    scope="inference",
    dialect=CODECS["openai_chat"],
    slow=True,
    request="embeddings",
    parameters=(STRICT, MAX_COST),
)
