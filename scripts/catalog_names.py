"""Who is who: what each source calls the providers that have a row here."""

from __future__ import annotations

LITELLM: dict[str, tuple[tuple[str, ...], str, str]] = {
    "ai21": (("ai21",), "ai21/", r"jamba-.+"),
    "aihubmix": (("aihubmix",), "aihubmix/", r".+"),
    "aimlapi": (("aiml",), "aiml/", r".+"),
    "abliteration-ai": (("abliteration",), "abliteration/", r".+"),
    "alibaba": (("dashscope",), "dashscope/", r".+"),
    "amazon-bedrock": (("bedrock", "bedrock_converse"), "bedrock/", r"[^/]+"),
    "anthropic": (("anthropic",), "anthropic/", r"claude-.+"),
    "azure": (("azure",), "azure/", r"[^/]+"),
    "azure-anthropic": (("azure_ai",), "azure_ai/", r"claude-.+"),
    "baseten": (("baseten",), "baseten/", r".+"),
    "bedrock-mantle": (("bedrock_mantle",), "bedrock_mantle/", r".+"),
    "cerebras": (("cerebras",), "cerebras/", r".+"),
    "cloudflare-workers-ai": (("cloudflare",), "cloudflare/", r"@.+"),
    "codestral": (("codestral",), "codestral/", r".+"),
    "cohere": (("cohere", "cohere_chat"), "cohere/", r".+"),
    "crusoe": (("crusoe",), "crusoe/", r".+"),
    "databricks": (("databricks",), "databricks/", r".+"),
    "deepinfra": (("deepinfra",), "deepinfra/", r".+"),
    "deepseek": (("deepseek",), "deepseek/", r".+"),
    "digitalocean": (("gradient_ai",), "gradient_ai/", r".+"),
    "featherless": (("featherless_ai",), "featherless_ai/", r".+"),
    "fireworks-ai": (("fireworks_ai", "fireworks_ai-embedding-models"), "fireworks_ai/", r"accounts/.+"),
    "friendli": (("friendliai",), "friendliai/", r".+"),
    "gmicloud": (("gmi",), "gmi/", r".+"),
    "google": (("gemini",), "gemini/", r".+"),
    "google-vertex": (
        (
            "vertex_ai",
            "vertex_ai-language-models",
            "vertex_ai-llama_models",
            "vertex_ai-deepseek_models",
            "vertex_ai-qwen_models",
            "vertex_ai-zai_models",
            "vertex_ai-openai_models",
            "vertex_ai-minimax_models",
            "vertex_ai-moonshot_models",
        ),
        "vertex_ai/",
        r".+",
    ),
    "groq": (("groq",), "groq/", r".+"),
    "heroku": (("heroku",), "heroku/", r".+"),
    "hyperbolic": (("hyperbolic",), "hyperbolic/", r".+"),
    "inception": (("inception",), "inception/", r".+"),
    "llama": (("meta_llama",), "meta_llama/", r".+"),
    "minimax": (("minimax",), "minimax/", r".+"),
    "mistral": (("mistral",), "mistral/", r".+"),
    "moonshotai": (("moonshot",), "moonshot/", r".+"),
    "morph": (("morph",), "morph/", r".+"),
    "nebius": (("nebius",), "nebius/", r".+"),
    "nova": (("amazon_nova",), "amazon-nova/", r".+"),
    "novita-ai": (("novita",), "novita/", r".+"),
    "nscale": (("nscale",), "nscale/", r".+"),
    "nvidia": (("nvidia_nim",), "nvidia_nim/", r".+"),
    "openai": (("openai", "text-completion-openai"), "openai/", r"(?!ft:)[^/]+"),
    "ovhcloud": (("ovhcloud",), "ovhcloud/", r".+"),
    "perplexity": (("perplexity",), "perplexity/", r"[^/]+"),
    "perplexity-agent": (("perplexity",), "perplexity/", r"[^/]+/.+"),
    "publicai": (("publicai",), "publicai/", r".+"),
    "replicate": (("replicate",), "replicate/", r".+"),
    "sambanova": (("sambanova",), "sambanova/", r".+"),
    "sarvam": (("sarvam",), "sarvam/", r".+"),
    "scaleway": (("scaleway",), "scaleway/", r".+"),
    "snowflake-cortex": (("snowflake",), "snowflake/", r".+"),
    "togetherai": (("together_ai",), "together_ai/", r".+/.+"),
    "v0": (("v0",), "v0/", r".+"),
    "vercel": (("vercel_ai_gateway",), "vercel_ai_gateway/", r".+"),
    "volcengine": (("volcengine",), "volcengine/", r".+"),
    "wandb": (("wandb",), "wandb/", r".+"),
    "watsonx": (("watsonx",), "watsonx/", r".+"),
    "xai": (("xai",), "xai/", r".+"),
    "xiaomi": (("xiaomi_mimo",), "xiaomi_mimo/", r".+"),
    "zai": (("zai",), "zai/", r".+"),
}
"""By row: the values of `litellm_provider`, the prefix of the names, and which names without it are meant.

Names of regions, sizes and fine-tuned models are not models of their own and are left out by the pattern.
"""

GENAI: dict[str, str] = {
    "amazon-bedrock": "aws",
    "anthropic": "anthropic",
    "arcee": "arcee",
    "avian": "avian",
    "azure": "azure",
    "baseten": "baseten",
    "cerebras": "cerebras",
    "cloudflare-workers-ai": "cloudflare",
    "cohere": "cohere",
    "databricks": "databricks",
    "deepseek": "deepseek",
    "doubleword": "doubleword",
    "fireworks-ai": "fireworks",
    "google": "google",
    "google-vertex": "google",
    "groq": "groq",
    "llama": "meta",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshotai": "moonshotai",
    "novita-ai": "novita",
    "openai": "openai",
    "openrouter": "openrouter",
    "ovhcloud": "ovhcloud",
    "perplexity": "perplexity",
    "togetherai": "together",
    "xai": "x-ai",
    "zai": "zai",
    "zhipuai": "zhipuai",
}
"""By row: the id of the provider in genai-prices."""

ONLY_GENAI = ("arcee", "avian", "doubleword")
"""Rows whose models the other two do not know: the ids of genai-prices are the names."""

MODELS_DEV: dict[str, str] = {"bedrock-mantle": "", "azure-anthropic": ""}
"""By row: the id of the provider on models.dev where it is not the row's name; "" has none."""


def renamed(provider: str, name: str) -> str:
    """What the address of the row wants to be asked for: Vertex wants the publisher before Google's own models."""
    if provider == "google-vertex" and "/" not in name:
        return f"google/{name}"
    return name
