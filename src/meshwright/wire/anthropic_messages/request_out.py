"""A Request into the body for a provider.

Source: https://platform.claude.com/docs/en/api/messages/create.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.request import OutputFormat, Request
from meshwright.wire.anthropic_messages import vertex
from meshwright.wire.anthropic_messages.blocks_out import mark, shortened
from meshwright.wire.anthropic_messages.shapes import NAME
from meshwright.wire.anthropic_messages.thinking import thinking_out
from meshwright.wire.anthropic_messages.tools import choice_out, tools_out
from meshwright.wire.anthropic_messages.turns import Turns
from meshwright.wire.claude import SAMPLING, Generation, generation, sampled
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.faithful import rewritten
from meshwright.wire.json_schema import in_words, narrow
from meshwright.wire.limits import within
from meshwright.wire.notes import Notes
from meshwright.wire.schema_subsets import ANTHROPIC
from meshwright.wire.strictness import held
from meshwright.wire.verbatim import raw_of

DEFAULT_LIMIT = 4096
"""max_tokens where neither the caller nor the model's card says one; every model of this API can answer that long."""

THREADS = "threads"
"""The quirk of a provider that holds conversations; at another, `thread` would lose their beginning."""

_THREAD = "thread"
_NO_THREADS = "This provider is not known to hold conversations."
_NESTS = ("metadata", "output_config", "thinking", "tool_choice")

# Fields without a place here: the value that says no more than the default does, and why others are left out.
_UNKNOWN: tuple[tuple[str, tuple[object, ...], str], ...] = (
    ("n", (None, 1), "The dialect gives one answer."),
    ("seed", (None,), "The dialect has no seed."),
    ("frequency_penalty", (None, 0), "The dialect has no penalties."),
    ("presence_penalty", (None, 0), "The dialect has no penalties."),
    ("logit_bias", (None,), "The dialect has no token biases."),
    ("logprobs", (False,), "The dialect tells no probabilities."),
    ("top_logprobs", (None,), "The dialect tells no probabilities."),
    ("modalities", ((), ("text",)), "The dialect answers in text."),
    ("speech", (None,), "The dialect answers in text."),
    ("verbosity", ("",), "The dialect has no verbosity."),
    ("metadata", (None,), "The dialect takes no metadata but a user's id."),
    ("cache_key", ("",), "The dialect has no cache keys."),
    ("store", (None, False), "The dialect stores no answers."),
    ("previous_response_id", ("",), "The dialect keeps no conversations."),
)


def encode_request(request: Request, target: Target) -> Encoded:
    """The body of POST /v1/messages: the client's own bytes where they are of this dialect and nothing has changed."""
    notes = Notes()
    if request.source is not None and request.source.dialect == NAME:
        return Encoded(rewritten(request.source, _necessary(request, target, notes)), tuple(notes.found))
    body = request_body(request, target, notes)
    if vertex.QUIRK in target.quirks:
        del body["model"]
        body["anthropic_version"] = vertex.VERSION
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def _necessary(request: Request, target: Target, notes: Notes) -> dict[str, Raw | None]:
    """The members of the client's body that this model would refuse, besides the model's name."""
    changes: dict[str, Raw | None] = {"model": raw_of(target.model)}
    if vertex.QUIRK in target.quirks:
        changes |= vertex.members()
    if _threaded(request, target):
        changes[_THREAD] = None
        notes.dropped(_THREAD, _NO_THREADS)
    takes = generation(target.model)
    if not takes.sampling or not (takes.both or None in (request.temperature, request.top_p)):
        left = sampled(request, takes, None, notes)
        for name in SAMPLING:
            if (kept := getattr(left, name)) != getattr(request, name):
                changes[name] = None if kept is None else raw_of(kept)
    control = request.reasoning
    if control is not None and (
        (control.budget is not None and not takes.budget) or (control.mode == "adaptive" and not takes.adaptive)
    ):
        body: dict[str, Any] = {}
        _reasoning(body, request, takes, request.max_tokens or DEFAULT_LIMIT, notes)
        _output(body, request, [], Notes())
        _extra(body, request, Notes(), only=("output_config", "thinking"))
        for name in ("thinking", "output_config"):
            changes[name] = raw_of(body[name]) if name in body else None
    return changes


def _threaded(request: Request, target: Target) -> bool:
    """Whether the conversation is held by a provider of which we do not know that it holds any."""
    return THREADS not in target.quirks and any(one.kind == _THREAD and one.dialect == NAME for one in request.extra)


def request_body(request: Request, target: Target, notes: Notes) -> dict[str, Any]:
    """The body built from the values; every loss goes to `notes`."""
    takes = generation(target.model)
    request = within(request, target, notes)
    turns = Turns(target, takes, notes)
    turns.add(request.messages)
    limit = _limit(request, target, notes)
    body: dict[str, Any] = {"model": target.model, "max_tokens": limit, "messages": []}
    tools = tools_out(held(request, ANTHROPIC, notes), notes)
    choice = choice_out(request, tools, notes)
    if tools:
        body["tools"] = tools
    if choice is not None:
        body["tool_choice"] = choice
    if request.stream:
        body["stream"] = True
    _reasoning(body, request, takes, limit, notes)
    _output(body, request, turns.system, notes)
    _sampling(body, request, takes, notes)
    _stop(body, request, notes)
    _account(body, request, notes)
    for field, harmless, reason in _UNKNOWN:
        if getattr(request, field) not in harmless:
            notes.dropped(field, reason)
    if _threaded(request, target):
        notes.dropped(_THREAD, _NO_THREADS)
        kept = tuple(one for one in request.extra if one.kind != _THREAD)
        request = msgspec.structs.replace(request, extra=kept)
    _extra(body, request, notes)
    if turns.system:
        body["system"] = shortened(turns.system)
    body["messages"] = [turn.wire() for turn in turns.turns]
    return body


def _limit(request: Request, target: Target, notes: Notes) -> int:
    if request.max_tokens is not None:
        return request.max_tokens
    limit = target.max_output or DEFAULT_LIMIT
    budget = request.reasoning.budget if request.reasoning is not None else None
    if target.max_output is None and budget is not None:
        limit += budget
    notes.changed("max_tokens", f"The dialect must state a limit: {limit} was sent.")
    return limit


def _reasoning(body: dict[str, Any], request: Request, takes: Generation, limit: int, notes: Notes) -> None:
    forced = request.tool_choice is not None and request.tool_choice.mode in ("required", "tool")
    thinking, effort = thinking_out(request.reasoning, takes, limit, forced, notes)
    if thinking is not None:
        body["thinking"] = thinking
    if effort is not None:
        body["output_config"] = {"effort": effort}


def _output(body: dict[str, Any], request: Request, system: list[Any], notes: Notes) -> None:
    output = request.output
    match output:
        case None | OutputFormat(kind="text"):
            return
        case OutputFormat(kind="schema", schema=Raw() as schema):
            for name in ("name", "description"):
                if getattr(output, name):
                    notes.dropped(f"output.{name}", "A schema has no name and no description here.")
            if output.strict is False:
                notes.changed("output.strict", "A schema is always kept to here.")
            narrowed = narrow(schema, ANTHROPIC)
            if narrowed.schema is None:
                _told(output, f"The schema is told in words, at the end of `system`: {narrowed.why}.", system, notes)
                return
            body.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": narrowed.schema}
            if narrowed.why:
                notes.changed("output.schema", f"The schema was narrowed: {narrowed.why}.")
        case _:
            _told(output, "JSON without a schema is asked for in words, at the end of `system`.", system, notes)


def _told(output: OutputFormat, reason: str, system: list[Any], notes: Notes) -> None:
    notes.changed("output", reason)
    notes.changed("messages.system", reason)
    system.append({"type": "text", "text": in_words(output.schema)})


def _sampling(body: dict[str, Any], request: Request, takes: Generation, notes: Notes) -> None:
    left = sampled(request, takes, body.get("thinking"), notes)
    for name in SAMPLING:
        if (value := getattr(left, name)) is not None:
            body[name] = value


def _stop(body: dict[str, Any], request: Request, notes: Notes) -> None:
    said = [one for one in request.stop if one.strip()]
    if len(said) < len(request.stop):
        notes.dropped("stop", "Stop sequences of white space alone are refused here.")
    if said:
        body["stop_sequences"] = said


def _account(body: dict[str, Any], request: Request, notes: Notes) -> None:
    """Members about whose request it is and how it is served."""
    if request.user:
        body["metadata"] = {"user_id": request.user}
    match request.service_tier:
        case "":
            pass
        case "auto" | "standard_only":
            body["service_tier"] = request.service_tier
        case "default":
            notes.changed("service_tier", "The default tier is called standard_only here.")
            body["service_tier"] = "standard_only"
        case tier:
            notes.dropped("service_tier", f"There is no tier {tier[:40]} here.")
    if request.cache is not None:
        body["cache_control"] = mark(request.cache)


def _extra(body: dict[str, Any], request: Request, notes: Notes, only: tuple[str, ...] = ()) -> None:
    """Put back the members that `types` has no place for, nested ones into the object that they came from."""
    for extra in request.extra:
        if extra.dialect != NAME:
            notes.foreign(extra.kind, extra)
            continue
        place, _, name = extra.kind.rpartition(".")
        outermost = extra.kind.partition(".")[0]
        if only and outermost not in only:
            continue
        if outermost not in _NESTS or not place:
            body[extra.kind] = extra.raw
            continue
        if outermost == "tool_choice" and outermost not in body:
            notes.dropped(extra.kind, "There is no choice of tools that it could belong to.")
            continue
        parent: Any = body
        for step in place.split("."):
            parent = parent.setdefault(step, {}) if isinstance(parent, dict) else {}
        if isinstance(parent, dict):
            parent[name] = extra.raw
        else:
            notes.dropped(extra.kind, "The member that it belonged to has changed.")
