"""Where requests are answered by any model, in the dialects that have no more than one such call each."""

from __future__ import annotations

from meshwright.server.asking import inference
from meshwright.wire import CODECS

_CHAT, _RESPONSES = CODECS["openai_chat"], CODECS["openai_responses"]
_MESSAGES, _COHERE, _BEDROCK = CODECS["anthropic_messages"], CODECS["cohere"], CODECS["bedrock_converse"]

ENDPOINTS = (
    inference("/v1/chat/completions", _CHAT, "Answer a chat, as OpenAI's Chat Completions clients ask."),
    inference("/v1/responses", _RESPONSES, "Answer, as OpenAI's Responses clients ask."),
    inference("/v1/messages", _MESSAGES, "Answer, as Anthropic's Messages clients ask."),
    inference("/v2/chat", _COHERE, "Answer a chat, as Cohere's clients ask."),
    inference("/model/{model}/converse", _BEDROCK, "Answer, as clients of Amazon Bedrock's Converse ask."),
    inference("/model/{model}/converse-stream", _BEDROCK, "The same as a stream of binary events.", stream=True),
)
