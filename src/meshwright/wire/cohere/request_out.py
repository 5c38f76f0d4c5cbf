"""A Request into the body for a provider.

Source: https://docs.cohere.com/reference/chat; between efforts and budgets of thinking stands a table of ours:

    effort   minimal  low    medium  high    xhigh   max
    tokens   1,024    2,048  8,192   16,384  32,768  65,536
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.request import Effort, OutputFormat, ReasoningControl, Request
from meshwright.wire.cohere.request_in import CITING
from meshwright.wire.cohere.shapes import NAME
from meshwright.wire.cohere.tools import tools_out
from meshwright.wire.cohere.turns_out import Writer
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.faithful import rewritten
from meshwright.wire.json_schema import in_words, narrow
from meshwright.wire.notes import Notes
from meshwright.wire.schema_subsets import COHERE
from meshwright.wire.strictness import held

BUDGETS: dict[Effort, int] = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 65_536,
}
_MOST_STOPS = 5
_RANGES: tuple[tuple[str, str, float, float], ...] = (
    ("top_k", "k", 0, 500),
    ("top_p", "p", 0.01, 0.99),
    ("frequency_penalty", "frequency_penalty", 0.0, 1.0),
    ("presence_penalty", "presence_penalty", 0.0, 1.0),
)
"""Fields with their names and the least and greatest value here."""

# Fields without a place here: the values that say no more than the default does, and why others are left out.
_UNKNOWN: tuple[tuple[str, tuple[object, ...], str], ...] = (
    ("n", (None, 1), "The dialect gives one answer."),
    ("logit_bias", (None,), "The dialect has no token biases."),
    ("top_logprobs", (None,), "The dialect tells the probability of the tokens chosen, not of others."),
    ("modalities", ((), ("text",)), "The dialect answers in text."),
    ("speech", (None,), "The dialect answers in text."),
    ("verbosity", ("",), "The dialect has no verbosity."),
    ("user", ("",), "The dialect does not ask who the user is."),
    ("metadata", (None,), "The dialect takes no metadata."),
    ("cache", (None,), "The dialect has no cache marks."),
    ("cache_key", ("",), "The dialect has no cache keys."),
    ("service_tier", ("",), "The dialect has no service tiers, but a `priority`."),
    ("store", (None, False), "The dialect stores no answers."),
    ("previous_response_id", ("",), "The dialect keeps no conversations."),
)


def encode_request(request: Request, target: Target) -> Encoded:
    """The body of POST /v2/chat: the client's own bytes where they are of this dialect and nothing has changed."""
    if request.source is not None and request.source.dialect == NAME:
        return Encoded(rewritten(request.source, {"model": Raw(msgspec.json.encode(target.model))}))
    notes = Notes()
    writer = Writer(notes, target.origin)
    body: dict[str, Any] = {
        "model": target.model,
        "messages": writer.turns(request.messages),
        "stream": request.stream,
        **tools_out(held(request, COHERE, notes), notes),
    }
    _documents(body, request, writer, notes)
    _output(body, request.output, notes)
    thinking = _thinking(request.reasoning, notes)
    if thinking is not None:
        body["thinking"] = thinking
    _sampling(body, request, notes)
    for field, harmless, reason in _UNKNOWN:
        if getattr(request, field) not in harmless:
            notes.dropped(field, reason)
    _extra(body, request, notes)
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def _documents(body: dict[str, Any], request: Request, writer: Writer, notes: Notes) -> None:
    if not writer.documents:
        return
    body["documents"] = writer.documents
    said = any(extra.kind == CITING and extra.dialect == NAME for extra in request.extra)
    if not any(writer.cited):
        if not said:
            notes.moved("messages.cite", "That documents are not cited is said by `citation_options`.")
            body[CITING] = {"mode": "OFF"}
    elif not all(writer.cited):
        notes.changed("messages.cite", "All documents are cited here or none: all are.")


def _output(body: dict[str, Any], output: OutputFormat | None, notes: Notes) -> None:
    match output:
        case None:
            return
        case OutputFormat(kind="text"):
            body["response_format"] = {"type": "text"}
        case OutputFormat(kind="schema", schema=Raw() as schema):
            narrowed = narrow(schema, COHERE)
            body["response_format"] = {"type": "json_object"}
            if narrowed.schema is None:
                notes.changed("output", f"The schema is told in words, at the end: {narrowed.why}.")
                body["messages"] = [*body["messages"], {"role": "system", "content": in_words(schema)}]
            else:
                body["response_format"]["json_schema"] = narrowed.schema
                if narrowed.why:
                    notes.changed("output.schema", f"The schema was narrowed: {narrowed.why}.")
            if output.strict is False:
                notes.changed("output.strict", "A schema is always kept to here.")
        case _:
            body["response_format"] = {"type": "json_object"}
            if output.kind == "schema":
                notes.changed("output", "There is no schema: any JSON is asked for.")
    for name in ("name", "description"):
        if getattr(output, name):
            notes.dropped(f"output.{name}", "A schema has no name and no description here.")


def _thinking(control: ReasoningControl | None, notes: Notes) -> dict[str, object] | None:
    if control is None:
        return None
    if control.summary or control.hidden:
        notes.dropped("reasoning.summary", "How thoughts are shown cannot be said here.")
    if control.mode == "off" or control.effort == "none":
        if control.mode != "off" or control.effort is not None or control.budget is not None:
            notes.changed("reasoning", "Thinking is switched off, and nothing more is said of it.")
        return {"type": "disabled"}
    budget = control.budget
    if control.effort is not None:
        notes.changed("reasoning", "The model thinks by a budget in tokens, without an effort.")
        budget = BUDGETS[control.effort] if budget is None else budget
    if budget is None and not control.mode:
        return None
    if control.mode != "on":
        notes.changed("reasoning", "Thinking is switched on here, with a budget or without.")
    return {"type": "enabled"} if budget is None else {"type": "enabled", "token_budget": budget}


def _sampling(body: dict[str, Any], request: Request, notes: Notes) -> None:
    for name in ("max_tokens", "temperature", "seed"):
        value = getattr(request, name)
        if value is not None:
            body[name] = value
    for field, name, least, most in _RANGES:
        value = getattr(request, field)
        if value is None:
            continue
        body[name] = min(max(value, least), most)
        if body[name] != value:
            notes.changed(field, f"It is from {least} to {most} here: {body[name]} was sent.")
    if request.stop:
        body["stop_sequences"] = request.stop[:_MOST_STOPS]
        if len(request.stop) > _MOST_STOPS:
            notes.changed("stop", f"{_MOST_STOPS} stop sequences are taken here: the first were sent.")
    if request.logprobs:
        body["logprobs"] = True


def _extra(body: dict[str, Any], request: Request, notes: Notes) -> None:
    """Put back the members that `types` has no place for."""
    for extra in request.extra:
        if extra.dialect != NAME:
            notes.foreign(extra.kind, extra)
        elif not extra.kind.startswith("response_format."):
            body[extra.kind] = extra.raw
        elif isinstance(body.get("response_format"), dict):
            body["response_format"][extra.kind.removeprefix("response_format.")] = extra.raw
        else:
            notes.dropped(extra.kind, "There is no form of the answer that it could belong to.")
