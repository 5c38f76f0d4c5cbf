"""Engines that people run on their own machine: each speaks OpenAI's chat dialect on its usual port."""

from __future__ import annotations

from meshwright.types.model import Provider


def _engine(name: str, title: str, port: int, docs: str, quirks: tuple[str, ...] = ("max_tokens",)) -> Provider:
    return Provider(
        name=name,
        title=title,
        dialect="openai_chat",
        base_url=f"http://127.0.0.1:{port}/v1",
        auth="bearer",
        quirks=quirks,
        local=True,
        port=port,
        privacy="local",
        docs=docs,
    )


_TOP_K = ("max_tokens", "top_k")

LOCAL = (
    _engine("ollama", "Ollama", 11434, "https://docs.ollama.com/api/openai-compatibility"),
    _engine("vllm", "vLLM", 8000, "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html", _TOP_K),
    _engine(
        "llamacpp", "llama.cpp server", 8080, "https://github.com/ggml-org/llama.cpp/tree/master/tools/server", _TOP_K
    ),
    _engine("lmstudio", "LM Studio", 1234, "https://lmstudio.ai/docs/developer/openai-compat"),
    _engine("tgi", "Text Generation Inference", 3000, "https://huggingface.co/docs/text-generation-inference"),
)
