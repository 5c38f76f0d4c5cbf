"""What a caller and a provider saw of one scenario, and a client that reads a stream as a careful one does."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Told(NamedTuple):
    """What one call came to. `seconds` from its start to its end; `hung` when it did not end in time."""

    text: str = ""
    error: str = ""
    model: str = ""
    usage: bool = False
    seconds: float = 0.0
    hung: bool = False


class Measured(NamedTuple):
    """Both views of a scenario. `first` are the times of the attempts at the first provider, in seconds."""

    told: Told
    complete: bool
    first: tuple[float, ...]
    spare: int
    rejected_prefill: bool
    alive: bool
    during: int = 0
    served_during: int = 0
    back: float | None = None

    @property
    def failed(self) -> bool:
        """Whether the caller was told of an error."""
        return bool(self.told.error)

    @property
    def seconds(self) -> float:
        """How long the caller waited."""
        return self.told.seconds

    @property
    def model(self) -> str:
        """The model that the answer names."""
        return self.told.model.rpartition("/")[2]

    @property
    def usage(self) -> bool:
        """Whether the answer tells its usage."""
        return self.told.usage


def ask(url: str, model: str, seconds: float, *, stream: bool = True) -> Told:
    """One chat call. Events that are not JSON are left out; an error event is an error, whatever was said before it."""
    parts = urlsplit(url)
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": "What makes a gateway good?"}]}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    began = time.monotonic()
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        told = _whole(answer) if answer.status != 200 or not stream else _events(answer, began + seconds)
    except TimeoutError:
        told = Told(error="no end in time", hung=True)
    except (OSError, http.client.HTTPException) as error:
        told = Told(error=f"{type(error).__name__}: {error}")
    finally:
        connection.close()
    return told._replace(seconds=time.monotonic() - began)


def _whole(answer: http.client.HTTPResponse) -> Told:
    found = json.loads(answer.read())
    if answer.status != 200:
        return Told(error=f"{answer.status}: {found['error']['message']}")
    return Told(found["choices"][0]["message"]["content"], "", found["model"], bool(found.get("usage")))


def _events(answer: http.client.HTTPResponse, until: float) -> Told:
    said, model, usage = "", "", False
    for line in answer:
        if time.monotonic() > until:
            raise TimeoutError
        data = line.removeprefix(b"data:").strip()
        if not line.startswith(b"data:") or data == b"[DONE]":
            continue
        try:
            found = json.loads(data)
        except ValueError:
            continue
        if found.get("error"):
            return Told(said, f"in the stream: {found['error']['message']}", model, usage)
        model = found.get("model") or model
        usage = usage or bool(found.get("usage"))
        said += "".join(choice.get("delta", {}).get("content") or "" for choice in found.get("choices") or ())
    return Told(said, "", model, usage)
