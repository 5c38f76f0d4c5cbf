"""Tools, the choice among them, the form of the answer and the effort of thinking, both ways.

Source: https://platform.openai.com/docs/api-reference/responses/create (tools, tool_choice, text, reasoning) and
https://platform.openai.com/docs/guides/function-calling (strict: left out, this API makes a schema strict and with it
every argument mandatory; `false` says what silence says everywhere else).
"""

from __future__ import annotations

from typing import get_args

from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.request import Effort, OutputFormat, ReasoningControl, ToolChoice, ToolSpec
from meshwright.wire.functions import hosted_out
from meshwright.wire.json_schema import narrow
from meshwright.wire.notes import Notes
from meshwright.wire.openai_responses.members import ARRAY, FLAG, NAME, OBJECT, RAW, STRING, Members, read, wrong
from meshwright.wire.schema_subsets import OPENAI
from meshwright.wire.verbatim import is_object, raw_of

Json = dict[str, object]
Left = dict[str, Raw]

_EFFORTS: dict[str, Effort] = {word: word for word in get_args(Effort)}
# Google's table for its own OpenAI-compatible API, read backwards: the largest budget (tokens) of each effort.
_BUDGETS: tuple[tuple[int, Effort], ...] = ((0, "none"), (1024, "low"), (8192, "medium"), (24576, "high"))


def tool_in(raw: Raw, path: str) -> ToolSpec:
    """One tool; one that is neither a function nor custom runs at the provider and is kept whole."""
    members = Members(raw, path)
    kind = members.need("type", STRING)
    if kind not in ("function", "custom"):
        return ToolSpec(name=kind, kind="hosted", hosted=Opaque(NAME, kind, raw))
    name, description = members.need("name", STRING), members.text("description")
    if kind == "custom":
        grammar = members.raw("format")
        if grammar is not None and read(OBJECT, grammar, f"{path}.format").get("type") == _TEXT:
            grammar = None  # free text is what a custom tool takes anyway
        return ToolSpec(name=name, description=description, kind="custom", grammar=grammar, extra=_asides(members))
    schema = members.raw("parameters")
    if schema is not None and not is_object(schema):
        raise wrong("Expected `object`", f"{path}.parameters")
    return ToolSpec(
        name=name,
        description=description,
        schema=schema,
        strict=members.take("strict", FLAG),
        extra=_asides(members),
    )


def _asides(members: Members) -> tuple[Opaque, ...]:
    return tuple(Opaque(NAME, name, value) for name, value in members.rest().items())


def tool_out(tool: ToolSpec, notes: Notes) -> Json | Raw | None:
    """One tool; None when it runs at another provider."""
    if tool.kind == "hosted" or tool.hosted is not None:
        return hosted_out(tool, NAME, notes)
    out: Json = {"type": tool.kind, "name": tool.name}
    if tool.description:
        out["description"] = tool.description
    if tool.kind == "custom":
        if tool.grammar is not None:
            out["format"] = _grammar_out(tool.grammar)
        if tool.schema is not None or tool.strict is not None:
            notes.dropped("tools.schema", "A custom tool takes free text: it has no schema.")
    else:
        out["parameters"] = tool.schema
        out["strict"] = bool(tool.strict)
        if tool.grammar is not None:
            notes.dropped("tools.grammar", "A function takes JSON: it has no grammar.")
    if tool.cache is not None:
        notes.dropped("tools.cache", "Prefixes are cached without marks.")
    for extra in tool.extra:
        if extra.dialect == NAME:
            out[extra.kind] = extra.raw
        else:
            notes.foreign(f"tools.{extra.kind}", extra, NAME)
    return out


def _grammar_out(grammar: Raw) -> Json | Raw:
    """Chat Completions has a grammar's members one level deeper."""
    inner = OBJECT.decode(grammar).get("grammar") if is_object(grammar) else None
    return grammar if inner is None or not is_object(inner) else {"type": "grammar", **OBJECT.decode(inner)}


def choice_in(raw: Raw) -> ToolChoice | None:
    """What the choice says of our own tools; None when it speaks of hosted ones and must be kept as it is."""
    if not is_object(raw):
        match read(STRING, raw, "tool_choice"):
            case "auto" | "none" | "required" as mode:
                return ToolChoice(mode)
            case word:
                raise wrong(f"Invalid enum value {word!r}; auto, none, required or an object", "tool_choice")
    members = Members(raw, "tool_choice")
    kind = members.need("type", STRING)
    if kind in ("function", "custom"):
        name = members.need("name", STRING)
        return None if members.rest() else ToolChoice("tool", (name,))
    if kind != "allowed_tools":
        return None
    allowed = members.need("mode", STRING)
    if allowed not in ("auto", "required"):
        raise wrong(f"Invalid enum value {allowed!r}; auto or required", "tool_choice.mode")
    names: list[str] = []
    tools = members.need("tools", ARRAY)
    for number, tool in enumerate(tools):
        one = Members(tool, f"tool_choice.tools[{number}]")
        plain = one.text("type") in ("function", "custom")
        names.append(one.text("name"))
        if not plain or not names[-1] or one.rest():
            return None
    if not names or members.rest():
        return None
    return ToolChoice("auto" if allowed == "auto" else "required", tuple(names))


def choice_out(choice: ToolChoice, tools: tuple[ToolSpec, ...], notes: Notes) -> str | Json:
    """`tool_choice`; a named tool is custom when the request's tools say so."""
    custom = {tool.name for tool in tools if tool.kind == "custom"}
    named: list[Json] = [{"type": "custom" if name in custom else "function", "name": name} for name in choice.names]
    if choice.mode == "none":
        if named:
            notes.changed("tool_choice", "No tool at all may be used: there is nothing to name.")
        return "none"
    if choice.mode == "tool":
        if len(named) == 1:
            return named[0]
        notes.changed("tool_choice", "Exactly one tool can be asked for; any of these was required instead.")
    if not named:
        return "required" if choice.mode == "tool" else choice.mode
    return {"type": "allowed_tools", "mode": "auto" if choice.mode == "auto" else "required", "tools": named}


def text_in(raw: Raw) -> tuple[OutputFormat | None, str, Left]:
    """(the form of the answer, its verbosity, what is left of `text`)."""
    members = Members(raw, "text")
    verbosity, form = members.text("verbosity"), members.raw("format")
    left = members.rest()
    output = None if form is None else _format_in(form)
    if form is not None and output is None:
        left["format"] = form
    return output, verbosity, left


def _format_in(raw: Raw) -> OutputFormat | None:
    members = Members(raw, "text.format")
    kind = members.need("type", STRING)
    if kind in ("text", "json_object"):
        return None if members.rest() else OutputFormat(kind="text" if kind == "text" else "json")
    if kind != "json_schema":
        return None
    schema = members.need("schema", RAW)
    if not is_object(schema):
        raise wrong("Expected `object`", "text.format.schema")
    output = OutputFormat(
        kind="schema",
        name=members.need("name", STRING),
        description=members.text("description"),
        schema=schema,
        strict=members.take("strict", FLAG),
    )
    return None if members.rest() else output


def format_out(output: OutputFormat, notes: Notes) -> Json:
    """`text.format`. A schema has a name here; one that has none is called "answer"."""
    if output.kind != "schema":
        if output != OutputFormat(kind=output.kind):
            notes.dropped("output", "Only a format with a schema has a name, a description and strictness.")
        return {"type": "text" if output.kind == "text" else "json_object"}
    form: Json = {"type": "json_schema", "name": output.name or "answer"}
    if output.description:
        form["description"] = output.description
    form["schema"] = output.schema if output.schema is not None else {}
    if output.strict is not None:
        form["strict"] = output.strict
    if output.strict and output.schema is not None:
        narrowed = narrow(output.schema, OPENAI)
        if narrowed.schema is None:
            form["strict"] = False
            notes.changed("output.strict", f"The schema is shown to the model, not kept to: {narrowed.why}.")
        else:
            form["schema"] = narrowed.schema
            if narrowed.why:
                notes.changed("output.schema", f"The schema was narrowed: {narrowed.why}.")
    return form


def reasoning_in(raw: Raw) -> tuple[ReasoningControl, Left]:
    """(the control, what is left of `reasoning`): an effort that is not known yet is left."""
    members = Members(raw, "reasoning")
    effort_raw, word = members.left.get("effort"), members.text("effort")
    summary = members.text("summary")
    if not summary:  # its former name
        summary = members.text("generate_summary")
    left = members.rest()
    effort = _EFFORTS.get(word)
    if word and effort is None and effort_raw is not None:
        left["effort"] = effort_raw
    return ReasoningControl(effort=effort, summary=summary), left


def reasoning_out(control: ReasoningControl, notes: Notes) -> Json:
    """`reasoning`: this API takes an effort and nothing else; a budget becomes the least effort that covers it."""
    effort = control.effort
    if control.budget is not None:
        if effort is None:
            effort = next((word for most, word in _BUDGETS if control.budget <= most), "xhigh")
        notes.changed("reasoning", f"This API takes an effort, not a budget in tokens; {effort} was sent.")
    if control.mode == "off":
        notes.moved("reasoning", 'Reasoning is switched off by the effort "none".')
        effort = "none"
    elif control.mode == "on":
        if effort is None:
            notes.changed("reasoning", 'Reasoning is switched on by an effort; "medium" was sent.')
            effort = "medium"
        else:
            notes.moved("reasoning", "Reasoning is switched on by its effort.")
    elif control.mode == "adaptive":
        notes.dropped("reasoning", "How much to think is the model's choice only where no effort is sent.")
    if control.hidden:
        notes.moved("reasoning", "Thoughts are not shown unless a summary is asked for.")
    out: Json = {}
    if effort is not None:
        out["effort"] = effort
    if control.summary and not control.hidden:
        out["summary"] = control.summary
    return out


_TEXT = raw_of("text")
