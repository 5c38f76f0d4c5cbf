"""A Request into the body for a provider.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.request import OutputFormat, Request
from meshwright.wire.bedrock_converse.blocks_out import cache_point
from meshwright.wire.bedrock_converse.shapes import NAME
from meshwright.wire.bedrock_converse.thinking import takes, thinking_out
from meshwright.wire.bedrock_converse.tools import choice_out, tools_out
from meshwright.wire.bedrock_converse.turns_out import Turns
from meshwright.wire.claude import generation, sampled
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.faithful import rewritten
from meshwright.wire.json_schema import in_words, narrow
from meshwright.wire.limits import within
from meshwright.wire.notes import Notes
from meshwright.wire.schema_subsets import BEDROCK
from meshwright.wire.strictness import held

_NESTS = ("additionalModelRequestFields", "inferenceConfig", "outputConfig", "toolConfig")
_TIERS = ("priority", "default", "flex", "reserved")
_LABEL = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}")
_LABELS = 16
_TEXTS: msgspec.json.Decoder[dict[str, str]] = msgspec.json.Decoder(dict[str, str])

# Fields without a place here: the values that say no more than the default does, and why others are left out.
_UNKNOWN: tuple[tuple[str, tuple[object, ...], str], ...] = (
    ("n", (None, 1), "The dialect gives one answer."),
    ("seed", (None,), "The dialect has no seed."),
    ("frequency_penalty", (None, 0), "The dialect has no penalties."),
    ("presence_penalty", (None, 0), "The dialect has no penalties."),
    ("logit_bias", (None,), "The dialect has no token biases."),
    ("logprobs", (False,), "The dialect tells no probabilities."),
    ("top_logprobs", (None,), "The dialect tells no probabilities."),
    ("modalities", ((), ("text",)), "The dialect cannot ask for a kind of answer."),
    ("speech", (None,), "The dialect cannot ask for a voice."),
    ("verbosity", ("",), "The dialect has no verbosity."),
    ("user", ("",), "The dialect does not say whose request it is."),
    ("cache_key", ("",), "The dialect has no cache keys."),
    ("store", (None, False), "The dialect stores no answers."),
    ("previous_response_id", ("",), "The dialect keeps no conversations."),
)


def encode_request(request: Request, target: Target) -> Encoded:
    """The body of POST /model/{model}/converse: the client's own bytes where they are of this dialect and unchanged.

    The model and whether to stream are the path's to say.
    """
    if request.source is not None and request.source.dialect == NAME:
        return Encoded(rewritten(request.source, {}))
    notes = Notes()
    return Encoded(msgspec.json.encode(_body(request, target, notes)), tuple(notes.found))


def _body(request: Request, target: Target, notes: Notes) -> dict[str, Any]:
    request = within(request, target, notes)
    turns = Turns(target, notes)
    turns.add(request.messages)
    body: dict[str, Any] = {}
    forced = request.tool_choice is not None and request.tool_choice.mode in ("required", "tool")
    thinking, effort = thinking_out(request.reasoning, target.model, request.max_tokens, forced, notes)
    request = sampled(request, generation(target.model), thinking, notes)
    _inference(body, request, notes)
    tools = tools_out(held(request, BEDROCK, notes), turns.tools, turns.results, notes)
    choice = choice_out(request, tools, notes)
    if tools:
        body["toolConfig"] = {"tools": tools, **({} if choice is None else {"toolChoice": choice})}
    _output(body, request, turns, notes)
    if effort is not None:
        body.setdefault("outputConfig", {})["effort"] = effort
    _own_fields(body, request, target, thinking, notes)
    _account(body, request, notes)
    for field, harmless, reason in _UNKNOWN:
        if getattr(request, field) not in harmless:
            notes.dropped(field, reason)
    if request.cache is not None:
        _cache(request, turns, notes)
    _extra(body, request, notes)
    said = {"system": turns.system} if turns.system else {}
    # What stays the same from one request of a conversation to the next stands first.
    return {**body, **said, "messages": [turn.wire() for turn in turns.turns]}


def _inference(body: dict[str, Any], request: Request, notes: Notes) -> None:
    config: dict[str, object] = {}
    if request.max_tokens is not None:
        config["maxTokens"] = request.max_tokens
    if request.temperature is not None:
        if request.temperature > 1:
            notes.changed("temperature", "The greatest temperature here is 1.")
        config["temperature"] = min(request.temperature, 1)
    if request.top_p is not None:
        config["topP"] = request.top_p
    stop = [one for one in request.stop if one]
    if len(stop) < len(request.stop):
        notes.dropped("stop", "An empty stop sequence is refused here.")
    if stop:
        config["stopSequences"] = stop
    if config:
        body["inferenceConfig"] = config


def _output(body: dict[str, Any], request: Request, turns: Turns, notes: Notes) -> None:
    output = request.output
    match output:
        case None | OutputFormat(kind="text"):
            return
        case OutputFormat(kind="schema", schema=Raw() as schema):
            if output.strict is False:
                notes.changed("output.strict", "A schema is always kept to here.")
            narrowed = narrow(schema, BEDROCK)
            if narrowed.schema is None:
                _told(output, f"The schema is told in words, at the end of `system`: {narrowed.why}.", turns, notes)
                return
            if narrowed.why:
                notes.changed("output.schema", f"The schema was narrowed: {narrowed.why}.")
            wanted = {"schema": bytes(narrowed.schema).decode()}
            for name in ("name", "description"):
                if getattr(output, name):
                    wanted[name] = getattr(output, name)
            form = {"type": "json_schema", "structure": {"jsonSchema": wanted}}
            body["outputConfig"] = {"textFormat": form}
        case _:
            _told(output, "JSON without a schema is asked for in words, at the end of `system`.", turns, notes)


def _told(output: OutputFormat, reason: str, turns: Turns, notes: Notes) -> None:
    notes.changed("output", reason)
    notes.changed("messages.system", reason)
    turns.system.append({"text": in_words(output.schema)})


def _own_fields(
    body: dict[str, Any], request: Request, target: Target, thinking: dict[str, object] | None, notes: Notes
) -> None:
    """What only some models know: how they think, and top_k."""
    if thinking is not None:
        body.setdefault("additionalModelRequestFields", {})["thinking"] = thinking
    if request.top_k is not None:
        if takes(target.model).top_k and request.top_k > 0:
            body.setdefault("additionalModelRequestFields", {})["top_k"] = request.top_k
        else:
            notes.dropped("top_k", "This model is not known to take it.")


def _account(body: dict[str, Any], request: Request, notes: Notes) -> None:
    """Members about whose request it is and how it is served."""
    if request.metadata is not None:
        if _is_labels(request.metadata):
            body["requestMetadata"] = request.metadata
        else:
            notes.dropped("metadata", "The dialect takes up to 16 names with short, plain words.")
    tier = request.service_tier
    if tier in _TIERS:
        body["serviceTier"] = {"type": tier}
    elif tier:
        notes.dropped("service_tier", f"There is no tier {tier[:40]} here.")


def _is_labels(raw: Raw) -> bool:
    try:
        labels = _TEXTS.decode(raw)
    except msgspec.ValidationError:
        return False
    plain = all(_LABEL.fullmatch(name) and (not said or _LABEL.fullmatch(said)) for name, said in labels.items())
    return 0 < len(labels) <= _LABELS and plain


def _cache(request: Request, turns: Turns, notes: Notes) -> None:
    """A mark at the end of the last turn, which is as much of the prefix as can be cached."""
    assert request.cache is not None
    blocks = turns.turns[-1].blocks if turns.turns else []
    if not blocks or (isinstance(blocks[-1], dict) and "cachePoint" in blocks[-1]):
        notes.dropped("cache", "There is no place for a mark, or one stands there already.")
        return
    notes.changed("cache", "The mark stands after the last turn here.")
    notes.changed("messages.cache", "The mark of the whole request stands after the last turn here.")
    blocks.append(cache_point(request.cache))


def _extra(body: dict[str, Any], request: Request, notes: Notes) -> None:
    """Put back the members that `types` has no place for, nested ones into the object that they came from."""
    for extra in request.extra:
        if extra.dialect != NAME:
            notes.foreign(extra.kind, extra)
            continue
        place, _, name = extra.kind.partition(".")
        if not name or place not in _NESTS:
            body[extra.kind] = extra.raw
        elif place == "toolConfig" and place not in body:
            notes.dropped(extra.kind, "There is no tool that it could belong to.")
        elif isinstance(parent := body.setdefault(place, {}), dict):
            parent[name] = extra.raw
        else:
            notes.dropped(extra.kind, "The member that it belonged to has changed.")
