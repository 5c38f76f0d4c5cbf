"""POST /v1/rerank and /v2/rerank: documents in the order in which they answer a question."""

from __future__ import annotations

from meshwright.kernel.questions.rerank import rerank
from meshwright.server.adapting import MAX_COST, STRICT, max_cost, strict
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing
from meshwright.server.passing import handed_back
from meshwright.wire import CODECS


async def answer(gate: Gate, asked: Asked) -> Answered | Flowing:
    """Ask the model's provider in its own words."""
    strictly = strict(asked.header("x-mesh-strict"))
    cap = max_cost(asked.header("x-mesh-max-cost"))
    passed = await rerank(gate.kernel, asked.principal, f"POST {asked.path}", asked.body, strictly, cap)
    return handed_back(passed, _OF_PATH[asked.path])


def _endpoint(path: str, dialect: str, summary: str) -> Endpoint:
    return Endpoint(
        method="POST",
        path=path,
        summary=summary,
        answer=answer,
        scope="inference",
        dialect=CODECS[dialect],
        slow=True,
        request="rerank",
        parameters=(STRICT, MAX_COST),
    )


ENDPOINTS = (
    _endpoint("/v1/rerank", "openai_chat", "Documents in the order in which they answer a question."),
    _endpoint("/v2/rerank", "cohere", "The same, as Cohere's client asks."),
)
_OF_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS}
