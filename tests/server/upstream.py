"""A provider that keeps the bytes of every request and answers with the bytes that it is told to."""

from __future__ import annotations

import socket
import threading
from typing import NamedTuple

RESPONSE = b"""{"id": "resp_9", "object": "response", "created_at": 1, "model": "text-vectors-3", "status": "completed",
"output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content":
[{"type": "output_text", "text": "hi", "annotations": [] , "odd": 1.50}]}],
"usage": {"input_tokens": 2, "output_tokens": 1, "total_tokens": 3}}"""
"""An answer of the Responses API."""


class Got(NamedTuple):
    """One request as it was on the wire. Header names are lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


class Upstream:
    """`with Upstream() as upstream:` serves; one request per connection. An answer is (its bytes, whether to break)."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answer = json_answer(b'{"object": "list"}')
        self.gone = threading.Event()
        """Set when a client hung up on an answer that hangs."""
        self.hangs = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._ending = False

    def __enter__(self) -> Upstream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        with socket.create_connection(("127.0.0.1", self.port)):
            self._thread.join()
        self._listener.close()

    def last(self) -> Got:
        """The latest request; everything is forgotten."""
        got, self.got = self.got[-1], []
        return got

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if self._ending:
                    return
                connection.settimeout(20)
                self._one(connection)

    def _one(self, connection: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (piece := connection.recv(65_536)):
                return
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        while len(body) < int(headers.get("content-length", "0")):
            body += connection.recv(65_536)
        self.got.append(Got(line, headers, body))
        connection.sendall(self.answer)
        if self.hangs:
            try:
                connection.recv(1)
            except OSError:
                pass
            self.gone.set()


def answer(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """The bytes of an answer; `length` is what it announces if not the truth."""
    lines = [f"HTTP/1.1 {status}", *headers, f"content-length: {len(body) if length is None else length}"]
    return ("\r\n".join((*lines, "connection: close")) + "\r\n\r\n").encode("latin-1") + body


def json_answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """The bytes of a JSON answer."""
    return answer(body, "content-type: application/json", *headers, status=status)


def chunked(pieces: list[bytes], *headers: str, end: bool = True) -> bytes:
    """The bytes of an answer in chunks; without its end it is cut."""
    head = "\r\n".join(("HTTP/1.1 200 OK", *headers, "transfer-encoding: chunked", "connection: close"))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return head.encode() + b"\r\n\r\n" + chunks + (b"0\r\n\r\n" if end else b"")


def form(model: bytes, more: bytes = b"") -> bytes:
    """A form with a file whose bytes look like the end of a form's part, and a model."""
    return (
        b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        b'\x00\xff\r\n--X\r\nContent-Disposition: form-data; name="model"\r\n\r\nnot/this\r\n--X\r\n'
        b'\r\n--XX\r\nContent-Disposition: form-data; name="model"\r\n\r\n' + model + b"\r\n" + more + b"--XX--\r\n"
    )
