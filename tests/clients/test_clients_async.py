"""The asynchronous clients of each ecosystem work as the others do: whole answers, streams, and errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import cohere
import httpx
import ollama
import pytest
from anthropic import AsyncAnthropic, NotFoundError
from cohere.core.api_error import ApiError
from google import genai
from google.genai import types
from google.genai.errors import APIError

from meshwright.sim import Say
from tests.clients.desk import NATIVE, PROVIDER, Desk

# Google's client builds its sessions in a way that aiohttp discourages.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
WORDS = "The tide turns at noon, and nobody minds."
UPSTREAMS = {"openai_chat": PROVIDER["openai_chat"], "anthropic_messages": PROVIDER["anthropic_messages"], **NATIVE}
clients = pytest.mark.parametrize(
    ("client", "upstream"),
    [
        (client, upstream)
        for client in ("anthropic_messages", "gemini", "ollama", "cohere")
        for upstream in dict.fromkeys(("openai_chat", client))
    ],
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk(tmp_path_factory.mktemp("async"), UPSTREAMS) as running:
        yield running


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


async def _anthropic(url: str, model: str, text: str, *, stream: bool) -> str:
    async with AsyncAnthropic(base_url=url, api_key="any", max_retries=0, timeout=20) as client:
        if not stream:
            whole = await client.messages.create(model=model, max_tokens=99, messages=said(text))
            return "".join(block.text for block in whole.content if block.type == "text")
        async with client.messages.stream(model=model, max_tokens=99, messages=said(text)) as events:
            return "".join([piece async for piece in events.text_stream])


async def _gemini(url: str, model: str, text: str, *, stream: bool) -> str:
    options = types.HttpOptions(base_url=url, timeout=20_000)
    async with genai.Client(api_key="any", http_options=options).aio as client:
        if not stream:
            return (await client.models.generate_content(model=model, contents=text)).text or ""
        chunks = await client.models.generate_content_stream(model=model, contents=text)
        return "".join([chunk.text async for chunk in chunks if chunk.text])


async def _ollama(url: str, model: str, text: str, *, stream: bool) -> str:
    client = ollama.AsyncClient(host=url, timeout=20)
    async with aclosing(client._client):  # it has no door of its own
        if not stream:
            return (await client.chat(model=model, messages=said(text))).message.content or ""
        lines = await client.chat(model=model, messages=said(text), stream=True)
        return "".join([line.message.content or "" async for line in lines])


async def _cohere(url: str, model: str, text: str, *, stream: bool) -> str:
    async with httpx.AsyncClient(timeout=20) as below:
        client = cohere.AsyncClientV2(api_key="any", base_url=url, httpx_client=below)
        if not stream:
            whole = await client.chat(model=model, messages=said(text))
            return "".join(part.text for part in whole.message.content or () if part.type == "text")
        events: Any = client.chat_stream(model=model, messages=said(text))
        return "".join([event.delta.message.content.text async for event in events if event.type == "content-delta"])


ASKS: dict[str, Any] = {
    "anthropic_messages": _anthropic,
    "gemini": _gemini,
    "ollama": _ollama,
    "cohere": _cohere,
}
ERRORS = {
    "anthropic_messages": NotFoundError,
    "gemini": APIError,
    "ollama": ollama.ResponseError,
    "cohere": ApiError,
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@clients
async def test_the_words_arrive(desk: Desk, client: str, upstream: str, stream: bool) -> None:
    prompt = desk.say(Say(text=WORDS))
    assert await ASKS[client](desk.gateway.url, desk.model(upstream), prompt, stream=stream) == WORDS
    trace = desk.latest()
    assert (trace["dialect"], trace.get("stream", False)) == (client, stream)


@pytest.mark.parametrize("client", ERRORS)
async def test_a_model_that_is_not_there_is_the_clients_own_exception(desk: Desk, client: str) -> None:
    with pytest.raises(ERRORS[client]) as told:
        await ASKS[client](desk.gateway.url, "nobody/knows", "hi", stream=False)
    assert "nobody/knows" in str(told.value)
