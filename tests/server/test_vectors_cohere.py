"""Vectors for Cohere's own client, whoever makes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import cohere
import httpx
import pytest
from cohere.core.api_error import ApiError

from tests.gateway import Gateway
from tests.server.upstream import Upstream, json_answer

TEXTS = ["How do I reset my password?", "The river floods in spring."]
ANSWER = {
    "id": "e1",
    "embeddings": {"int8": [[1, 2], [3, 4]]},
    "texts": TEXTS,
    "response_type": "embeddings_by_type",
    "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 7}},
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Any]:
    toml = f'[providers.coh]\nbase_url = "http://127.0.0.1:{upstream.port}/v2"\ndialect = "cohere"\nauth = "none"\n'
    toml += f'[providers.plain]\nbase_url = "http://127.0.0.1:{upstream.port}/v1"\nauth = "none"\n'
    gateway = Gateway(tmp_path_factory.mktemp("cohere"), toml)
    with gateway, httpx.Client(timeout=20) as connection:
        yield cohere.ClientV2(api_key="none", base_url=gateway.url, httpx_client=connection)


def test_a_model_that_never_heard_of_cohere_makes_vectors(client: Any):
    told = client.embed(model="builtin/embed", input_type="search_query", texts=TEXTS, embedding_types=["float"])
    assert [len(vector) for vector in told.embeddings.float_] == [len(told.embeddings.float_[0])] * 2
    assert told.texts == TEXTS
    assert told.meta.billed_units.input_tokens > 0


def test_coheres_own_models_are_asked_in_coheres_words(client: Any, upstream: Upstream):
    upstream.answer = json_answer(json.dumps(ANSWER).encode())
    told = client.embed(
        model="coh/embed-v4", input_type="search_document", texts=TEXTS, embedding_types=["int8"], truncate="END"
    )
    assert told.embeddings.int8 == [[1, 2], [3, 4]]
    assert json.loads(upstream.last().body) == {
        "model": "embed-v4",
        "input_type": "search_document",
        "texts": TEXTS,
        "embedding_types": ["int8"],
        "truncate": "END",
    }


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"texts": TEXTS, "embedding_types": ["int8"]}, "Ask for"),
        ({"images": ["data:image/png;base64,iVBORw0KGgo="], "embedding_types": ["float"]}, "Send texts"),
    ],
)
def test_what_only_coheres_models_do_is_refused_with_a_fix(client: Any, asked: dict[str, Any], words: str):
    with pytest.raises(ApiError) as told:
        client.embed(model="builtin/embed", input_type="search_query", **asked)
    assert told.value.status_code == 400
    assert words in str(told.value.body)


@pytest.mark.parametrize("body", [b"nonsense", b'{"data": [], "x": ' + b"[" * 100_000])
def test_vectors_that_cannot_be_read_are_the_providers_fault(client: Any, upstream: Upstream, body: bytes):
    upstream.answer = json_answer(body)
    with pytest.raises(ApiError) as told:
        client.embed(model="plain/e", input_type="search_query", texts=TEXTS, request_options={"max_retries": 0})
    assert told.value.status_code == 502
