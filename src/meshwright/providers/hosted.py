"""Services on the internet. Addresses, key names and dialects are from each one's own documentation (`docs`)."""

from __future__ import annotations

from meshwright.types.model import Provider

_CHAT = ("max_tokens", "no_developer_role")


def _compatible(name: str, title: str, base_url: str, key_env: str, docs: str, *quirks: str) -> Provider:
    """A service that speaks OpenAI's chat dialect the way most do, but for its own `quirks`."""
    return Provider(
        name=name,
        title=title,
        dialect="openai_chat",
        base_url=base_url,
        key_env=key_env,
        quirks=(*_CHAT, *quirks),
        docs=docs,
    )


HOSTED = (
    Provider(
        name="openai",
        title="OpenAI",
        dialect="openai_chat",
        base_url="https://api.openai.com/v1",
        key_env="OPENAI_API_KEY",
        quirks=("no_reasoning_input",),
        privacy="no_training",
        docs="https://platform.openai.com/docs/api-reference",
    ),
    Provider(
        name="anthropic",
        title="Anthropic",
        dialect="anthropic_messages",
        base_url="https://api.anthropic.com/v1",
        auth="x-api-key",
        key_env="ANTHROPIC_API_KEY",
        quirks=("system_turns",),
        privacy="no_training",
        docs="https://platform.claude.com/docs/en/api/overview",
    ),
    _compatible(
        "google",
        "Google AI Studio",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        "https://ai.google.dev/gemini-api/docs/openai",
    ),
    _compatible(
        "mistral",
        "Mistral",
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        "https://docs.mistral.ai/api/",
        "no_stream_options",
    ),
    _compatible(
        "groq", "Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "https://console.groq.com/docs/openai"
    ),
    _compatible(
        "togetherai",
        "Together AI",
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
        "https://docs.together.ai/docs",
        "top_k",
    ),
    _compatible(
        "fireworks-ai",
        "Fireworks AI",
        "https://api.fireworks.ai/inference/v1",
        "FIREWORKS_API_KEY",
        "https://docs.fireworks.ai/api-reference",
        "top_k",
    ),
    _compatible(
        "deepseek", "DeepSeek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", "https://api-docs.deepseek.com"
    ),
    _compatible(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        "https://openrouter.ai/docs",
        "cache_control",
        "reasoning_object",
        "top_k",
        "file_url",
    ),
    _compatible("xai", "xAI", "https://api.x.ai/v1", "XAI_API_KEY", "https://docs.x.ai/docs/api-reference"),
    _compatible(
        "cerebras", "Cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", "https://inference-docs.cerebras.ai"
    ),
    _compatible(
        "deepinfra",
        "DeepInfra",
        "https://api.deepinfra.com/v1/openai",
        "DEEPINFRA_API_KEY",
        "https://deepinfra.com/docs/openai_api",
    ),
    _compatible(
        "moonshotai",
        "Moonshot AI",
        "https://api.moonshot.ai/v1",
        "MOONSHOT_API_KEY",
        "https://platform.moonshot.ai/docs",
    ),
    _compatible(
        "perplexity", "Perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", "https://docs.perplexity.ai"
    ),
    _compatible(
        "nvidia",
        "NVIDIA NIM",
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_API_KEY",
        "https://docs.api.nvidia.com/nim/",
    ),
    _compatible(
        "huggingface",
        "Hugging Face Inference Providers",
        "https://router.huggingface.co/v1",
        "HF_TOKEN",
        "https://huggingface.co/docs/inference-providers",
    ),
)
