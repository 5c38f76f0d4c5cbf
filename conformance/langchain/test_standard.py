"""LangChain's standard suites for chat models, once for each pair of client and upstream dialect.

It runs in an environment that has `langchain-tests`; conformance/langchain_standard.py makes one and says in
MESH_SUITE_URL where the gateway is.
"""

from __future__ import annotations

import os
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

URL = os.environ["MESH_SUITE_URL"]
UPSTREAMS = {"Chat": "chat", "Responses": "resp", "Messages": "anth"}
"""How the classes and how the gateway's configuration call each upstream dialect."""
DETAILS = ["reasoning_output", "cache_read_input", "cache_creation_input"]


class _Client:
    """What is the same in all suites: the upstream knows everything that a client's dialect can ask."""

    upstream = "chat"

    @property
    def model_override_value(self) -> str:
        return f"{self.upstream}-2"

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True

    def asked(self, words: str, *, stream: bool) -> AIMessage:
        """The answer to a prompt that the upstream's script knows."""
        model = self.chat_model_class(**self.chat_model_params)  # type: ignore[attr-defined]  # of the suite
        if not stream:
            return model.invoke(words)
        full = None
        for chunk in model.stream(words):
            full = chunk if full is None else full + chunk
        assert full is not None
        return full

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self.asked("Think, please.", stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return self.asked("Read your cache, please.", stream=stream)

    def invoke_with_cache_creation_input(self, *, stream: bool = False) -> AIMessage:
        return self.asked("Write your cache, please.", stream=stream)


class _OpenAI(_Client):
    responses = False

    @property
    def chat_model_class(self) -> type[ChatOpenAI]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        more = {"use_responses_api": True} if self.responses else {"stream_usage": True}
        return {"model": f"{self.upstream}-1", "base_url": f"{URL}/v1", "api_key": "any", **more}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_audio_inputs(self) -> bool:
        return not self.responses and self.upstream == "chat"

    @property
    def supports_image_tool_message(self) -> bool:
        # Chat Completions has only text in what a tool has answered.
        return self.responses

    @property
    def supports_pdf_tool_message(self) -> bool:
        return self.responses

    @property
    def supported_usage_metadata_details(self) -> dict[str, list[str]]:
        return {"invoke": DETAILS[:2], "stream": DETAILS[:2]}


class _Anthropic(_Client):
    @property
    def chat_model_class(self) -> type[ChatAnthropic]:
        return ChatAnthropic

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": f"{self.upstream}-1", "base_url": URL, "api_key": "any"}

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> dict[str, list[str]]:
        known = DETAILS[1:] if self.upstream == "anth" else DETAILS[1:2]
        return {"invoke": known, "stream": known}


def _suites() -> dict[str, type]:
    """A class for each client in front of each upstream, and one of unit tests for each client."""
    clients: dict[str, tuple[type, dict[str, object]]] = {
        "ChatOpenAI": (_OpenAI, {}),
        "ChatOpenAIResponses": (_OpenAI, {"responses": True}),
        "ChatAnthropic": (_Anthropic, {}),
    }
    found: dict[str, type] = {}
    for name, (client, settings) in clients.items():
        for dialect, upstream in UPSTREAMS.items():
            suite = f"Test{name}Over{dialect}"
            members = {**settings, "upstream": upstream, "__module__": __name__}
            found[suite] = type(suite, (client, ChatModelIntegrationTests), members)
        suite = f"Test{name}Unit"
        found[suite] = type(suite, (client, ChatModelUnitTests), {**settings, "__module__": __name__})
    return found


globals().update(_suites())
