"""OpenAI's client gets vectors, and Cohere's a ranking, from providers that speak otherwise and from our own models."""

from __future__ import annotations

import json
import math
import struct
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import cohere
import httpx
import openai
import pytest

from tests.gateway import Gateway
from tests.server.upstream import Upstream, json_answer

TEXTS = ["How do I reset my password?", "The river floods in spring.", "I forgot my login credentials."]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """One server that stands for every provider."""
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Gateway]:
    """Providers of five shapes, one of them with prices."""
    at = f"http://127.0.0.1:{upstream.port}"
    toml = f"""
[providers.cohere]
base_url = "{at}/v2"
dialect = "cohere"
auth = "none"
[providers.gemini]
base_url = "{at}/v1beta"
dialect = "gemini"
auth = "none"
[providers.ollama]
base_url = "{at}"
dialect = "ollama"
auth = "none"
[providers.jina]
base_url = "{at}/v1"
auth = "none"
[providers.voyage]
base_url = "{at}/voyage"
auth = "none"
[providers.claude]
base_url = "{at}"
dialect = "anthropic_messages"
auth = "none"
models = ["opus"]
[models."cohere/embed-v4"]
price = [{{ input = 2 }}]
aliases = ["vec"]
"""
    with Gateway(tmp_path_factory.mktemp("vectors"), toml) as running:
        yield running
        assert "Traceback" not in running.log()


@pytest.fixture
def client(gateway: Gateway, upstream: Upstream) -> Iterator[openai.OpenAI]:
    """OpenAI's own client."""
    upstream.got = []
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as opened:
        yield opened


def sent(upstream: Upstream) -> list[dict[str, Any]]:
    """The JSON bodies that the provider was sent."""
    return [json.loads(got.body) for got in upstream.got]


def trace(gateway: Gateway, headers: Any) -> dict[str, Any]:
    """The trace of the answer with these headers."""
    status, _, body = gateway.call(f"/v1/decisions/{headers['x-mesh-decision']}")
    assert status == 200
    return dict(json.loads(body)["trace"])


def test_cohere_is_asked_in_its_own_words_and_its_tokens_are_priced(client, gateway, upstream):
    upstream.answer = json_answer(
        b'{"id": "e1", "embeddings": {"float": [[0.5, -1.25], [2, 3]]}, "texts": [],'
        b'"meta": {"billed_units": {"input_tokens": 7}}}'
    )
    raw = client.embeddings.with_raw_response.create(
        model="vec", input=["one", "two"], dimensions=2, extra_body={"input_type": "query"}
    )
    answer = raw.parse()
    assert [one.embedding for one in answer.data] == [[0.5, -1.25], [2.0, 3.0]]
    assert answer.usage.prompt_tokens == 7
    assert answer.model == "vec"
    assert upstream.got[0].line.startswith("POST /v2/embed ")
    assert sent(upstream) == [
        {
            "model": "embed-v4",
            "input_type": "search_query",
            "texts": ["one", "two"],
            "embedding_types": ["float"],
            "output_dimension": 2,
        }
    ]
    seen = trace(gateway, raw.headers)
    assert (seen["served"], seen["usage"]["input"], seen["cost"]) == ("cohere/embed-v4", 7, 14_000)
    assert raw.headers["x-mesh-model"] == "cohere/embed-v4"
    assert "x-mesh-adapted" not in raw.headers


def test_many_texts_go_to_cohere_in_several_calls_and_come_back_as_one(client, gateway, upstream):
    vectors = [[float(n)] for n in range(96)]
    upstream.answer = json_answer(json.dumps({"id": "e", "embeddings": {"float": vectors}}).encode())
    raw = client.embeddings.with_raw_response.create(
        model="cohere/embed-v4", input=[str(n) for n in range(192)], encoding_format="float"
    )
    assert [one["embedding"][0] for one in json.loads(raw.content)["data"]] == [*range(96), *range(96)]
    assert [one["index"] for one in json.loads(raw.content)["data"]] == [*range(192)]
    assert [len(body["texts"]) for body in sent(upstream)] == [96, 96]
    assert raw.headers["x-mesh-adapted"] == "input_type changed"
    assert "usage" not in json.loads(raw.content), "nobody told it"
    assert len(trace(gateway, raw.headers)["attempts"]) == 2


def test_gemini_is_asked_for_a_batch(client, upstream):
    upstream.answer = json_answer(b'{"embeddings": [{"values": [1, 2]}], "usageMetadata": {"promptTokenCount": 3}}')
    answer = client.embeddings.create(
        model="gemini/embedding-1", input="hello", dimensions=2, extra_body={"input_type": "document"}
    )
    assert (answer.data[0].embedding, answer.usage.total_tokens) == ([1.0, 2.0], 3)
    assert upstream.got[0].line.startswith("POST /v1beta/models/embedding-1:batchEmbedContents ")
    assert sent(upstream)[0]["requests"] == [
        {
            "model": "models/embedding-1",
            "outputDimensionality": 2,
            "taskType": "RETRIEVAL_DOCUMENT",
            "content": {"parts": [{"text": "hello"}]},
        }
    ]


def test_ollama_is_asked_not_to_cut_texts(client, upstream):
    upstream.answer = json_answer(b'{"model": "minilm", "embeddings": [[1, 0]], "prompt_eval_count": 4}')
    raw = client.embeddings.with_raw_response.create(model="ollama/minilm", input="hello", user="u1")
    assert (raw.parse().usage.prompt_tokens, raw.headers["x-mesh-adapted"]) == (4, "user dropped")
    assert upstream.got[0].line.startswith("POST /api/embed ")
    assert sent(upstream) == [{"model": "minilm", "input": ["hello"], "truncate": False}]


def test_a_provider_of_openais_shape_gets_the_clients_bytes(gateway, upstream):
    upstream.got = []
    upstream.answer = json_answer(b'{"object": "list", "data": [], "odd": 1.50, "usage": {"prompt_tokens": 2}}')
    body = b'{"input": [[1, 2]], "model": "jina/v4", "late_chunking" : true}'
    status, _, told = gateway.call("/v1/embeddings", body)
    assert (status, told) == (200, b'{"object": "list", "data": [], "odd": 1.50, "usage": {"prompt_tokens": 2}}')
    assert upstream.got[0].line.startswith("POST /v1/embeddings ")
    assert upstream.got[0].body == b'{"input":[[1, 2]],"model":"v4","late_chunking":true}'


@pytest.mark.parametrize("model", ["cohere/embed-v4", "gemini/e", "ollama/e", "builtin/embed"])
def test_token_ids_are_refused_where_another_tokenizer_would_read_them(client, upstream, model):
    with pytest.raises(openai.BadRequestError, match="tokenizer") as refused:
        client.embeddings.create(model=model, input=[[1, 2], [3]])
    assert refused.value.param == "input"
    assert not upstream.got


def test_strict_callers_are_told_what_cannot_be_carried(client, upstream):
    with pytest.raises(openai.BadRequestError, match="user") as refused:
        client.embeddings.create(model="ollama/e", input="x", user="u", extra_headers={"x-mesh-strict": "true"})
    assert (refused.value.code, refused.value.param) == ("not_carried", "user")
    assert not upstream.got


def test_a_provider_without_embeddings_is_named(client):
    with pytest.raises(openai.NotFoundError, match="claude"):
        client.embeddings.create(model="claude/opus", input="x")


def test_too_few_vectors_and_numbers_that_do_not_fit_are_the_providers_fault(gateway, upstream):
    for body in (b'{"embeddings": []}', b'{"embeddings": [[1e39]]}'):
        upstream.answer = json_answer(body)
        asked = {"model": "ollama/e", "input": "x", "encoding_format": "base64"}
        status, _, told = gateway.call("/v1/embeddings", asked)
        assert (status, json.loads(told)["error"]["code"]) == (502, "upstream_malformed")


def test_the_built_in_vectors_are_near_when_the_meaning_is(client, gateway):
    raw = client.embeddings.with_raw_response.create(model="builtin/embed", input=TEXTS)
    vectors: list[list[float]] = [one.embedding for one in raw.parse().data]
    assert [len(one) for one in vectors] == [256] * 3
    assert all(math.isclose(math.hypot(*one), 1, rel_tol=1e-3) for one in vectors)

    def near(a: int, b: int) -> float:
        return sum(x * y for x, y in zip(vectors[a], vectors[b], strict=True))

    assert near(0, 2) > near(0, 1) + 0.1
    assert trace(gateway, raw.headers)["cost"] == 0
    short = client.embeddings.create(model="builtin/embed", input=TEXTS[0], dimensions=64, encoding_format="float")
    assert math.isclose(math.hypot(*short.data[0].embedding), 1, rel_tol=1e-3)
    packed = gateway.call(
        "/v1/embeddings", {"model": "builtin/embed", "input": TEXTS[0], "dimensions": 64, "encoding_format": "base64"}
    )[2]
    numbers = struct.unpack("<64f", b64decode(json.loads(packed)["data"][0]["embedding"]))
    assert numbers == pytest.approx(short.data[0].embedding, abs=1e-6)


def test_the_built_in_vectors_have_three_lengths(client):
    with pytest.raises(openai.BadRequestError, match="64, 128, 256"):
        client.embeddings.create(model="builtin/embed", input="x", dimensions=100)


def test_models_that_measure_are_listed_and_no_route_leads_to_them(client, gateway):
    assert {"builtin/embed", "builtin/rerank"} <= {model.id for model in client.models.list()}
    assert gateway.chat("1 + 1")[1]["x-mesh-model"] == "builtin/solve"
    status, _, told = gateway.chat("hello", model="builtin/embed")
    assert (status, told["error"]["code"]) == (404, "model_not_found")


def test_coheres_client_gets_a_ranking_from_the_built_in_model(gateway):
    with httpx.Client() as connection:
        client = cohere.ClientV2(api_key="none", base_url=gateway.url, httpx_client=connection)
        answer = client.rerank(model="builtin/rerank", query="reset a forgotten password", documents=TEXTS, top_n=2)
    assert {one.index for one in answer.results} == {0, 2}
    assert 1 >= answer.results[0].relevance_score > answer.results[1].relevance_score > 0


def test_documents_come_back_when_they_are_wanted(gateway):
    body: dict[str, Any] = {
        "model": "builtin/rerank",
        "query": "floods",
        "documents": [TEXTS[0], {"text": TEXTS[1], "title": "Rivers"}],
        "return_documents": True,
    }
    status, headers, told = gateway.call("/v1/rerank", body)
    results = json.loads(told)["results"]
    assert (status, headers["x-mesh-model"]) == (200, "builtin/rerank")
    assert [one["document"] for one in results] == [body["documents"][1], {"text": TEXTS[0]}]


RANKED = b'[{"index": 1, "relevance_score": 0.9, "document": {"text": "theirs"}}]'
COHERE = b'{"id": "r", "results": %b, "meta": {"billed_units": {"search_units": 1}}}' % RANKED
JINA = b'{"results": %b, "usage": {"total_tokens": 5}}' % RANKED
VOYAGE = b'{"object": "list", "data": %b, "usage": {"total_tokens": 5}}' % RANKED


@pytest.mark.parametrize(
    ("model", "path", "said", "told"),
    [
        ("cohere/rerank-v4", "/v2/rerank", {"top_n": 1}, COHERE),
        ("jina/rr", "/v1/rerank", {"top_n": 1}, JINA),
        ("voyage/rr", "/voyage/rerank", {"top_k": 1}, VOYAGE),
    ],
)
def test_every_provider_that_ranks_is_asked_in_its_words(gateway, upstream, model, path, said, told):
    upstream.got, upstream.answer = [], json_answer(told)
    status, headers, body = gateway.call(
        "/v1/rerank", {"model": model, "query": "q", "documents": ["a", "b"], "top_n": 1, "return_documents": True}
    )
    answer = json.loads(body)
    assert status == 200
    assert answer["results"] == [{"index": 1, "relevance_score": 0.9, "document": {"text": "b"}}]
    assert upstream.got[0].line.startswith(f"POST {path} ")
    assert sent(upstream) == [{"model": model.partition("/")[2], "query": "q", "documents": ["a", "b"], **said}]
    usage = trace(gateway, headers)["usage"]
    assert usage == ({"requests": 1} if model.startswith("cohere") else {"input": 5})


def test_a_rank_of_a_document_that_was_not_sent_is_the_providers_fault(gateway, upstream):
    upstream.answer = json_answer(b'{"results": [{"index": 7, "relevance_score": 1}]}')
    status, _, told = gateway.call("/v2/rerank", {"model": "cohere/rr", "query": "q", "documents": ["a"]})
    assert status == 502
    assert "message" in json.loads(told), "as Cohere says errors"


@pytest.mark.parametrize("body", [{"query": "q"}, {"query": " ", "documents": ["a"]}, {"query": "q", "documents": [1]}])
def test_what_is_no_question_is_refused_with_the_fields_name(gateway, body):
    status, _, told = gateway.call("/v1/rerank", {"model": "builtin/rerank", **body})
    assert status == 400
    assert json.loads(told)["error"]["param"].split("[")[0] in ("documents", "query")


def test_vectors_are_packed_as_openai_packs_them(gateway, upstream):
    upstream.answer = json_answer(b'{"embeddings": [[0.5, -2]]}')
    told = gateway.call("/v1/embeddings", {"model": "ollama/e", "input": "x", "encoding_format": "base64"})[2]
    assert json.loads(told)["data"][0]["embedding"] == b64encode(struct.pack("<2f", 0.5, -2.0)).decode()
