"""What three public sources say of models, each read into the same Record: nothing is judged here.

models.dev     https://models.dev/api.json (MIT): an object per provider and model; dollars per million tokens
LiteLLM        model_prices_and_context_window.json (MIT): an object per model; dollars per token
genai-prices   the Python package of that name (MIT): its data module is read as a syntax tree and never run
"""

from __future__ import annotations

import ast
import gzip
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

Tiers = dict[int, dict[str, Decimal]]
"""Prices by the number of input tokens from which they hold: dollars per million tokens of each bucket."""

NANO = Decimal("0.000000001")


@dataclass
class Record:
    """What one source says of one model. None and a missing entry: it says nothing."""

    kind: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    abilities: dict[str, bool] = field(default_factory=dict)
    prices: Tiers = field(default_factory=dict)
    batch: Tiers = field(default_factory=dict)
    other: dict[str, Decimal] = field(default_factory=dict)
    """Prices of other units: dollars per image, second, character, page or query."""
    elsewhere: bool = False
    """It is reached at another address or in another dialect than the provider's other models."""
    marked: bool = False
    """The source marks it as deprecated."""


Source = Callable[[str], dict[str, Record]]
"""The records of a provider, by what the provider calls each model."""


def amount(value: Any, times: int = 1) -> Decimal | None:
    """Dollars, exact to a nano-dollar: what lies below is a float's noise. Negative and non-numbers say nothing."""
    try:
        number = (Decimal(str(value)) * times).quantize(NANO)
    except (ArithmeticError, ValueError):
        return None
    return number if number.is_finite() and number >= 0 else None


def put(tiers: Tiers, above: int, bucket: str, value: Any, times: int = 1) -> None:
    """Add a price, if it is one."""
    number = amount(value, times)
    if number is not None:
        tiers.setdefault(above, {})[bucket] = number


def count(value: Any) -> int | None:
    """A number of tokens; 0 and everything that is no whole number says nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


@cache
def load(path: Path) -> Any:
    """JSON, maybe compressed; numbers with a point stay text. Read once: nobody changes it."""
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data, parse_float=str)


# --- models.dev

_NAMES = (
    ("embed", "embedding"),
    ("rerank", "rerank"),
    ("whisper", "transcription"),
    ("transcribe", "transcription"),
    ("moderation", "moderation"),
    ("realtime", "realtime"),
    ("-tts", "speech"),
)
_DIALECTS = {"anthropic": "anthropic_messages", "openai": "openai_responses", "openai-compatible": "openai_chat"}
_BUCKETS = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "input_audio": "audio_input",
    "output_audio": "audio_output",
    "reasoning": "reasoning",
}


def models_dev(path: Path, provider: str, dialect: str) -> dict[str, Record]:
    """Its records of a provider; `dialect` is what the provider's row speaks."""
    models = load(path).get(provider, {}).get("models", {})
    return {name: _models_dev(name, model, dialect) for name, model in models.items()}


def _models_dev(name: str, model: Mapping[str, Any], dialect: str) -> Record:
    limit, modalities, cost = model.get("limit") or {}, model.get("modalities") or {}, model.get("cost") or {}
    record = Record(kind=_kind(name, modalities.get("output")), marked=model.get("status") == "deprecated")
    facts = {
        "window": count(limit.get("context")),
        "max_input": count(limit.get("input")),
        "max_output": count(limit.get("output")),
        "released": model.get("release_date"),
        "family": model.get("family"),
    }
    record.facts = {name: value for name, value in facts.items() if value}
    for theirs, ours in (("tool_call", "tools"), *((name, name) for name in ("reasoning", "structured_output"))):
        if isinstance(model.get(theirs), bool):
            record.abilities[ours] = model[theirs]
    if reads := modalities.get("input"):
        record.abilities |= {"vision": "image" in reads, "audio_input": "audio" in reads, "files": "pdf" in reads}
    if writes := modalities.get("output"):
        record.abilities["audio_output"] = "audio" in writes
    tiers = [(0, cost), *((int(tier["tier"]["size"]) + 1, tier) for tier in cost.get("tiers") or [])]
    for above, tier in tiers:
        for theirs, ours in _BUCKETS.items():
            put(record.prices, above, ours, tier.get(theirs))
    override = model.get("provider") or {}
    spoken = _DIALECTS.get(str(override.get("npm", "")).removeprefix("@ai-sdk/"), override.get("npm"))
    shape = {"responses": "openai_responses", "completions": "openai_chat"}.get(override.get("shape", ""), spoken)
    record.elsewhere = bool(override) and ("api" in override or (shape is not None and shape != dialect))
    return record


def _kind(name: str, writes: list[str] | None) -> str:
    for mark, kind in _NAMES:
        if mark in name.lower():
            return kind
    if writes is None or "text" in writes:
        return "chat" if writes else ""
    return {"image": "image", "video": "video", "audio": "speech"}.get(writes[0], "")


# --- LiteLLM

_MODES = {
    "chat": "chat",
    "responses": "responses",
    "completion": "completion",
    "embedding": "embedding",
    "rerank": "rerank",
    "image_generation": "image",
    "image_edit": "image",
    "video_generation": "video",
    "audio_transcription": "transcription",
    "audio_speech": "speech",
    "realtime": "realtime",
    "moderation": "moderation",
    "ocr": "ocr",
}
_COSTS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
    "output_cost_per_reasoning_token": "reasoning",
}
_OTHER = {
    "input_cost_per_query": "query",
    "input_cost_per_second": "second_in",
    "output_cost_per_second": "second_out",
    "input_cost_per_character": "character",
    "output_cost_per_image": "image_out",
    "input_cost_per_image": "image_in",
    "ocr_cost_per_page": "page",
    "input_cost_per_request": "request",
}
_ABLE = {
    "supports_function_calling": "tools",
    "supports_parallel_function_calling": "parallel_tools",
    "supports_response_schema": "structured_output",
    "supports_reasoning": "reasoning",
    "supports_vision": "vision",
    "supports_audio_input": "audio_input",
    "supports_audio_output": "audio_output",
    "supports_pdf_input": "files",
    "supports_prompt_caching": "prompt_cache",
}
_COST = re.compile(rf"({'|'.join(sorted(_COSTS, key=len, reverse=True))})(?:_above_(\d+)k_tokens)?(_batches)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def litellm(path: Path, owners: tuple[str, ...], prefix: str, names: str) -> dict[str, Record]:
    """Its records of the models of `owners`, without the `prefix`; only names that match `names` wholly."""
    found, pattern = {}, re.compile(names)
    for key, model in load(path).items():
        name = key.removeprefix(prefix)
        mode = _MODES.get(model.get("mode") or "")
        if not mode or model.get("litellm_provider") not in owners or not pattern.fullmatch(name):
            continue
        # The same model under its bare and under its prefixed name: the prefixed one is the entry that is kept up.
        if name not in found or key != name:
            found[name] = _litellm(model, mode, prefix)
    return found


def _litellm(model: Mapping[str, Any], kind: str, prefix: str) -> Record:
    record = Record(kind=kind)
    retires = model.get("deprecation_date") or ""
    facts = {
        "window": count(model.get("max_input_tokens")),
        "max_output": count(model.get("max_output_tokens")),
        "retires": retires if _DAY.fullmatch(retires) else None,
        "successor": str((model.get("metadata") or {}).get("successor", "")).removeprefix(prefix),
    }
    record.facts = {name: value for name, value in facts.items() if value}
    for theirs, ours in _ABLE.items():
        if isinstance(model.get(theirs), bool):
            record.abilities[ours] = model[theirs]
    for field_name, value in model.items():
        if match := _COST.fullmatch(field_name):
            bucket, thousands, batch = match.groups()
            above = int(thousands) * 1000 + 1 if thousands else 0
            put(record.batch if batch else record.prices, above, _COSTS[bucket], value, 1_000_000)
    for tier in model.get("tiered_pricing") or []:
        start = int(Decimal(str((tier.get("range") or [0])[0])))
        for theirs, ours in _COSTS.items():
            put(record.prices, start + 1 if start else 0, ours, tier.get(theirs), 1_000_000)
    for theirs, unit in _OTHER.items():
        value = amount(model.get(theirs)) if theirs in model else None
        if value:
            record.other[unit] = value
    return record


# --- genai-prices

_MTOK = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
    "output_reasoning_mtok": "reasoning",
}


def tree(path: Path) -> dict[str, Any]:
    """The providers of its data module, by id, from a wheel or from the module itself."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            text = wheel.read("genai_prices/data.py").decode()
    else:
        text = path.read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "providers" and node.value:
            return {provider["id"]: provider for provider in _value(node.value)}
    raise SystemExit(f"{path} has no list of providers")


def _value(node: ast.expr) -> Any:
    """A literal as itself; a call as its keywords, its name under "is". Nothing is run."""
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        if name == "Decimal":
            return Decimal(ast.literal_eval(node.args[0]))
        if name == "datetime.date":
            year, month, day = map(ast.literal_eval, node.args)
            return f"{year:04}-{month:02}-{day:02}"
        return {"is": name} | {word.arg: _value(word.value) for word in node.keywords if word.arg}
    return ast.unparse(node) if isinstance(node, ast.Attribute) else ast.literal_eval(node)


def matches(clause: Mapping[str, Any], name: str) -> bool:
    """Whether a clause of its language is about that name."""
    for word, value in clause.items():
        match word:
            case "or_":
                return any(matches(inner, name) for inner in value)
            case "and_":
                return all(matches(inner, name) for inner in value)
            case "equals":
                return bool(name == value)
            case "starts_with":
                return name.startswith(str(value))
            case "ends_with":
                return name.endswith(str(value))
            case "contains":
                return str(value) in name
            case "regex":
                return re.search(value, name) is not None
    return False


def genai_prices(provider: Mapping[str, Any], names: Iterator[str], date: str) -> dict[str, Record]:
    """Its records for models of these names, as the prices were on `date`; the first model that matches is meant."""
    found = {}
    for name in names:
        low = name.lower()
        model = next((one for one in provider["models"] if one["id"].lower() == low), None)
        model = model or next((one for one in provider["models"] if matches(one["match"], low)), None)
        if model is not None:
            found[name] = _genai(model, date)
    return found


def _genai(model: Mapping[str, Any], date: str) -> Record:
    record = Record(marked=bool(model.get("deprecated")))
    if window := count(model.get("context_window")):
        record.facts["window"] = window
    prices = model["prices"]
    steps = prices if isinstance(prices, list) else [{"prices": prices}]
    timed = [(one.get("constraint") or {}, one["prices"]) for one in steps]
    # Prices of certain hours are no price of a model: what holds all day is.
    days = [(rule.get("start_date", ""), tier) for rule, tier in timed if "start_time" not in rule]
    now = [(start, tier) for start, tier in days if start <= date] or days[:1]
    later = [(start, tier) for start, tier in days if start > date]
    if now:
        since, current = now[-1]
        _mtok(record.prices, current)
        record.facts |= {"price_since": since} if since else {}
    if later:
        record.facts["price_changes"] = later[0][0]
    for variant in model.get("price_variants") or []:
        start = (variant.get("constraint") or {}).get("start_date", "")
        if variant["when"] == {"processing": "batch"} and start <= date:
            _mtok(record.batch, variant["prices"])
    return record


def _mtok(into: Tiers, prices: Mapping[str, Any]) -> None:
    for theirs, ours in _MTOK.items():
        value = prices.get(theirs)
        if isinstance(value, dict):
            put(into, 0, ours, value["base"])
            for tier in value["tiers"]:
                put(into, tier["start"] + 1, ours, tier["price"])
        elif value is not None:
            put(into, 0, ours, value)
