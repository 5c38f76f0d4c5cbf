"""The requests that the bench sends, as bytes."""

from __future__ import annotations

import json

SYSTEM = (
    "You are a helpful assistant for the support team of a software company. Answer briefly, cite the document you "
    "used, and say so when you do not know. "
)
QUESTION = (
    "My build fails with an error after upgrading to version 4.2: module not found. I already cleared the cache and "
    "reinstalled the packages. What else can I try? "
)


def chat(model: str, *, stream: bool, documents: int = 0) -> bytes:
    """An OpenAI chat completion request of about 0.9 kB, and about 1 kB more for each document."""
    messages = [{"role": "system", "content": SYSTEM * 3}]
    messages += [{"role": "user", "content": f"Context document {i}: {QUESTION * 6}"} for i in range(documents)]
    messages.append({"role": "user", "content": QUESTION * 2})
    body: dict[str, object] = {"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 256}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body, separators=(",", ":")).encode()
