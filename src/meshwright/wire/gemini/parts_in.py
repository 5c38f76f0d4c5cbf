"""Wire parts into parts: a strict decoder for what is usual, a patient path that loses nothing for the rest.

Source: https://ai.google.dev/api/caching (Content, Part) and https://ai.google.dev/gemini-api/docs/thought-signatures.
A signature may stand on any part. It becomes a thought of its own, without words, right before that part: so it goes
through every dialect that knows signed thoughts, and back onto the same part.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from meshwright.types.content import Audio, File, Image, Opaque, Part, Reasoning, Text, ToolCall, ToolResult
from meshwright.wire.gemini import shapes
from meshwright.wire.gemini.media import Aside, blob_in, file_in
from meshwright.wire.gemini.results import result_in
from meshwright.wire.gemini.shapes import ABOUT, DATA, NAME
from meshwright.wire.gemini.spelling import members
from meshwright.wire.verbatim import below, is_object, present

SIGNED = (Text, ToolCall, Image, Audio, File)
"""Parts on which a signature may stand."""

PART: msgspec.json.Decoder[shapes.Part] = msgspec.json.Decoder(shapes.Part)
_KNOWN = frozenset(shapes.Part.__struct_encode_fields__)
_DECODERS = {name: msgspec.json.Decoder(shape) for name, shape in DATA.items()}
_FIELDS = {name: frozenset(shape.__struct_encode_fields__) for name, shape in DATA.items()}


class Read(msgspec.Struct):
    """A part that was read. `part` None: only its signature says something. `name` is that of an answered function."""

    part: Part | None
    signature: str = ""
    asides: list[Aside] = msgspec.field(default_factory=list)
    name: str = ""


def read_part(raw: Raw) -> Read:
    """Any part. Raises msgspec.ValidationError (path within the part)."""
    try:
        wire = PART.decode(raw)
    except msgspec.ValidationError:
        return _patiently(raw)
    return usual_part(wire) or _patiently(raw)


def usual_part(wire: shapes.Part) -> Read | None:
    """A strictly decoded part; None when it is not one thing: then its bytes tell more."""
    text, call, result = wire.text, wire.function_call, wire.function_response
    blob, file = wire.inline_data, wire.file_data
    if (text is not None) + (call is not None) + (result is not None) + (blob is not None) + (file is not None) != 1:
        return None
    signature = wire.thought_signature or ""
    if text is not None:
        if wire.thought:
            return Read(Reasoning(text=text, signature=signature))
        return Read(None if signature and not text else Text(text), signature)
    if wire.thought:
        return None
    if call is not None:
        return Read(_call(call), signature)
    asides: list[Aside] = []
    if result is not None:
        if signature:
            return None
        return Read(result_in(result, asides), "", asides, result.name)
    part = blob_in(blob, asides) if blob is not None else None
    if file is not None:
        part = file_in(file, asides)
    return Read(part, signature, asides)


def _call(wire: shapes.FunctionCall) -> ToolCall:
    if not present(wire.args):
        return ToolCall(id=wire.id or "", name=wire.name, arguments="{}")
    if not is_object(wire.args):
        raise msgspec.ValidationError("Expected `object` - at `$.functionCall.args`")
    return ToolCall(id=wire.id or "", name=wire.name, arguments=bytes(wire.args).decode())


def _patiently(raw: Raw) -> Read:
    found = members(raw, _KNOWN | ABOUT)
    data = [name for name in found if name not in ABOUT]
    if not data and not found.keys() - {"thought", "thoughtSignature"}:
        found["text"] = Raw(b'""')  # a signature alone, or nothing at all
        data = ["text"]
    if len(data) != 1 or data[0] not in _KNOWN:
        kind = next((name for name in data if name not in _KNOWN), "part")
        return Read(Opaque(NAME, kind, raw))
    (kind,) = data
    beside: list[Aside] = [
        (name, value) for name, value in found.items() if name in ABOUT and name not in ("thought", "thoughtSignature")
    ]
    known: dict[str, Raw] = {name: found[name] for name in ("thoughtSignature",) if name in found}
    if "thought" in found:
        if kind == "text":
            known["thought"] = found["thought"]
        elif bytes(found["thought"]) != b"false":
            beside.append(("thought", found["thought"]))
    if kind == "functionResponse" and "thoughtSignature" in known:
        beside.append(("thoughtSignature", known.pop("thoughtSignature")))
    known[kind] = _inner(kind, found[kind], beside) if kind in DATA else found[kind]
    read = usual_part(PART.decode(msgspec.json.encode(known)))
    if read is None:
        return Read(Opaque(NAME, "part", raw))
    read.asides += beside
    if beside and read.part is None:
        read.part = Text("")
    return read


def _inner(kind: str, raw: Raw, beside: list[Aside]) -> Raw:
    """The data member with the members that its shape has; the others go aside."""
    try:
        found = members(raw, _FIELDS[kind])
        known = {name: value for name, value in found.items() if name in _FIELDS[kind]}
        beside += [(f"{kind}.{name}", value) for name, value in found.items() if name not in known]
        whole = Raw(msgspec.json.encode(known))
        _DECODERS[kind].decode(whole)
    except msgspec.ValidationError as error:
        raise below(error, kind) from None
    return whole


class Sequence:
    """Parts in order, each with the number that its asides name; `origin` is who signed its thoughts."""

    __slots__ = ("_lone", "_origin", "asides", "names", "parts", "wires")

    def __init__(self, reads: Iterable[Read], origin: str = "") -> None:
        self._origin = origin
        self._lone = False
        self.parts: list[Part] = []
        self.asides: list[Aside] = []
        self.names: dict[int, str] = {}
        self.wires: list[int] = []
        """The number of the part that each wire part became."""
        for read in reads:
            self._add(read)

    def _add(self, read: Read) -> None:
        part, signature = read.part, read.signature
        if isinstance(part, Reasoning) and part.signature and self._origin:
            part = msgspec.structs.replace(part, origin=self._origin)
        if signature:
            self.parts.append(Reasoning(signature=signature, origin=self._origin))
        elif self._lone and isinstance(part, SIGNED):
            self.parts.append(Text(""))  # or the signature before would go out on this part
        self._lone = part is None
        number = len(self.parts) - (part is None)
        self.wires.append(number)
        if part is not None:
            self.parts.append(part)
        if isinstance(part, ToolResult):
            self.names[number] = read.name
        self.asides += [(f"parts[{number}].{path}", raw) for path, raw in read.asides]
