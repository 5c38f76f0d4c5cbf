"""Parts as content of messages and of tool outputs.

Source: https://platform.openai.com/docs/api-reference/responses/create (input_text, input_image, input_file,
input_audio) and .../responses/object (output_text, refusal).
"""

from __future__ import annotations

import binascii

from msgspec import Raw

from meshwright.types.content import Audio, File, Image, Opaque, Part, Refusal, Text
from meshwright.wire.notes import Notes
from meshwright.wire.openai_responses.citations import citation_out
from meshwright.wire.openai_responses.members import NAME
from meshwright.wire.pictures import kind_seen

Json = dict[str, object]

_ENDINGS = {"application/pdf": "pdf", "text/plain": "txt", "application/json": "json", "text/markdown": "md"}


class Content:
    """Writes content parts. `field` is what a loss is named after: "messages" of a request, "choices" of an answer."""

    __slots__ = ("field", "notes")

    def __init__(self, notes: Notes, field: str) -> None:
        self.notes = notes
        self.field = field

    def said(self, part: Part) -> Json | Raw | None:
        """Content of what the model said: words and refusals only. None: it has no place."""
        match part:
            case Text():
                self._unmarked(part)
                found = [
                    citation_out(one, len(part.text), f"{self.field}.citations", self.notes) for one in part.citations
                ]
                annotations = [one for one in found if one is not None]
                return {"type": "output_text", "text": part.text, "annotations": annotations}
            case Refusal():
                return {"type": "refusal", "refusal": part.text}
            case Audio() if part.transcript:
                self.notes.changed(f"{self.field}.audio", "A model speaks in words here: the transcript was sent.")
                return {"type": "output_text", "text": part.transcript, "annotations": []}
            case Opaque():
                return self._own(part)
            case _:
                self._homeless(part, "a model's message")
                return None

    def sent(self, part: Part, *, result: bool = False) -> Json | Raw | None:
        """Content of what was given to the model, in a message or (`result`) as a tool's output."""
        match part:
            case Text():
                self._unmarked(part)
                if part.citations:
                    self.notes.dropped(f"{self.field}.citations", "Only a model's words have citations.")
                return {"type": "input_text", "text": part.text}
            case Refusal():
                self.notes.changed(f"{self.field}.refusal", "Only a model refuses: its words were sent as text.")
                return {"type": "input_text", "text": part.text}
            case Image():
                return self._image(part)
            case File():
                return self._file(part)
            case Audio() if part.data and not result:
                if part.id or part.transcript or part.expires_at is not None:
                    self.notes.dropped(f"{self.field}.audio", "Sound is sent without its id and transcript.")
                return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format or "wav"}}
            case Opaque():
                return self._own(part)
            case _:
                self._homeless(part, "such a message")
                return None

    def _homeless(self, part: Part, where: str) -> None:
        name = type(part).__name__.lower()
        self.notes.dropped(f"{self.field}.{name}", f"There is no place for {name} in {where}.")

    def _own(self, part: Opaque) -> Raw | None:
        if part.dialect == NAME:
            return part.raw
        self.notes.foreign(f"{self.field}.{part.kind}", part, NAME)
        return None

    def _unmarked(self, part: Text | Image | File) -> None:
        if part.cache is not None:
            self.notes.dropped(f"{self.field}.cache", "Prefixes are cached without marks: the cache mark was left out.")

    def _image(self, image: Image) -> Json:
        self._unmarked(image)
        out: Json = {"type": "input_image"}
        if image.data:
            kind = image.media_type or kind_seen(image.data) or "image/png"
            out["image_url"] = f"data:{kind};base64,{image.data}"
        elif image.file_id:
            out["file_id"] = image.file_id
        else:
            out["image_url"] = image.url
        if not image.data and image.media_type:
            self.notes.dropped(f"{self.field}.media_type", "Only an image that is sent along names its media type.")
        if image.detail:
            out["detail"] = image.detail
        return out

    def _file(self, file: File) -> Json:
        self._unmarked(file)
        if file.context or file.cite:
            self.notes.dropped(f"{self.field}.file", "A file has no context and cannot ask for citations.")
        out: Json = {"type": "input_file"}
        data, media_type = file.data, file.media_type
        if file.text:
            media_type = media_type or "text/plain"
            data = binascii.b2a_base64(file.text.encode("utf-8", "replace"), newline=False).decode("ascii")
            self.notes.moved(f"{self.field}.file.text", "A text document was sent as a file.")
        name = file.name
        if data:
            name = name or f"file.{_ENDINGS.get(media_type, 'bin')}"
            out["file_data"] = f"data:{media_type};base64,{data}" if media_type else data
        else:
            if media_type:
                self.notes.dropped(f"{self.field}.media_type", "Only a file that is sent along names its media type.")
            out.update({"file_id": file.file_id} if file.file_id else {"file_url": file.url})
        if name:
            out["filename"] = name
        return out
