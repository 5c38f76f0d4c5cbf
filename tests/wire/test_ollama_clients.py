"""Ollama's own Python client reads what the dialect writes, and writes what the dialect reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import ollama
import pytest

from meshwright.types.content import Image, Message, Opaque, Reasoning, Text, ToolCall
from meshwright.types.errors import InvalidRequest, UnknownModel
from meshwright.types.request import Request
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold, unfold
from meshwright.wire.ollama import DIALECT
from meshwright.wire.ollama.embed import (
    Embedded,
    decode_embed_request,
    decode_embedded,
    decode_older_embed_request,
    decode_older_embedded,
    encode_embed_request,
    encode_embedded,
    encode_older_embedded,
)
from meshwright.wire.ollama.generate import (
    GENERATE,
    asked_of_chat,
    decode_generate_request,
    encode_generate_request,
    encode_generate_response,
    generate_encoder,
)
from meshwright.wire.ollama.models import (
    Listed,
    decode_show,
    decode_show_request,
    decode_tags,
    decode_version,
    encode_show,
    encode_tags,
    encode_version,
)

TARGET = Target("m", "p/m")
ANSWER = Response(
    model="llama",
    created=1700000000,
    choices=(
        Choice(
            message=Message(
                "assistant",
                (Reasoning(text="Hm."), Text("Hello"), ToolCall(id="c1", name="f", arguments='{"city":"Oslo"}')),
            ),
            finish="tool_calls",
        ),
    ),
    usage=Usage(input=11, output=5),
)
SAID = msgspec.structs.replace(
    ANSWER, choices=(Choice(message=Message("assistant", (Reasoning(text="Hm."), Text("Hello"))), finish="stop"),)
)


def _chat(body: bytes) -> tuple[int, bytes]:
    request = DIALECT.decode_request(body)
    if request.model == "absent":
        return 404, DIALECT.encode_error(UnknownModel('There is no model "absent".'))
    if request.stream:
        encoder = DIALECT.stream_encoder(request)
        if request.model == "broken":
            return 200, encoder.feed(unfold(ANSWER)[:2]) + encoder.fail(InvalidRequest("It broke."))
        return 200, encoder.feed(unfold(ANSWER))
    return 200, DIALECT.encode_response(ANSWER, request).body


def _generate(body: bytes) -> tuple[int, bytes]:
    request = decode_generate_request(body)
    if request.stream:
        return 200, generate_encoder(request).feed(unfold(SAID))
    return 200, encode_generate_response(SAID, request).body


def _embed(body: bytes) -> tuple[int, bytes]:
    request = decode_embed_request(body)
    vectors = tuple((0.5, float(len(text))) for text in request.texts)
    return 200, encode_embedded(Embedded(model=request.model, vectors=vectors, tokens=3))


def _show(body: bytes) -> tuple[int, bytes]:
    return 200, encode_show(Listed(name=decode_show_request(body), family="llama"), ("completion", "tools"), 8192)


ANSWERS: dict[str, Callable[[bytes], tuple[int, bytes]]] = {
    "/api/chat": _chat,
    "/api/generate": _generate,
    "/api/embed": _embed,
    "/api/embeddings": lambda body: (
        200,
        encode_older_embedded(Embedded(model=decode_older_embed_request(body).model, vectors=((1.0, 2.0),))),
    ),
    "/api/tags": lambda body: (200, encode_tags([Listed(name="auto"), Listed(name="x:1", size=5, modified=9)])),
    "/api/ps": lambda body: (200, encode_tags([Listed(name="auto")])),
    "/api/show": _show,
}


class _Desk(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        status, answer = ANSWERS[self.path](body)
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: Any) -> None:
        pass  # quiet


@pytest.fixture(scope="module")
def client() -> Iterator[ollama.Client]:
    server = HTTPServer(("127.0.0.1", 0), _Desk)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with ollama.Client(f"http://127.0.0.1:{server.server_port}", trust_env=False) as one:
        yield one
    server.shutdown()
    server.server_close()
    thread.join()


MESSAGES = [{"role": "user", "content": "Hi", "images": ["iVBORw0KGgo="]}]


def weather(city: str) -> str:
    """The weather.

    Args:
        city: Where.
    """
    return city


def test_the_client_reads_a_whole_answer(client: ollama.Client) -> None:
    said = client.chat("auto", MESSAGES, tools=[weather], think=True, format="json", options={"num_ctx": 9})
    assert (said.message.content, said.message.thinking) == ("Hello", "Hm.")
    assert said.message.tool_calls is not None
    assert said.message.tool_calls[0].function.arguments == {"city": "Oslo"}
    assert (said.done_reason, said.prompt_eval_count, said.eval_count) == ("stop", 11, 5)


def test_the_client_reads_a_stream(client: ollama.Client) -> None:
    lines = list(client.chat("auto", MESSAGES, stream=True))
    assert "".join(line.message.content or "" for line in lines) == "Hello"
    assert "".join(line.message.thinking or "" for line in lines) == "Hm."
    assert [line.message.tool_calls[0].function.name for line in lines if line.message.tool_calls] == ["f"]
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]


def test_the_client_raises_our_errors(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match='There is no model "absent"') as caught:
        client.chat("absent", MESSAGES)
    assert caught.value.status_code == 404
    with pytest.raises(ollama.ResponseError, match="It broke"):
        list(client.chat("broken", MESSAGES, stream=True))


def test_the_client_reads_an_answer_to_a_prompt(client: ollama.Client) -> None:
    said = client.generate("auto", "Why?", system="Be brief.", images=["iVBORw0KGgo="])
    assert (said.response, said.thinking, said.done) == ("Hello", "Hm.", True)
    lines = list(client.generate("auto", "Why?", stream=True))
    assert "".join(line.response or "" for line in lines) == "Hello"
    assert lines[-1].done_reason == "stop"


def test_the_client_lists_and_describes_models(client: ollama.Client) -> None:
    assert [one.model for one in client.list().models] == ["auto", "x:1"]
    assert [one.model for one in client.ps().models] == ["auto"]
    shown = client.show("auto")
    assert shown.capabilities == ["completion", "tools"]
    assert shown.modelinfo is not None
    assert shown.modelinfo["llama.context_length"] == 8192


def test_the_client_reads_embeddings(client: ollama.Client) -> None:
    assert client.embed("auto", ["a", "bcd"]).embeddings == [[0.5, 1.0], [0.5, 3.0]]
    assert client.embeddings("auto", "a").embedding == [1.0, 2.0]


def test_a_prompt_is_a_conversation_and_back() -> None:
    body = {"model": "m", "prompt": "Why?", "system": "Brief.", "images": ["AAAA"], "suffix": "s", "keep_alive": 0}
    request = decode_generate_request(msgspec.json.encode(body))
    assert request.stream
    assert request.messages == (
        Message("system", (Text("Brief."),)),
        Message("user", (Text("Why?"), Image(data="AAAA", media_type="application/octet-stream"))),
    )
    assert [(one.dialect, one.kind) for one in request.extra] == [(GENERATE, "suffix"), ("ollama", "keep_alive")]
    assert asked_of_chat(request.extra) == ("suffix",)
    chat = DIALECT.encode_request(request, TARGET)
    assert [one.field for one in chat.adaptations] == ["suffix"]
    assert msgspec.json.decode(chat.body)["keep_alive"] == 0
    built = encode_generate_request(msgspec.structs.replace(request, source=None), TARGET)
    assert built.adaptations == ()
    assert msgspec.json.decode(built.body) == {**body, "stream": True}
    kept = encode_generate_request(request, Target("other", "p/o"))
    assert msgspec.json.decode(kept.body) == {**body, "model": "other"}


def test_a_conversation_that_is_more_than_a_prompt_loses_the_rest_visibly() -> None:
    turns = (Message("user", (Text("a"),)), Message("assistant", (Text("b"),)), Message("user", (Text("c"),)))
    encoded = encode_generate_request(Request(model="m", messages=turns), TARGET)
    assert msgspec.json.decode(encoded.body)["prompt"] == "c"
    assert [one.field for one in encoded.adaptations] == ["messages"]


def test_answers_to_prompts_are_read_like_answers() -> None:
    body = encode_generate_response(SAID, Request(model="m")).body
    answer = DIALECT.decode_response(body, TARGET)
    assert (answer.choices, answer.usage) == (SAID.choices, SAID.usage)
    assert encode_generate_response(answer, Request(model="m")).body == body
    stream = generate_encoder(Request(model="m", stream=True)).feed(unfold(SAID))
    assert fold(DIALECT.stream_decoder(TARGET).feed(stream)).choices == SAID.choices
    called = encode_generate_response(ANSWER, Request(model="m"))
    assert [one.field for one in called.adaptations] == ["choices.tool_calls"]


def test_what_a_server_says_of_its_models_is_read() -> None:
    assert decode_tags(encode_tags([Listed(name="a", size=5, family="llama", parameters="3B")]))[0].name == "a"
    assert decode_show(encode_show(Listed(name="a"), ("completion", "vision"))) == ("completion", "vision")
    assert decode_version(encode_version("0.13.0")) == "0.13.0"
    with pytest.raises(InvalidRequest):
        decode_show_request(b"{}")


def test_embeddings_go_both_ways() -> None:
    request = decode_embed_request(b'{"model":"m","input":"a","dimensions":2,"truncate":false,"keep_alive":"1m"}')
    assert request.texts == ("a",)
    assert request.extra == (Opaque("ollama", "keep_alive", msgspec.Raw(b'"1m"')),)
    again = decode_embed_request(encode_embed_request(request, "m"))
    assert again == request
    answer = Embedded(model="m", vectors=((1.0, 2.5),), tokens=3)
    assert decode_embedded(encode_embedded(answer)) == answer
    assert decode_older_embedded(encode_older_embedded(answer)).vectors == answer.vectors
    with pytest.raises(InvalidRequest):
        decode_embed_request(b'{"model":"m","input":[]}')
