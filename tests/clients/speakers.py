"""The official clients, each asked in its own words and its answers told in the same ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import anthropic
import openai

Client = Any
Json = dict[str, Any]


class Told(NamedTuple):
    """What a client made of an answer. `calls` are (id, name, arguments decoded), `finish` the dialect's own word."""

    text: str
    calls: list[tuple[str, str, Any]]
    finish: str
    input: int
    output: int
    cached: int
    reasoning: int
    raw: Any


class Speaker:
    """One client library with one of its APIs. Subclasses give the words; what is the same for all is here."""

    name = ""
    errors: Any = None

    def client(self, url: str, **more: Any) -> Any:
        raise NotImplementedError

    def async_client(self, url: str, **more: Any) -> Any:
        raise NotImplementedError

    def words(self, model: str, text: str, system: str = "", tools: list[Json] | None = None) -> Json:
        """The arguments of a call."""
        raise NotImplementedError

    def create(self, client: Client) -> Any:
        """The method that asks."""
        raise NotImplementedError

    def raw(self, client: Client) -> Any:
        """The same, giving the head too."""
        raise NotImplementedError

    def gather(self, client: Client, **words: Any) -> Any:
        """The library's own accumulator, which puts the pieces of a stream together."""
        raise NotImplementedError

    def final(self, stream: Any) -> Any:
        """What the accumulator has put together."""
        raise NotImplementedError

    def told(self, answer: Any) -> Told:
        raise NotImplementedError

    def piece(self, event: Any) -> str:
        """The words that a streamed event brings."""
        raise NotImplementedError

    @contextmanager
    def open(self, url: str, **more: Any) -> Iterator[Client]:
        with self.client(url, **more) as client:
            yield client

    @asynccontextmanager
    async def open_async(self, url: str, **more: Any) -> Any:
        async with self.async_client(url, **more) as client:
            yield client

    def ask(self, url: str, model: str, text: str, /, **more: Any) -> Told:
        """One answer in one piece."""
        system, tools = more.pop("system", ""), more.pop("tools", None)
        with self.open(url) as client:
            return self.told(self.create(client)(**self.words(model, text, system, tools), **more))

    def head(self, url: str, model: str, text: str, /, **more: Any) -> tuple[Any, Told]:
        """(the headers, the answer)."""
        system, tools = more.pop("system", ""), more.pop("tools", None)
        with self.open(url) as client:
            answer = self.raw(client)(**self.words(model, text, system, tools), **more)
            return answer.headers, self.told(answer.parse())

    def assemble(self, url: str, model: str, text: str, /, **more: Any) -> Told:
        """One answer, put together from its stream."""
        system, tools = more.pop("system", ""), more.pop("tools", None)
        with (
            self.open(url) as client,
            self.gather(client, **self.words(model, text, system, tools), **more) as stream,
        ):
            for _ in stream:
                pass
            return self.told(self.final(stream))


class Chat(Speaker):
    """openai, Chat Completions."""

    name = "openai_chat"
    errors = openai

    def client(self, url: str, **more: Any) -> Any:
        return openai.OpenAI(base_url=f"{url}/v1", api_key="anything", **{"max_retries": 0, "timeout": 20.0, **more})

    def async_client(self, url: str, **more: Any) -> Any:
        return openai.AsyncOpenAI(
            base_url=f"{url}/v1", api_key="anything", **{"max_retries": 0, "timeout": 20.0, **more}
        )

    def words(self, model: str, text: str, system: str = "", tools: list[Json] | None = None) -> Json:
        messages = [{"role": "system", "content": system}] if system else []
        words: Json = {"model": model, "messages": [*messages, {"role": "user", "content": text}]}
        if tools:
            words["tools"] = [{"type": "function", "function": tool} for tool in tools]
        return words

    def create(self, client: Client) -> Any:
        return client.chat.completions.create

    def raw(self, client: Client) -> Any:
        return client.chat.completions.with_raw_response.create

    def gather(self, client: Client, **words: Any) -> Any:
        return client.chat.completions.stream(**words, stream_options={"include_usage": True})

    def final(self, stream: Any) -> Any:
        return stream.get_final_completion()

    def told(self, answer: Any) -> Told:
        choice, usage = answer.choices[0], answer.usage
        calls = [(c.id, c.function.name, json.loads(c.function.arguments)) for c in choice.message.tool_calls or ()]
        return Told(
            choice.message.content or "",
            calls,
            choice.finish_reason,
            usage.prompt_tokens,
            usage.completion_tokens,
            (usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens) or 0,
            (usage.completion_tokens_details and usage.completion_tokens_details.reasoning_tokens) or 0,
            answer,
        )

    def piece(self, event: Any) -> str:
        return (event.choices[0].delta.content or "") if event.choices else ""


class Responses(Chat):
    """openai, Responses."""

    name = "openai_responses"

    def words(self, model: str, text: str, system: str = "", tools: list[Json] | None = None) -> Json:
        words: Json = {"model": model, "input": text}
        if system:
            words["instructions"] = system
        if tools:
            words["tools"] = [{"type": "function", "strict": True, **tool} for tool in tools]
        return words

    def create(self, client: Client) -> Any:
        return client.responses.create

    def raw(self, client: Client) -> Any:
        return client.responses.with_raw_response.create

    def gather(self, client: Client, **words: Any) -> Any:
        return client.responses.stream(**words)

    def final(self, stream: Any) -> Any:
        return stream.get_final_response()

    def told(self, answer: Any) -> Told:
        calls = [(c.call_id, c.name, json.loads(c.arguments)) for c in answer.output if c.type == "function_call"]
        usage = answer.usage
        return Told(
            answer.output_text,
            calls,
            answer.incomplete_details.reason if answer.incomplete_details else answer.status,
            usage.input_tokens,
            usage.output_tokens,
            usage.input_tokens_details.cached_tokens,
            usage.output_tokens_details.reasoning_tokens,
            answer,
        )

    def piece(self, event: Any) -> str:
        return str(event.delta) if event.type == "response.output_text.delta" else ""


class Messages(Speaker):
    """anthropic, Messages."""

    name = "anthropic_messages"
    errors = anthropic

    def client(self, url: str, **more: Any) -> Any:
        return anthropic.Anthropic(base_url=url, api_key="anything", **{"max_retries": 0, "timeout": 20.0, **more})

    def async_client(self, url: str, **more: Any) -> Any:
        return anthropic.AsyncAnthropic(base_url=url, api_key="anything", **{"max_retries": 0, "timeout": 20.0, **more})

    def words(self, model: str, text: str, system: str = "", tools: list[Json] | None = None) -> Json:
        words: Json = {"model": model, "max_tokens": 1000, "messages": [{"role": "user", "content": text}]}
        if system:
            words["system"] = system
        if tools:
            words["tools"] = [
                {"name": t["name"], "description": t["description"], "input_schema": t["parameters"]} for t in tools
            ]
        return words

    def create(self, client: Client) -> Any:
        return client.messages.create

    def raw(self, client: Client) -> Any:
        return client.messages.with_raw_response.create

    def gather(self, client: Client, **words: Any) -> Any:
        return client.messages.stream(**words)

    def final(self, stream: Any) -> Any:
        return stream.get_final_message()

    def told(self, answer: Any) -> Told:
        usage = answer.usage
        cached, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
        details = usage.output_tokens_details
        return Told(
            "".join(block.text for block in answer.content if block.type == "text"),
            [(block.id, block.name, block.input) for block in answer.content if block.type == "tool_use"],
            answer.stop_reason,
            usage.input_tokens + cached + written,
            usage.output_tokens,
            cached,
            (details and details.thinking_tokens) or 0,
            answer,
        )

    def piece(self, event: Any) -> str:
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            return str(event.delta.text)
        return ""


SPEAKERS: dict[str, Speaker] = {one.name: one for one in (Chat(), Responses(), Messages())}
