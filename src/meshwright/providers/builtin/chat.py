"""Reads a chat-completions body as the built-in models need it: the last question, and what stands around it."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import msgspec

from meshwright.providers.builtin.extract.sentences import sentences
from meshwright.providers.builtin.frames import Document
from meshwright.types.errors import Declined, InvalidRequest, UnknownModel

MODELS = ("solve", "extract", "echo")
MAX_BODY = 16 * 1024 * 1024
"""Bytes of a request."""


MAX_CONTEXT = 4_000_000
"""Characters of all documents together."""


class FileBody(msgspec.Struct):
    """A document: base64 or a data URL."""

    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None


class PartBody(msgspec.Struct):
    """One part of a message; only text and files are read."""

    type: str = "text"
    text: str | None = None
    file: FileBody | None = None


class MessageBody(msgspec.Struct):
    """One turn."""

    role: str
    content: str | list[PartBody] | None = None
    name: str | None = None

    @property
    def text(self) -> str:
        """Its words."""
        return "\n\n".join(self.texts)

    @property
    def texts(self) -> list[str]:
        """Its words, part by part."""
        if self.content is None or isinstance(self.content, str):
            return [self.content] if self.content else []
        return [part.text for part in self.content if part.type == "text" and part.text]

    @property
    def files(self) -> list[FileBody]:
        """Its documents."""
        parts = self.content if isinstance(self.content, list) else []
        return [part.file for part in parts if part.type == "file" and part.file is not None]

    @property
    def unreadable(self) -> list[str]:
        """Kinds of parts that none of the models can take, such as images."""
        parts = self.content if isinstance(self.content, list) else []
        return sorted({part.type for part in parts if part.type not in ("text", "file")})


class StreamOptions(msgspec.Struct):
    """What a stream should have."""

    include_usage: bool = False


class Format(msgspec.Struct):
    """The shape of the answer."""

    type: str = "text"


class Chat(msgspec.Struct):
    """A request (POST /chat/completions). Members that change nothing for a computed answer are not read."""

    model: str
    messages: list[MessageBody]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    n: int | None = None
    stop: str | list[str] | None = None
    response_format: Format | None = None
    tool_choice: Any = None

    @property
    def name(self) -> str:
        """The model's name without the provider's."""
        return self.model.removeprefix("builtin/")

    @property
    def most_tokens(self) -> int | None:
        """The longest answer that is wanted, in tokens."""
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens

    @property
    def last_user(self) -> MessageBody:
        """The message that asks."""
        for message in reversed(self.messages):
            if message.role == "user":
                return message
        raise InvalidRequest(
            "There is no user message.", field="messages", fix="Send at least one message with role user."
        )


_decoder = msgspec.json.Decoder(Chat)


def read_chat(body: bytes) -> Chat:
    """The request. Raises InvalidRequest with the field, UnknownModel, or Declined for what no model here can do."""
    try:
        chat = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"The body cannot be read: {error}.") from None
    if chat.name not in MODELS:
        raise UnknownModel(f"The provider builtin has no model {chat.model!r}.", fix=f"It has {', '.join(MODELS)}.")
    if chat.n not in (None, 1):
        raise InvalidRequest("The built-in models give one answer.", field="n", fix="Leave n out.")
    if chat.most_tokens is not None and chat.most_tokens < 1:
        raise InvalidRequest("The longest answer must have at least one token.", field="max_completion_tokens")
    if chat.response_format is not None and chat.response_format.type != "text":
        raise Declined(f"builtin/{chat.name} answers in plain text, not in {chat.response_format.type}.")
    if chat.tool_choice not in (None, "auto", "none"):
        raise Declined(f"builtin/{chat.name} cannot call tools.")
    asking = chat.last_user
    if asking.unreadable:
        raise Declined(f"builtin/{chat.name} reads text only, not {', '.join(asking.unreadable)}.")
    if not asking.text.strip():
        raise InvalidRequest("The last user message has no text.", field="messages")
    return chat


class Context(msgspec.Struct, frozen=True):
    """A question and what may answer it; `unread` names the documents that cannot be read, with the reason."""

    question: str
    documents: tuple[Document, ...]
    unread: tuple[str, ...]


_READABLE = (
    "text/plain",
    "text/markdown",
    "text/x-markdown",
    "text/csv",
    "text/tab-separated-values",
    "application/json",
)
_ENDINGS = (".txt", ".md", ".markdown", ".csv", ".tsv", ".json", ".log", ".rst")
_LABEL = re.compile(r"(?:^|\n)[ \t]*(?:\*\*)?(?:question|q|query|task)(?:\*\*)?[ \t]*:(?:\*\*)?[ \t]*", re.IGNORECASE)
_CONTEXT = re.compile(
    r"\s*(?:\*\*)?(?:context|document|text|passage|article|sources?)(?:\*\*)?[ \t]*:(?:\*\*)?\s*", re.IGNORECASE
)
_PARAGRAPH = re.compile(r"\n(?:[ \t]*\n)+")
MAX_QUESTION = 2_000
"""Characters from the end in which a question is looked for."""

MIN_SYSTEM = 280
"""Characters from which a system message counts as context: shorter ones say how to behave, not what is known."""


def read_context(chat: Chat) -> Context:
    """Files of any message, tool results, longer texts; of the last message, what stands around the question."""
    documents: list[Document] = []
    unread: list[str] = []
    asking = chat.last_user
    text, others = _asking_part(asking.texts)
    question, spans = split_question(text)
    for at, message in enumerate(chat.messages):
        for file in message.files:
            _read_file(file, documents, unread)
        if message is asking:
            documents += [_titled(other, place) for place, other in others if len(other) > len(question)]
            # Beside a document, a few words around the question are only words around the question.
            total = sum(end - start for start, end in spans)
            if spans and total > len(question) * (2 if documents else 1):
                documents.append(Document("your message", text, spans))
        elif message.role == "tool" and message.text:
            documents.append(Document(message.name or f"tool result in message {at + 1}", message.text))
        elif message.role == "user" and len(message.text) > len(question):
            documents.append(Document(f"message {at + 1}", message.text))
        elif message.role in ("system", "developer") and len(message.text) > max(len(question), MIN_SYSTEM):
            documents.append(Document(f"{message.role} message", message.text))
    return Context(question, tuple(documents), tuple(unread))


def _asking_part(texts: list[str]) -> tuple[str, list[tuple[int, str]]]:
    """Of several text parts the last that ends with a question, else the last; and the others with their places."""
    asks = [at for at, text in enumerate(texts) if text.rstrip().endswith("?")]
    chosen = asks[-1] if asks else len(texts) - 1
    return texts[chosen], [(at + 1, text) for at, text in enumerate(texts) if at != chosen]


def _titled(text: str, place: int) -> Document:
    """A text part as a document. Translated from another dialect, it may begin with a file's name and an empty line."""
    name, empty, _ = text.partition("\n\n")
    if empty and re.fullmatch(r"[^\n]{1,80}\.\w{1,8}", name):
        return Document(name, text, ((len(name) + 2, len(text)),))
    return Document(f"part {place} of your message", text)


def _read_file(file: FileBody, documents: list[Document], unread: list[str]) -> None:
    name = file.filename or f"document {len(documents) + 1}"
    if not file.file_data:
        unread.append(f"{name} (only its id was sent)")
        return
    head, comma, data = file.file_data.partition(",")
    media = head.removeprefix("data:").split(";")[0].strip().lower() if comma and head.startswith("data:") else ""
    data = data if media or comma else file.file_data
    if (media and media not in _READABLE) or (not media and not name.lower().endswith(_ENDINGS)):
        unread.append(f"{name} ({media or 'not known to be text'})")
        return
    try:
        text = base64.b64decode(data, validate=True).decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError):
        unread.append(f"{name} (not base64 of UTF-8 text)")
        return
    documents.append(Document(name, text))


def split_question(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The question of a message, and the spans (start, end) of the rest of it.

    The question is what follows a line "Question:", else the last paragraph, else the first if only that one asks, else
    the last sentence that ends with a question mark.
    """
    labels = list(_LABEL.finditer(text))
    if labels and text[labels[-1].end() :].strip():
        return text[labels[-1].end() :].strip(), _rest(text, 0, labels[-1].start())
    ends = _outer_paragraphs(text)
    if ends is not None:
        first_end, last_start = ends
        first, last = text[:first_end].strip(), text[last_start:].strip()
        if first.endswith("?") and not last.endswith("?") and len(first) <= MAX_QUESTION:
            return first, _rest(text, first_end, len(text))
        if (last.endswith("?") and len(last) <= MAX_QUESTION) or len(last) < 300:
            return last, _rest(text, 0, last_start)
    tail = ((max(0, len(text) - MAX_QUESTION), len(text)),)
    last_sentence = next(reversed(sentences(text, tail)), None)
    if last_sentence is not None and text[: last_sentence.end].endswith("?"):
        return text[last_sentence.start : last_sentence.end], _rest(text, 0, last_sentence.start)
    return text.strip(), ()


def _outer_paragraphs(text: str) -> tuple[int, int] | None:
    """Where the first paragraph ends and the last begins, None if there is only one."""
    start, stop = len(text) - len(text.lstrip()), len(text.rstrip())
    first = _PARAGRAPH.search(text, start, stop)
    if first is None:
        return None
    # A last paragraph that is longer than a question may be is none, wherever it begins.
    breaks = list(_PARAGRAPH.finditer(text, max(first.start(), stop - 2 * MAX_QUESTION), stop))
    return first.start(), breaks[-1].end() if breaks else first.end()


def _rest(text: str, start: int, end: int) -> tuple[tuple[int, int], ...]:
    label = _CONTEXT.match(text, start, end)
    if label:
        start = label.end()
    return ((start, end),) if text[start:end].strip() else ()
