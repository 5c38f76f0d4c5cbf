"""`generationConfig`, both ways.

Source: https://ai.google.dev/api/generate-content (GenerationConfig).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.request import OutputFormat, Request, SpokenOutput
from meshwright.wire.gemini.models import Takes
from meshwright.wire.gemini.schema import json_schema
from meshwright.wire.gemini.shapes import CONFIGURED, NAME, Generation
from meshwright.wire.gemini.spelling import members, respelled, usual_spelling
from meshwright.wire.gemini.thinking import thinking_in, thinking_out
from meshwright.wire.json_schema import narrow
from meshwright.wire.notes import Notes
from meshwright.wire.schema_subsets import GEMINI
from meshwright.wire.verbatim import below, present, raw_of

_GENERATION: msgspec.json.Decoder[Generation] = msgspec.json.Decoder(Generation)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_VOICE: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_CONFIG = "generationConfig"
_JSON = "application/json"

# types' name, the wire's name
_PLAIN = (
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("n", "candidateCount"),
    ("max_tokens", "maxOutputTokens"),
    ("seed", "seed"),
    ("presence_penalty", "presencePenalty"),
    ("frequency_penalty", "frequencyPenalty"),
    ("top_logprobs", "logprobs"),
)


class _Named(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    voice_name: str


class _Voice(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    prebuilt_voice_config: _Named


class _Speech(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    voice_config: _Voice


_SPEECH: msgspec.json.Decoder[_Speech] = msgspec.json.Decoder(_Speech)


def generation_in(raw: Raw, extra: list[Opaque]) -> dict[str, Any]:
    """Its members as arguments of Request; others go to `extra`. Raises msgspec.ValidationError."""
    written = _MEMBERS.decode(raw)
    given = respelled(written, CONFIGURED)
    wire = _GENERATION.decode(raw if written.keys() <= CONFIGURED else msgspec.json.encode(given))
    if not CONFIGURED.issuperset(given):
        extra += [Opaque(NAME, f"{_CONFIG}.{name}", value) for name, value in given.items() if name not in CONFIGURED]
    found: dict[str, Any] = {
        "temperature": wire.temperature,
        "top_p": wire.top_p,
        "n": wire.candidate_count,
        "max_tokens": wire.max_output_tokens,
        "stop": tuple(wire.stop_sequences or ()),
        "seed": wire.seed,
        "presence_penalty": wire.presence_penalty,
        "frequency_penalty": wire.frequency_penalty,
        "logprobs": bool(wire.response_logprobs),
        "top_logprobs": wire.logprobs,
        "modalities": tuple(one.lower() for one in wire.response_modalities or ()),
        "output": _output_in(wire, given, extra),
    }
    if wire.top_k is not None:
        if wire.top_k.is_integer():
            found["top_k"] = int(wire.top_k)
        else:
            extra.append(Opaque(NAME, f"{_CONFIG}.topK", given["topK"]))
    if present(wire.speech_config):
        found["speech"] = _speech_in(wire.speech_config, extra)
    if present(wire.thinking_config):
        try:
            found["reasoning"] = thinking_in(wire.thinking_config, extra)
        except msgspec.ValidationError as error:
            raise below(error, "thinkingConfig") from None
    return found


def _output_in(wire: Generation, given: dict[str, Raw], extra: list[Opaque]) -> OutputFormat | None:
    mime = wire.response_mime_type
    schema = next((name for name in ("responseJsonSchema", "responseSchema") if name in given), "")
    unused = {"responseMimeType", "responseJsonSchema", "responseSchema"} & given.keys()
    found: OutputFormat | None = None
    if mime in (None, "", _JSON) and schema:
        try:
            _MEMBERS.decode(given[schema])
        except msgspec.ValidationError as error:
            raise below(error, schema) from None
        meant = given[schema] if schema == "responseJsonSchema" else json_schema(given[schema])
        found, unused = OutputFormat(kind="schema", schema=meant), unused - {"responseMimeType", schema}
    elif mime == _JSON:
        found, unused = OutputFormat(kind="json"), unused - {"responseMimeType"}
    elif mime == "text/plain" and not schema:
        found, unused = OutputFormat(kind="text"), unused - {"responseMimeType"}
    extra += [Opaque(NAME, f"{_CONFIG}.{name}", given[name]) for name in sorted(unused)]
    return found


def _speech_in(raw: Raw, extra: list[Opaque]) -> SpokenOutput | None:
    """One voice by its name; anything more goes to `extra`. The API answers in pcm16, whatever is asked for."""
    try:
        name = _SPEECH.decode(usual_spelling(raw)).voice_config.prebuilt_voice_config.voice_name
    except msgspec.ValidationError:
        members(raw)  # not even an object: the caller's mistake
        extra.append(Opaque(NAME, f"{_CONFIG}.speechConfig", raw))
        return None
    return SpokenOutput(raw_of(name), "pcm16")


def generation_out(request: Request, takes: Takes, notes: Notes) -> dict[str, Any]:
    """`generationConfig` of the values."""
    found: dict[str, Any] = {}
    for name, member in _PLAIN:
        value = getattr(request, name)
        if value is not None:
            found[member] = value
    if request.top_k is not None:
        found["topK"] = request.top_k
    if request.stop:
        said = [one for one in request.stop if one]
        if len(said) < len(request.stop):
            notes.dropped("stop", "An empty stop sequence would stop everything.")
        if said:
            found["stopSequences"] = said
    if request.logprobs:
        found["responseLogprobs"] = True
    if request.modalities:
        found["responseModalities"] = [one.upper() for one in request.modalities]
        if any(one != one.upper().lower() for one in request.modalities):
            notes.changed("modalities", "Modalities are words in capitals here.")
    _output(found, request.output, notes)
    _speech(found, request.speech, notes)
    thinking = thinking_out(request.reasoning, takes, notes)
    if thinking:
        found["thinkingConfig"] = thinking
    return found


def _output(found: dict[str, Any], output: OutputFormat | None, notes: Notes) -> None:
    if output is None:
        return
    if output.name or output.description:
        notes.dropped("output.name", "A schema has no name and no description here.")
    found["responseMimeType"] = "text/plain" if output.kind == "text" else _JSON
    if output.kind != "schema":
        if output.schema is not None or output.strict is not None:
            notes.dropped("output.schema", "Only a form by schema has one.")
        return
    if output.strict is False:
        notes.changed("output.strict", "A schema is always kept to here.")
    if output.schema is None:
        notes.changed("output", "A form by schema that has none is any JSON.")
        return
    narrowed = narrow(output.schema, GEMINI)
    found["responseJsonSchema"] = output.schema if narrowed.schema is None else narrowed.schema
    if narrowed.why:
        notes.changed("output.schema", f"The API does not keep to all of the schema: {narrowed.why}.")


def _speech(found: dict[str, Any], speech: SpokenOutput | None, notes: Notes) -> None:
    if speech is None:
        return
    try:
        name = _VOICE.decode(speech.voice)
    except msgspec.ValidationError:
        notes.dropped("speech", "A voice is a name here.")
        return
    if speech.format != "pcm16":
        notes.changed("speech.format", "Speech is always pcm16 here.")
    found["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": name}}}
