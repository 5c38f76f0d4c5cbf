"""JSON Schemas of the OpenAPI document: what every request must have; dialects' other members pass through."""

from __future__ import annotations

from typing import Any

ERRORS = {
    "400": "A field is wrong: the message names it and the fix.",
    "401": "No key, or one that is not known.",
    "403": "The key may not do this.",
    "404": "No such model or record.",
    "413": "The body is too large.",
    "422": "The model declines.",
    "429": "Too many requests.",
    "500": "The gateway failed.",
    "502": "The provider failed.",
    "503": "No model can serve this, or the gateway is shutting down.",
    "504": "The provider took too long.",
}
MOST = 2**31 - 1
_PART = {
    "type": "object",
    "description": "Text, or what else the dialect has: images, files, audio, tool calls and results.",
    "required": ["type"],
    "properties": {"type": {"type": "string"}},
}
_CONTENT = {"anyOf": [{"type": "string"}, {"type": "array", "items": _PART}, {"type": "null"}]}
_STREAM = {"type": "boolean", "description": "Answer in pieces, as server-sent events."}
_MODEL = {"type": "string", "description": 'A model, an alias, a route, or "auto".', "minLength": 1}


def _messages(*roles: str) -> dict[str, Any]:
    message = {
        "type": "object",
        "required": ["role", "content"],
        "properties": {"role": {"enum": list(roles)}, "content": _CONTENT},
    }
    return {"type": "array", "minItems": 1, "items": message}


_WORDS = {"type": "string"}
_PROMPT = {"type": "string", "minLength": 1}
_BLOCK = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "object", "required": ["text"], "properties": {"text": _WORDS}, "additionalProperties": False},
}
_LINES = {"type": "boolean", "description": "Answer in pieces, as lines of JSON: so unless this is false."}


def _listed(role: str, content: str, *, kind: dict[str, Any]) -> dict[str, Any]:
    turn = {"type": "object", "required": [role, content], "properties": {role: {"enum": ["user"]}, content: kind}}
    return {"type": "array", "minItems": 1, "items": turn}


SCHEMAS: dict[str, Any] = {
    "openai_chat": {
        "type": "object",
        "required": ["model", "messages"],
        "properties": {
            "model": _MODEL,
            "messages": _messages("system", "developer", "user", "assistant"),
            "stream": _STREAM,
            "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
            "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "max_completion_tokens": {"type": ["integer", "null"], "minimum": 1, "maximum": MOST},
        },
    },
    "openai_responses": {
        "type": "object",
        "required": ["model", "input"],
        "properties": {
            "model": _MODEL,
            "input": {"type": "string", "minLength": 1},
            "instructions": {"type": ["string", "null"]},
            "stream": _STREAM,
            "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
            "max_output_tokens": {"type": ["integer", "null"], "minimum": 1, "maximum": MOST},
        },
    },
    "openai_completions": {
        "type": "object",
        "required": ["model", "prompt"],
        "properties": {
            "model": _MODEL,
            "prompt": {"anyOf": [_PROMPT, {"type": "array", "minItems": 1, "maxItems": 3, "items": _PROMPT}]},
            "max_tokens": {"type": ["integer", "null"], "minimum": 1, "maximum": MOST},
            "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
            "echo": {"type": ["boolean", "null"], "description": "Begin the answer with the prompt."},
        },
    },
    "anthropic_messages": {
        "type": "object",
        "required": ["model", "messages", "max_tokens"],
        "properties": {
            "model": _MODEL,
            "messages": _messages("user", "assistant"),
            "max_tokens": {"type": "integer", "minimum": 1, "maximum": MOST},
            "system": _CONTENT,
            "stream": _STREAM,
            "temperature": {"type": "number", "minimum": 0, "maximum": 1},
        },
    },
    "cohere": {
        "type": "object",
        "required": ["model", "messages"],
        "properties": {"model": _MODEL, "messages": _messages("user"), "stream": _STREAM},
    },
    "bedrock_converse": {
        "type": "object",
        "required": ["messages"],
        "properties": {"messages": _listed("role", "content", kind=_BLOCK)},
    },
    "gemini": {
        "type": "object",
        "required": ["contents"],
        "properties": {"contents": _listed("role", "parts", kind=_BLOCK)},
    },
    "gemini_count": {
        "type": "object",
        "required": ["contents"],
        "properties": {"contents": _listed("role", "parts", kind=_BLOCK)},
    },
    "ollama": {
        "type": "object",
        "required": ["model", "messages"],
        "properties": {"model": _MODEL, "messages": _listed("role", "content", kind=_WORDS), "stream": _LINES},
    },
    "ollama_generate": {
        "type": "object",
        "required": ["model", "prompt"],
        "properties": {"model": _MODEL, "prompt": {"type": "string", "minLength": 1}, "stream": _LINES},
    },
    "ollama_embed": {
        "type": "object",
        "required": ["model", "input"],
        "properties": {"model": _MODEL, "input": {"type": "string"}},
    },
    "cohere_embed": {
        "type": "object",
        "required": ["model", "input_type", "texts"],
        "properties": {
            "model": _MODEL,
            "input_type": {"enum": ["search_document", "search_query", "classification", "clustering"]},
            "texts": {"type": "array", "minItems": 1, "maxItems": 96, "items": {"type": "string", "minLength": 1}},
        },
    },
    "ollama_embedding": {
        "type": "object",
        "required": ["model", "prompt"],
        "properties": {"model": _MODEL, "prompt": {"type": "string"}},
    },
    "BedrockError": {
        "type": "object",
        "required": ["__type", "message"],
        "properties": {"__type": _WORDS, "message": _WORDS},
    },
    "GeminiError": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "status"],
                "properties": {"code": {"type": "integer"}, "message": _WORDS, "status": _WORDS},
            }
        },
    },
    "OllamaError": {"type": "object", "required": ["error"], "properties": {"error": _WORDS}},
    "ollama_named": {"type": "object", "required": ["model"], "properties": {"model": _MODEL}},
    "anthropic_count": {
        "type": "object",
        "required": ["model", "messages"],
        "properties": {
            "model": {"type": "string", "description": "Any name: the estimate is the same for all."},
            "messages": _messages("system", "user", "assistant"),
            "system": _CONTENT,
        },
    },
    "embeddings": {
        "type": "object",
        "required": ["model", "input"],
        "properties": {
            "model": {"type": "string", "description": "A model that makes vectors, as PROVIDER/NAME.", "minLength": 1},
            "input": {
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
                ]
            },
            "dimensions": {"type": ["integer", "null"], "minimum": 1, "maximum": 65_536},
            "encoding_format": {"enum": ["float", "base64"]},
        },
    },
    "rerank": {
        "type": "object",
        "required": ["model", "query", "documents"],
        "properties": {
            "model": {"type": "string", "description": "A model that ranks, as PROVIDER/NAME.", "minLength": 1},
            "query": {"type": "string", "minLength": 1},
            "documents": {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
            "top_n": {"type": ["integer", "null"], "minimum": 1},
            "return_documents": {"type": ["boolean", "null"]},
        },
    },
    "Quote": {
        "type": "object",
        "description": "What to quote: a prompt, or a whole request.",
        "anyOf": [{"required": ["prompt"]}, {"required": ["request"]}],
        "additionalProperties": False,
        "properties": {
            "model": {"type": "string", "description": "What the prompt asks for.", "default": "auto"},
            "prompt": {"type": "string", "minLength": 1, "description": "A single user message."},
            "request": {"$ref": "#/components/schemas/openai_chat"},
            "dialect": {"enum": ["openai_chat"], "description": "Or another one, with a request in its words."},
            "max_tokens": {"type": "integer", "minimum": 1, "maximum": MOST},
        },
    },
    "Route": {
        "type": "object",
        "description": "What to decide: at least one prompt or request, a thousand of each at most.",
        "anyOf": [
            {"required": ["prompts"], "properties": {"prompts": {"minItems": 1}}},
            {"required": ["requests"], "properties": {"requests": {"minItems": 1}}},
        ],
        "additionalProperties": False,
        "properties": {
            "model": {"type": "string", "description": "What the prompts ask for.", "default": "auto"},
            "prompts": {
                "type": "array",
                "maxItems": 1000,
                "items": {"type": "string"},
                "description": "Single user messages.",
            },
            "requests": {
                "type": "array",
                "maxItems": 1000,
                "items": {},
                "description": "Bodies as for /v1/chat/completions. What is wrong with one is told in its place.",
            },
            "live": {
                "type": "boolean",
                "default": True,
                "description": "false: leave out how models have been doing of late.",
            },
        },
    },
    "Feedback": {
        "type": "object",
        "description": "What is said of an answer: one of thumbs, score, correction and label, or several.",
        "required": ["id"],
        "anyOf": [{"required": [name]} for name in ("thumbs", "score", "correction", "label")],
        "additionalProperties": False,
        "properties": {
            "id": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "The decision's id (x-mesh-decision), or the answer's own.",
            },
            "thumbs": {"enum": ["up", "down"]},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "correction": {
                "type": "string",
                "minLength": 1,
                "maxLength": 100000,
                "pattern": r"\S",
                "description": "What the answer should have been.",
            },
            "label": {
                "type": "string",
                "minLength": 1,
                "maxLength": 64,
                "pattern": r"\S",
                "description": "A word of your own; learning.labels says what it is worth.",
            },
            "model": {
                "type": "string",
                "description": "Which of several answers is meant, of a panel or a cascade. Default: the one given.",
            },
        },
    },
    "message_batch": {
        "type": "object",
        "required": ["requests"],
        "properties": {
            "requests": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {
                    "type": "object",
                    "required": ["custom_id", "params"],
                    "properties": {
                        "custom_id": {"type": "string", "minLength": 1, "maxLength": 64},
                        "params": {"type": "object"},
                    },
                },
            }
        },
    },
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type"],
                "properties": {
                    "message": {"type": "string"},
                    "type": {"type": "string"},
                    "param": {"type": ["string", "null"]},
                    "code": {"type": ["string", "null"]},
                },
            }
        },
    },
    "AnthropicError": {
        "type": "object",
        "required": ["type", "error"],
        "properties": {
            "type": {"const": "error"},
            "error": {
                "type": "object",
                "required": ["type", "message"],
                "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
    "CohereError": {
        "type": "object",
        "required": ["message"],
        "properties": {"message": {"type": "string"}},
    },
}
ERROR_SHAPES = {
    "anthropic_messages": "AnthropicError",
    "bedrock_converse": "BedrockError",
    "cohere": "CohereError",
    "gemini": "GeminiError",
    "ollama": "OllamaError",
    "ollama_generate": "OllamaError",
}
"""The schemas of errors that do not have OpenAI's shape, by dialect."""
