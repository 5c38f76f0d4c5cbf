"""Forms with files (RFC 7578), read from a body that is there already."""

from __future__ import annotations

import re

import msgspec

from meshwright.types.errors import InvalidRequest

MOST_PARTS = 64
LONGEST_HEAD = 16 * 1024
_BOUNDARY = re.compile(r';[ \t]*boundary=(?:"([^"]{1,70})"|([^";\s]{1,70}))', re.IGNORECASE)
_DISPOSITION = re.compile(rb"^content-disposition:[ \t]*form-data(;.*)$", re.IGNORECASE | re.MULTILINE)
_PARAMETER = re.compile(rb';[ \t]*(name|filename)="((?:[^"\\\r\n]|\\.)*)"', re.IGNORECASE)


class FormPart(msgspec.Struct, frozen=True):
    """A field, or a file with the name that the client gives it. `data` is a view of the body."""

    name: str
    filename: str
    data: memoryview

    @property
    def text(self) -> str:
        """The field's value. Raises InvalidRequest when it is no UTF-8."""
        try:
            return bytes(self.data).decode()
        except UnicodeDecodeError:
            raise InvalidRequest("The field is not UTF-8.", field=self.name) from None


def read_form(kind: str, body: bytes) -> dict[str, FormPart]:
    """The parts by name. Raises InvalidRequest for what is no form, or has a field twice."""
    said = _BOUNDARY.search(kind)
    if said is None:
        raise InvalidRequest("The form has no boundary.", field="content-type", fix="Send multipart/form-data.")
    mark = b"--" + (said[1] or said[2]).encode()
    parts: dict[str, FormPart] = {}
    view = memoryview(body)
    at = 0 if body.startswith(mark) else body.find(b"\r\n" + mark) + 2
    if at < 2 and not body.startswith(mark):
        raise _broken()
    while True:
        at += len(mark)
        if body.startswith(b"--", at):
            return parts
        end = body.find(b"\r\n" + mark, at)
        if end < 0 or len(parts) >= MOST_PARTS:
            raise _broken()
        part = _part(body, view, at, end)
        if part.name in parts:
            raise InvalidRequest(f'The form has the field "{part.name[:100]}" more than once.', field=part.name[:100])
        parts[part.name] = part
        at = end + 2


def _part(body: bytes, view: memoryview, start: int, end: int) -> FormPart:
    line = body.find(b"\r\n", start, end)
    head = body.find(b"\r\n\r\n", line if line >= 0 else start, min(end, start + LONGEST_HEAD))
    if line < 0 or head < 0 or body[start:line].strip(b" \t"):
        raise _broken()
    found = _DISPOSITION.search(body[line:head].replace(b"\r\n", b"\n"))
    given = dict(_PARAMETER.findall(found[1])) if found is not None else {}
    values = {key.lower(): _unquoted(value) for key, value in given.items()}
    if not values.get(b"name"):
        raise _broken()
    return FormPart(values[b"name"], values.get(b"filename", ""), view[head + 4 : end])


def _unquoted(value: bytes) -> str:
    return value.replace(b'\\"', b'"').replace(b"%22", b'"').decode("utf-8", "replace")


def _broken() -> InvalidRequest:
    return InvalidRequest("The form cannot be read.", fix="Send multipart/form-data as RFC 7578 has it.")
