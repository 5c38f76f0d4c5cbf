"""Content parts of messages and of tool outputs, read into parts.

Source: https://platform.openai.com/docs/api-reference/responses/create (input_text, input_image, input_file,
input_audio) and .../responses/object (output_text, refusal).
"""

from __future__ import annotations

from msgspec import Raw

from meshwright.types.content import Audio, File, Image, Opaque, Part, Refusal, Text
from meshwright.types.response import TokenProbability
from meshwright.wire.openai_responses.citations import PROBABILITIES, citation_in, probabilities_in
from meshwright.wire.openai_responses.members import ARRAY, NAME, RAW, STRING, Members, is_array, read, wrong

Aside = dict[str, Raw]
"""Members of a value that nothing here knows, by name."""


def contents(raw: Raw | None, path: str, heard: list[TokenProbability] | None) -> list[tuple[Part, Aside]]:
    """The parts of a `content` or an `output`, a string or an array, each with the members that it has no place for.

    The empty string is no part at all. `heard` takes up the probabilities of an answer's tokens; None leaves them
    aside.
    """
    if raw is None:
        return []
    if is_array(raw):
        return [content(one, f"{path}[{number}]", heard) for number, one in enumerate(ARRAY.decode(raw))]
    text = read(STRING, raw, path)
    return [(Text(text), {})] if text else []


def content(raw: Raw, path: str, heard: list[TokenProbability] | None = None) -> tuple[Part, Aside]:
    """One content part; one of a type that is not known here is kept whole."""
    members = Members(raw, path)
    kind = members.need("type", STRING)
    part: Part
    match kind:
        case "input_text" | "output_text" | "text":
            part = _text(members, heard)
        case "refusal":
            part = Refusal(members.need("refusal", STRING))
        case "input_image":
            part = _image(members)
        case "input_file":
            part = _file(members)
        case "input_audio":
            audio = Members(members.need("input_audio", RAW), f"{path}.input_audio")
            part = Audio(data=audio.need("data", STRING), format=audio.need("format", STRING))
            if audio.rest():
                return Opaque(NAME, kind, raw), {}
        case _:
            return Opaque(NAME, kind, raw), {}
    return part, members.rest()


def _text(members: Members, heard: list[TokenProbability] | None) -> Text:
    text = members.need("text", STRING)
    annotations = members.take("annotations", ARRAY)
    citations = tuple(
        citation_in(one, f"{members.path}.annotations[{number}]") for number, one in enumerate(annotations or ())
    )
    logprobs = members.raw("logprobs")
    if logprobs is not None:
        tokens = read(PROBABILITIES, logprobs, f"{members.path}.logprobs")
        if heard is not None:
            heard.extend(probabilities_in(tokens))
        elif tokens:
            members.left["logprobs"] = logprobs
    return Text(text, citations=citations)


def _image(members: Members) -> Image:
    url, file_id = members.text("image_url"), members.text("file_id")
    if bool(url) == bool(file_id):
        raise wrong("Expected one of `image_url` and `file_id`", members.path)
    media_type, data = inline(url)
    return Image(
        url="" if data else url, data=data, media_type=media_type, file_id=file_id, detail=members.text("detail")
    )


def _file(members: Members) -> File:
    sent, url, file_id = members.text("file_data"), members.text("file_url"), members.text("file_id")
    if bool(sent) + bool(url) + bool(file_id) != 1:
        raise wrong("Expected one of `file_data`, `file_url` and `file_id`", members.path)
    media_type, data = inline(sent)
    return File(data=data or sent, media_type=media_type, url=url, file_id=file_id, name=members.text("filename"))


def inline(url: str) -> tuple[str, str]:
    """(media type, base64) of a data URL in its plain form, two empty strings of anything else."""
    if not url.startswith("data:"):
        return "", ""
    head, _, data = url.partition(";base64,")
    media_type = head[5:]
    return (media_type, data) if media_type and not set(";,") & set(media_type) else ("", "")
