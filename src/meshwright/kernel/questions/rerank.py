"""Documents in the order in which they answer a question: asked in one shape, answered by any provider that ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meshwright.kernel.arrival import Failure
from meshwright.kernel.forward.call import Passed
from meshwright.kernel.forward.target import SHAPES
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.questions.question import Put, Question, Told, ask
from meshwright.kernel.snapshot import Deployment
from meshwright.types.errors import InvalidRequest, NotFound, UpstreamProtocol
from meshwright.types.principal import Principal
from meshwright.types.request import Adaptation
from meshwright.types.usage import Usage
from meshwright.types.vectors import RankAsk, Ranked
from meshwright.wire.openai_chat import rerank as shared

VOYAGE = "rerank_top_k"
"""The quirk of a provider that calls `top_n` so."""
PART, SEARCH = 500, 100
_COHERE_KNOWS = frozenset({"max_tokens_per_doc", "priority"})


async def rerank(
    kernel: Kernel, principal: Principal, path: str, body: bytes, strict: bool, max_cost: int | None = None
) -> Passed | Failure:
    """Answer one question. Raises InvalidRequest for a body that is none."""
    wanted = shared.decode_rank_ask(body)
    question = Question(
        principal=principal,
        kind="rerank",
        path=path,
        model=wanted.model,
        strict=strict,
        max_cost=max_cost,
        put=lambda deployment: _put(deployment, wanted),
    )
    return await ask(kernel, question)


def _put(deployment: Deployment, wanted: RankAsk) -> Put[Ranked]:
    dialect, model = deployment.dialect.name, deployment.target.model
    lost: tuple[Adaptation, ...] = ()
    said = wanted
    if dialect == "cohere":
        said, lost = _for_cohere(wanted)
    elif dialect not in SHAPES:
        raise NotFound(
            f"{deployment.provider.name} speaks {dialect}, which ranks nothing.",
            fix="Ask a model of Cohere, Jina, Voyage and their like, or builtin/rerank.",
        )
    most_name = "top_k" if VOYAGE in deployment.target.quirks else "top_n"
    body = shared.encode_rank_ask(said, model, most_name=most_name)
    return Put(shared.PATH, [body], _reading(wanted), _joined(wanted), lost, *_most(wanted, body))


def _most(wanted: RankAsk, body: bytes) -> tuple[int, int]:
    """The most tokens that are read, since the question is read with each document; and the most searches.

    Cohere counts a document of more than 500 tokens as several, and a hundred documents as one search
    (https://docs.cohere.com/docs/how-does-cohere-pricing-work).
    """
    question, documents = len(wanted.query.encode()), [len(text.encode()) for text in wanted.texts]
    parts = sum(-(-(size + question) // PART) for size in documents)
    return len(body) + question * len(documents), max(1, -(-parts // SEARCH))


def _for_cohere(wanted: RankAsk) -> tuple[RankAsk, tuple[Adaptation, ...]]:
    """Version 2 takes texts only, and knows fewer members (https://docs.cohere.com/reference/rerank)."""
    documents = []
    for n, text in enumerate(wanted.texts):
        if not text:
            raise InvalidRequest("The document has no text.", field=f"documents[{n}]", fix="Send its text.")
        documents.append(text)
    lost = tuple(
        Adaptation(name, "dropped", "Cohere has no place for it.") for name in wanted.extra if name not in _COHERE_KNOWS
    )
    return shared.only_texts(wanted, documents, _COHERE_KNOWS), lost


def _reading(wanted: RankAsk) -> Callable[[bytes, int], Told[Ranked]]:
    def read(data: bytes, _at: int) -> Told[Ranked]:
        ranked = shared.decode_ranked(data)
        places = [one.index for one in ranked.ranks]
        if any(place >= len(wanted.documents) for place in places) or len({*places}) != len(places):
            raise UpstreamProtocol("The provider ranked a document that it was not given, or one twice.")
        # Cohere bills searches and no tokens: each is a request of a model that is priced by the request.
        usage = Usage(requests=ranked.searches) if ranked.searches is not None else ranked.usage
        return Told(ranked, usage)

    return read


def _joined(wanted: RankAsk) -> Callable[[Sequence[Ranked]], bytes]:
    return lambda parts: shared.encode_ranked(parts[0], wanted)
