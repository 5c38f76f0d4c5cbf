"""The official clients of Gemini, Ollama, Cohere and Amazon Bedrock, each asked in its own words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import boto3
import cohere
import httpx
import ollama
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from cohere.core.api_error import ApiError
from google import genai
from google.genai import types
from google.genai.errors import APIError

Json = dict[str, Any]


class Told(NamedTuple):
    """What a client made of an answer. `calls` are (name, arguments)."""

    text: str
    calls: list[tuple[str, Any]]
    input: int | None
    output: int | None
    raw: Any


class Gemini:
    name = "gemini"
    error = APIError

    def client(self, url: str, key: str = "anything") -> Any:
        return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url, timeout=20_000))

    def words(self, text: str, system: str = "", tools: list[Json] | None = None) -> Json:
        declared = [
            types.FunctionDeclaration(
                name=tool["name"], description=tool["description"], parameters_json_schema=tool["parameters"]
            )
            for tool in tools or ()
        ]
        config = types.GenerateContentConfig(
            system_instruction=system or None,
            tools=[types.Tool(function_declarations=declared)] if tools else None,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        return {"contents": text, "config": config}

    def ask(self, url: str, model: str, text: str, **more: Any) -> Told:
        with self.client(url) as client:
            return self.told(client.models.generate_content(model=model, **self.words(text, **more)))

    def told(self, answer: Any) -> Told:
        parts = answer.candidates[0].content.parts or []
        words = "".join(part.text for part in parts if part.text and not part.thought)
        usage = answer.usage_metadata
        output = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0) if usage else None
        calls = [(part.function_call.name, part.function_call.args) for part in parts if part.function_call]
        return Told(words, calls, usage and usage.prompt_token_count, output, answer)

    def stream(self, url: str, model: str, text: str) -> list[str]:
        with self.client(url) as client:
            chunks = client.models.generate_content_stream(model=model, contents=text)
            return [chunk.text for chunk in chunks if chunk.text]

    def status(self, error: Any) -> int:
        return int(error.code)


class Ollama:
    name = "ollama"
    error = ollama.ResponseError

    @contextmanager
    def client(self, url: str) -> Iterator[Any]:
        client = ollama.Client(host=url, timeout=20)
        try:
            yield client
        finally:
            client._client.close()  # it has no door of its own

    def ask(self, url: str, model: str, text: str, system: str = "", tools: list[Json] | None = None) -> Told:
        messages = [{"role": "system", "content": system}] if system else []
        with self.client(url) as client:
            answer = client.chat(
                model=model,
                messages=[*messages, {"role": "user", "content": text}],
                tools=[{"type": "function", "function": tool} for tool in tools or ()],
            )
        calls = [(call.function.name, call.function.arguments) for call in answer.message.tool_calls or ()]
        return Told(answer.message.content, calls, answer.prompt_eval_count, answer.eval_count, answer)

    def stream(self, url: str, model: str, text: str) -> list[str]:
        with self.client(url) as client:
            lines = client.chat(model=model, messages=[{"role": "user", "content": text}], stream=True)
            return [line.message.content for line in lines if line.message.content]

    def status(self, error: Any) -> int:
        return int(error.status_code)


class Cohere:
    name = "cohere"
    error = ApiError

    @contextmanager
    def client(self, url: str) -> Iterator[Any]:
        with httpx.Client(timeout=20) as below:
            yield cohere.ClientV2(api_key="anything", base_url=url, httpx_client=below)

    def ask(self, url: str, model: str, text: str, system: str = "", tools: list[Json] | None = None) -> Told:
        messages = [{"role": "system", "content": system}] if system else []
        more = {"tools": [{"type": "function", "function": tool} for tool in tools]} if tools else {}
        with self.client(url) as client:
            answer = client.chat(model=model, messages=[*messages, {"role": "user", "content": text}], **more)
        words = "".join(part.text for part in answer.message.content or () if part.type == "text")
        calls = [(call.function.name, json.loads(call.function.arguments)) for call in answer.message.tool_calls or ()]
        usage = answer.usage.tokens if answer.usage else None
        return Told(words, calls, usage and int(usage.input_tokens), usage and int(usage.output_tokens), answer)

    def stream(self, url: str, model: str, text: str) -> list[str]:
        with self.client(url) as client:
            events = list(client.chat_stream(model=model, messages=[{"role": "user", "content": text}]))
        last = events[-1].delta
        if last.finish_reason == "ERROR":  # the library leaves it to its user to look
            raise RuntimeError(last.error)
        return [event.delta.message.content.text for event in events if event.type == "content-delta"]

    def status(self, error: Any) -> int:
        return int(error.status_code)


class Bedrock:
    name = "bedrock_converse"

    error = (ClientError, EventStreamError)

    @contextmanager
    def client(self, url: str) -> Iterator[Any]:
        client = boto3.client(
            "bedrock-runtime",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=20),
        )
        try:
            yield client
        finally:
            client.close()

    def words(self, text: str, system: str = "", tools: list[Json] | None = None) -> Json:
        words: Json = {"messages": [{"role": "user", "content": [{"text": text}]}]}
        if system:
            words["system"] = [{"text": system}]
        if tools:
            specs = [
                {"name": t["name"], "description": t["description"], "inputSchema": {"json": t["parameters"]}}
                for t in tools
            ]
            words["toolConfig"] = {"tools": [{"toolSpec": spec} for spec in specs]}
        return words

    def ask(self, url: str, model: str, text: str, **more: Any) -> Told:
        with self.client(url) as client:
            answer = client.converse(modelId=model, **self.words(text, **more))
        blocks = answer["output"]["message"]["content"]
        words = "".join(block.get("text", "") for block in blocks)
        calls = [(b["toolUse"]["name"], b["toolUse"]["input"]) for b in blocks if "toolUse" in b]
        usage = answer["usage"]
        return Told(words, calls, usage["inputTokens"], usage["outputTokens"], answer)

    def stream(self, url: str, model: str, text: str) -> list[str]:
        with (
            self.client(url) as client,
            closing(client.converse_stream(modelId=model, **self.words(text))["stream"]) as events,
        ):
            deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
        return [delta["text"] for delta in deltas if "text" in delta]

    def status(self, error: Any) -> int:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


NATIVES: dict[str, Any] = {one.name: one for one in (Gemini(), Ollama(), Cohere(), Bedrock())}
