"""A Request into the body for a provider.

Source: https://docs.ollama.com/api/chat.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.request import OutputFormat, ReasoningControl, Request
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.faithful import rewritten
from meshwright.wire.json_schema import narrow
from meshwright.wire.notes import Notes
from meshwright.wire.ollama.shapes import NAME
from meshwright.wire.ollama.tools import tools_out
from meshwright.wire.ollama.turns_out import Writer
from meshwright.wire.schema_subsets import LLAMA_CPP

_OPTIONS = (
    ("max_tokens", "num_predict"),
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("top_k", "top_k"),
    ("seed", "seed"),
    ("presence_penalty", "presence_penalty"),
    ("frequency_penalty", "frequency_penalty"),
)
_LEVELS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}

# Fields without a place here: the values that say no more than the default does, and why others are left out.
_UNKNOWN: tuple[tuple[str, tuple[object, ...], str], ...] = (
    ("n", (None, 1), "The dialect gives one answer."),
    ("logit_bias", (None,), "The dialect has no token biases."),
    ("modalities", ((), ("text",)), "The dialect answers in text."),
    ("speech", (None,), "The dialect answers in text."),
    ("verbosity", ("",), "The dialect has no verbosity."),
    ("user", ("",), "The dialect does not ask who the user is."),
    ("metadata", (None,), "The dialect takes no metadata."),
    ("cache", (None,), "The dialect has no cache marks."),
    ("cache_key", ("",), "The dialect has no cache keys."),
    ("service_tier", ("",), "The dialect has no service tiers."),
    ("store", (None, False), "The dialect stores no answers."),
    ("previous_response_id", ("",), "The dialect keeps no conversations."),
)


def encode_request(request: Request, target: Target) -> Encoded:
    """The body of POST /api/chat: the client's own bytes where they are of this dialect and nothing has changed."""
    if request.source is not None and request.source.dialect == NAME:
        return Encoded(rewritten(request.source, {"model": Raw(msgspec.json.encode(target.model))}))
    notes = Notes()
    body: dict[str, Any] = {
        "model": target.model,
        "messages": Writer(notes, target.origin).turns(request.messages),
        "stream": request.stream,
    }
    tools = tools_out(request, notes)
    if tools:
        body["tools"] = tools
    settings_out(request, body, notes)
    for extra in request.extra:
        if extra.dialect != NAME:
            notes.foreign(extra.kind, extra)
        else:
            put_back(body, extra.kind, extra.raw)
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def put_back(body: dict[str, Any], kind: str, raw: Raw) -> None:
    """A member that `types` has no place for, where it was: at the top or in `options`."""
    if kind.startswith("options."):
        body.setdefault("options", {})[kind.removeprefix("options.")] = raw
    else:
        body[kind] = raw


def settings_out(request: Request, body: dict[str, Any], notes: Notes) -> None:
    """How to answer: the members that /api/chat and /api/generate share."""
    _output(request.output, body, notes)
    think = _think(request.reasoning, notes)
    if think is not None:
        body["think"] = think
    options: dict[str, object] = {
        name: value for field, name in _OPTIONS if (value := getattr(request, field)) is not None
    }
    if request.stop:
        options["stop"] = request.stop
    if options:
        body["options"] = options
    if request.logprobs:
        body["logprobs"] = True
    if request.top_logprobs is not None:
        body["top_logprobs"] = request.top_logprobs
    for field, harmless, reason in _UNKNOWN:
        if getattr(request, field) not in harmless:
            notes.dropped(field, reason)


def _output(output: OutputFormat | None, body: dict[str, Any], notes: Notes) -> None:
    match output:
        case None | OutputFormat(kind="text"):
            return
        case OutputFormat(kind="schema", schema=Raw() as schema):
            narrowed = narrow(schema, LLAMA_CPP)
            body["format"] = schema if narrowed.schema is None else narrowed.schema
            if narrowed.why:
                notes.changed("output.schema", f"The schema is not kept to in all: {narrowed.why}.")
            if output.strict is False:
                notes.changed("output.strict", "A schema is always kept to here.")
        case OutputFormat():
            body["format"] = "json"
            if output.kind == "schema":
                notes.changed("output", "There is no schema: any JSON is asked for.")
    for name in ("name", "description"):
        if getattr(output, name):
            notes.dropped(f"output.{name}", "A schema has no name and no description here.")


def _think(control: ReasoningControl | None, notes: Notes) -> bool | str | None:
    """`think`: whether to, or one of three levels. A budget in tokens has no place."""
    if control is None:
        return None
    if control.summary or control.hidden:
        notes.dropped("reasoning.summary", "How thoughts are shown cannot be said here.")
    if control.budget is not None:
        notes.changed("reasoning.budget", "There is no budget here: thinking is on, or has a level.")
    if control.mode == "off" or control.effort == "none":
        if control.mode != "off" or control.effort is not None:
            notes.changed("reasoning", "Thinking is switched off, and nothing more is said of it.")
        return False
    if control.effort is not None:
        level = _LEVELS[control.effort]
        if level != control.effort or control.mode:
            notes.changed("reasoning", "Thinking has the levels low, medium and high, and a level switches it on.")
        return level
    if control.mode == "adaptive":
        notes.changed("reasoning", "Thinking is on or off here, not left to the model.")
    return True if control.mode or control.budget is not None else None
