"""Texts into vectors: asked as OpenAI's clients ask, answered by whichever provider has the model.

A provider of OpenAI's shape gets the client's own bytes (see `forward`); Cohere, Gemini and Ollama are asked in their
own words, in as many calls as their limits need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meshwright.kernel.arrival import Failure
from meshwright.kernel.forward.call import Passed, forward
from meshwright.kernel.forward.target import SHAPES, Parcel
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.questions.question import Put, Question, Told, ask, named
from meshwright.kernel.snapshot import Deployment
from meshwright.types.errors import InvalidRequest, MeshError, NotFound, UpstreamProtocol
from meshwright.types.request import Adaptation
from meshwright.types.usage import Usage
from meshwright.types.vectors import EmbedAsk, Embedded
from meshwright.wire.cohere import embed as cohere
from meshwright.wire.gemini import embed as gemini
from meshwright.wire.ollama import embed as ollama
from meshwright.wire.openai_chat.embed import decode_embed_ask, encode_embedded

MOST_OF_COHERE = 96
"""Texts of one call (https://docs.cohere.com/reference/embed)."""
_COHERE_PURPOSES = {"document": "search_document", "passage": "search_document", "query": "search_query"}


async def embed(kernel: Kernel, parcel: Parcel, strict: bool = False) -> Passed | Failure:
    """Answer one request for vectors. Raises InvalidRequest for a body that is no such request."""
    if not _translated(kernel, parcel):
        return await forward(kernel, parcel)
    wanted = decode_embed_ask(parcel.body)
    question = Question(
        principal=parcel.principal,
        kind="embeddings",
        path=f"{parcel.method} /v1{parcel.path}",
        model=wanted.model,
        strict=strict,
        max_cost=parcel.max_cost,
        put=lambda deployment: _put(deployment, wanted),
    )
    return await ask(kernel, question)


def _translated(kernel: Kernel, parcel: Parcel) -> bool:
    """Whether the model's provider has another shape than OpenAI's. What cannot be read is not: `forward` judges it."""
    if parcel.provider or parcel.method != "POST":
        return False
    try:
        found = named(kernel.snapshot, decode_embed_ask(parcel.body).model)
    except MeshError:
        return False
    return found.in_any(SHAPES) is None


def _put(deployment: Deployment, wanted: EmbedAsk) -> Put[Embedded]:
    words = _WORDS.get(deployment.dialect.name)
    if words is None:
        raise NotFound(
            f"{deployment.provider.name} speaks {deployment.dialect.name}, which has no embeddings here.",
            fix="Ask a model of another provider.",
        )
    if wanted.tokens:
        raise InvalidRequest(
            f"{deployment.model.name} reads texts: token ids mean something to the tokenizer that made them only.",
            field="input",
            fix="Send the texts (with langchain-openai: check_embedding_ctx_length=False).",
        )
    return words(deployment, wanted)


def _joined(wanted: EmbedAsk) -> Callable[[Sequence[Embedded]], bytes]:
    def join(parts: Sequence[Embedded]) -> bytes:
        usage: Usage | None = Usage()
        for part in parts:
            usage = None if usage is None or part.usage is None else usage + part.usage
        whole = Embedded(vectors=tuple(vector for part in parts for vector in part.vectors), usage=usage)
        return encode_embedded(whole, wanted)

    return join


def _told(embedded: Embedded, texts: Sequence[str]) -> Told[Embedded]:
    if len(embedded.vectors) != len(texts):
        raise UpstreamProtocol(f"The provider answered {len(embedded.vectors)} vectors for {len(texts)} texts.")
    return Told(embedded, embedded.usage)


def _lost(wanted: EmbedAsk, where: str) -> tuple[Adaptation, ...]:
    return tuple(Adaptation(name, "dropped", f"{where} has no place for it.") for name in wanted.extra)


def _parts(texts: Sequence[str], most: int) -> list[tuple[str, ...]]:
    return [tuple(texts[at : at + most]) for at in range(0, len(texts), most)]


def _of_cohere(deployment: Deployment, wanted: EmbedAsk) -> Put[Embedded]:
    parts = _parts(wanted.texts, MOST_OF_COHERE)
    purpose = _COHERE_PURPOSES.get(wanted.purpose, wanted.purpose)
    lost = _lost(wanted, "Cohere")
    if not purpose:
        purpose = "search_document"
        why = "Cohere asks what vectors are for; these are for documents to be searched. Send input_type to say it."
        lost = (Adaptation("input_type", "changed", why), *lost)

    def body(texts: tuple[str, ...]) -> bytes:
        said = cohere.EmbedRequest(
            model=deployment.target.model,
            purpose=purpose,
            texts=texts,
            forms=("float",),
            dimensions=wanted.dimensions,
        )
        return cohere.encode_embed_request(said, deployment.target.model)

    def read(data: bytes, at: int) -> Told[Embedded]:
        answer = cohere.decode_embedded(data)
        return _told(Embedded(vectors=answer.floats, usage=answer.usage, id=answer.id), parts[at])

    return Put(cohere.PATH, [body(part) for part in parts], read, _joined(wanted), lost)


def _of_gemini(deployment: Deployment, wanted: EmbedAsk) -> Put[Embedded]:
    parts, model = _parts(wanted.texts, gemini.MOST_TEXTS), deployment.target.model
    bodies = [gemini.encode_embed_request(model, part, wanted.dimensions, wanted.purpose) for part in parts]

    def read(data: bytes, at: int) -> Told[Embedded]:
        return _told(gemini.decode_embedded(data), parts[at])

    return Put(gemini.embed_path(model), bodies, read, _joined(wanted), _lost(wanted, "Gemini"))


def _of_ollama(deployment: Deployment, wanted: EmbedAsk) -> Put[Embedded]:
    model, lost = deployment.target.model, _lost(wanted, "Ollama")
    if wanted.purpose:
        lost = (Adaptation("input_type", "dropped", "Ollama's models are told by a prefix of the text."), *lost)
    # Its default cuts texts over the window; OpenAI refuses them, and a client that asks as OpenAI's expects that.
    said = ollama.EmbedRequest(model=model, texts=wanted.texts, truncate=False, dimensions=wanted.dimensions)

    def read(data: bytes, at: int) -> Told[Embedded]:
        answer = ollama.decode_embedded(data)
        usage = None if answer.tokens is None else Usage(input=max(0, answer.tokens))
        return _told(Embedded(vectors=answer.vectors, usage=usage), wanted.texts)

    return Put(ollama.PATH, [ollama.encode_embed_request(said, model)], read, _joined(wanted), lost)


_WORDS: dict[str, Callable[[Deployment, EmbedAsk], Put[Embedded]]] = {
    "cohere": _of_cohere,
    "gemini": _of_gemini,
    "ollama": _of_ollama,
}
