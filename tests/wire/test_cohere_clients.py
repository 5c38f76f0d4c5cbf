"""Cohere's own Python client reads what the dialect writes, and writes what the dialect reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import cohere
import httpx
import msgspec
import pytest

from meshwright.types.content import Citation, File, Message, Opaque, Reasoning, Text, ToolCall
from meshwright.types.errors import InvalidRequest, UnknownModel
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from meshwright.wire.cohere import DIALECT
from meshwright.wire.cohere.embed import (
    Embedded,
    EmbedPart,
    decode_embed_request,
    decode_embedded,
    encode_embed_request,
    encode_embedded,
)
from meshwright.wire.cohere.rerank import (
    Rank,
    Reranked,
    decode_rerank_request,
    decode_reranked,
    encode_rerank_request,
    encode_reranked,
)
from meshwright.wire.fold import unfold

ANSWER = Response(
    id="a1",
    model="m",
    choices=(
        Choice(
            message=Message(
                "assistant",
                (
                    Reasoning(text="Hm."),
                    Text("Hello", citations=(Citation(kind="document", document=0, title="T", start=0, end=5),)),
                    ToolCall(id="c1", name="f", arguments='{"city":"Oslo"}'),
                ),
            ),
            finish="tool_calls",
        ),
    ),
    usage=Usage(input=9, cache_read=2, output=5),
)


def _chat(body: bytes) -> tuple[int, bytes]:
    request = DIALECT.decode_request(body)
    if request.model == "absent":
        return 404, DIALECT.encode_error(UnknownModel('There is no model "absent".'))
    assert isinstance(request.messages[-1].parts[0], File)
    if request.stream:
        return 200, DIALECT.stream_encoder(request).feed(unfold(ANSWER))
    return 200, DIALECT.encode_response(ANSWER, request).body


def _embed(body: bytes) -> tuple[int, bytes]:
    request = decode_embed_request(body)
    vectors = [[0.5, float(len(text))] for text in request.texts]
    found = Embedded(
        id="e", vectors={"float": msgspec.Raw(msgspec.json.encode(vectors))}, texts=request.texts, usage=Usage(input=3)
    )
    return 200, encode_embedded(found)


def _rerank(body: bytes) -> tuple[int, bytes]:
    request = decode_rerank_request(body)
    ranks = tuple(Rank(index=n, score=1 / (n + 1)) for n in range(len(request.documents)))
    return 200, encode_reranked(Reranked(id="r", ranks=ranks[: request.most], searches=1))


ANSWERS: dict[str, Callable[[bytes], tuple[int, bytes]]] = {
    "/v2/chat": _chat,
    "/v2/embed": _embed,
    "/v2/rerank": _rerank,
}


class _Desk(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        status, answer = ANSWERS[self.path](body)
        self.send_response(status)
        self.send_header("content-type", "application/json" if answer[:1] == b"{" else "text/event-stream")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass  # quiet


@pytest.fixture(scope="module")
def client() -> Iterator[cohere.ClientV2]:
    server = HTTPServer(("127.0.0.1", 0), _Desk)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with httpx.Client(trust_env=False) as transport:
        yield cohere.ClientV2(
            api_key="k",
            base_url=f"http://127.0.0.1:{server.server_port}",
            httpx_client=transport,
            log_warning_experimental_features=False,
        )
    server.shutdown()
    server.server_close()
    thread.join()


ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}], "documents": ["words"]}


def test_the_client_reads_a_whole_answer(client: cohere.ClientV2) -> None:
    said = client.chat(model="auto", **ASKED)
    assert said.message.content is not None
    assert [one.type for one in said.message.content] == ["thinking", "text"]
    assert said.message.tool_calls is not None
    assert said.message.tool_calls[0].function is not None
    assert said.message.tool_calls[0].function.arguments == '{"city":"Oslo"}'
    assert said.message.citations is not None
    cited = said.message.citations[0]
    assert (cited.start, cited.end, cited.text, cited.content_index) == (0, 5, "Hello", 1)
    assert (said.id, said.finish_reason) == ("a1", "TOOL_CALL")
    assert said.usage is not None
    assert said.usage.tokens is not None
    assert (said.usage.tokens.input_tokens, said.usage.cached_tokens) == (11, 2)


def test_the_client_reads_a_stream(client: cohere.ClientV2) -> None:
    events: list[Any] = list(client.chat_stream(model="auto", **ASKED))
    kinds = [one.type for one in events]
    assert kinds == [
        "message-start", "content-start", "content-delta", "content-end", "content-start", "content-delta",
        "citation-start", "citation-end", "content-end", "tool-call-start", "tool-call-delta", "tool-call-end",
        "message-end",
    ]  # fmt: skip
    assert events[2].delta.message.content.thinking == "Hm."
    assert events[5].delta.message.content.text == "Hello"
    assert events[6].delta.message.citations.sources[0].id == "doc:0"
    assert events[9].delta.message.tool_calls.function.name == "f"
    assert (events[-1].delta.finish_reason, events[-1].delta.usage.tokens.output_tokens) == ("TOOL_CALL", 5)


def test_the_client_raises_our_errors(client: cohere.ClientV2) -> None:
    with pytest.raises(cohere.NotFoundError) as caught:
        client.chat(model="absent", **ASKED)
    assert caught.value.body["message"] == 'There is no model "absent".'


def test_the_client_embeds_and_reranks(client: cohere.ClientV2) -> None:
    found = client.embed(
        model="auto", texts=["a", "bcd"], input_type="search_query", embedding_types=["float"], output_dimension=2
    )
    assert found.embeddings.float_ == [[0.5, 1.0], [0.5, 3.0]]
    assert found.meta is not None
    ranked = client.rerank(model="auto", query="q", documents=["a", "b", "c"], top_n=2)
    assert [(one.index, one.relevance_score) for one in ranked.results] == [(0, 1.0), (1, 0.5)]


def test_embeddings_go_both_ways() -> None:
    mixed = [{"content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:x"}}]}]
    body = {"model": "m", "input_type": "search_document", "inputs": mixed, "embedding_types": ["int8"], "priority": 1}
    request = decode_embed_request(msgspec.json.encode(body))
    assert request.inputs == ((EmbedPart(text="a"), EmbedPart(image="data:x")),)
    assert request.extra == (Opaque("cohere", "priority", msgspec.Raw(b"1")),)
    assert msgspec.json.decode(encode_embed_request(request, "m")) == body
    answer = decode_embedded(
        b'{"id":"e","embeddings":{"float":[[1,2]],"int8":null},"texts":["a"],"meta":{"billed_units":{"input_tokens":4}}}'
    )
    assert (answer.floats, answer.usage) == (((1.0, 2.0),), Usage(input=4))
    assert decode_embedded(encode_embedded(answer)) == answer
    with pytest.raises(InvalidRequest):
        decode_embed_request(b'{"model":"m","input_type":"x","texts":[]}')


def test_rankings_go_both_ways() -> None:
    body = {"model": "m", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1, "x": True}
    request = decode_rerank_request(msgspec.json.encode(body))
    assert request.documents == ("a", "b")
    assert msgspec.json.decode(encode_rerank_request(request, "n")) == {**body, "model": "n", "documents": ["a", "b"]}
    answer = decode_reranked(b'{"id":"r","results":[{"index":1,"relevance_score":0.5,"relevant_spans":[]}]}')
    assert (answer.ranks[0].index, answer.ranks[0].score) == (1, 0.5)
    assert decode_reranked(encode_reranked(answer)) == answer
    with pytest.raises(InvalidRequest) as caught:
        decode_rerank_request(b'{"model":"m","query":"q","documents":["a",5]}')
    assert caught.value.field == "documents[1]"
