"""`max_cost` where no chat is: kept for what is only read, refused where nobody could keep it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from meshwright.kernel.arrival import Failure
from meshwright.kernel.forward.call import Passed, forward
from meshwright.kernel.forward.target import Parcel
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.questions.embed import embed
from meshwright.kernel.questions.rerank import _most, rerank
from meshwright.kernel.set_aside import dearest
from meshwright.types.errors import InvalidRequest, OverMaxCost
from meshwright.types.model import Model, Price
from meshwright.types.principal import LOCAL
from meshwright.types.vectors import RankAsk
from tests.kernel.asking import serving
from tests.server.upstream import Upstream, json_answer

DOLLAR = 10**9
RANKED = b'{"results": [{"index": 0, "relevance_score": 0.5}], "meta": {"billed_units": {"search_units": 1}}}'
VECTORS = (
    b'{"object": "list", "data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 1, "total_tokens": 1}}'
)


@asynccontextmanager
async def reading(answer: bytes, price: str) -> AsyncIterator[tuple[Kernel, Upstream]]:
    """A kernel before a provider that reads, for a price."""
    with Upstream() as provider:
        provider.answer = json_answer(answer)
        toml = f'[providers.one]\nbase_url = "http://127.0.0.1:{provider.port}/v1"\nauth = "none"\nmodels = ["m"]\n'
        toml += f'[models."one/m"]\nprice = [{price}]\n'
        async with serving(toml, {}) as (kernel, _):
            yield kernel, provider


def parcel(path: str, max_cost: int | None, text: str = "hello") -> Parcel:
    body = json.dumps({"model": "one/m", "input": text}).encode()
    return Parcel(
        method="POST", path=path, principal=LOCAL, kind="application/json", body=body, counts=True, max_cost=max_cost
    )


async def test_vectors_are_made_where_reading_stays_below_and_refused_where_it_may_not():
    async with reading(VECTORS, "{ input = 1000, output = 0 }") as (kernel, provider):
        assert isinstance(await embed(kernel, parcel("/embeddings", DOLLAR)), Passed)
        reply = await embed(kernel, parcel("/embeddings", DOLLAR // 1000))
        assert isinstance(reply, Failure)
        assert isinstance(reply.error, OverMaxCost)
        assert len(provider.got) == 1


async def test_a_ranking_counts_its_question_with_each_document_and_every_search():
    documents = [f"document {number}" for number in range(250)]
    body = json.dumps({"model": "one/m", "query": "q" * 100, "documents": documents}).encode()
    async with reading(RANKED, "{ input = 1, output = 0 }") as (kernel, provider):
        # 250 times the question is 25,000 tokens, and with the documents 0.03 dollars.
        reply = await rerank(kernel, LOCAL, "POST /v1/rerank", body, False, DOLLAR // 50)
        assert isinstance(reply, Failure)
        assert "max_cost leaves 0.02" in reply.error.message
        assert provider.got == []
        assert isinstance(await rerank(kernel, LOCAL, "POST /v1/rerank", body, False, DOLLAR // 20), Passed)


def test_a_ranking_is_charged_by_the_hundred_documents_and_long_ones_count_as_several():
    short, long = (RankAsk(model="m", query="q", documents=(), texts=("d" * size,) * 250) for size in (8, 900))
    assert [_most(one, b"")[1] for one in (short, long)] == [3, 5]
    model = Model(name="a/b", provider="a", upstream="b", prices=(Price(input=0, output=0, request=7),))
    assert dearest(model, 1000, 0, 3) == 21


@pytest.mark.parametrize("path", ["/images/generations", "/audio/speech", "/moderations"])
async def test_what_is_passed_on_is_refused_with_a_promise_that_nobody_could_keep(path: str):
    async with reading(b"{}", "{ input = 1, output = 1 }") as (kernel, provider):
        reply = await forward(kernel, parcel(path, DOLLAR))
        assert isinstance(reply, Failure)
        assert isinstance(reply.error, InvalidRequest)
        assert "no max_cost can be promised" in reply.error.message
        assert provider.got == []
