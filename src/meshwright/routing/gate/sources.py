"""Signs in citations: what an answer quotes, links to or numbers must be in what it was given."""

from __future__ import annotations

import re
from itertools import islice

from meshwright.types.content import File, Message, Text, ToolResult
from meshwright.types.request import Request
from meshwright.types.response import Choice

MOST = 400_000
"""Characters of the context that are looked at."""
MOST_CITED = 100
"""Quotations, and links, that are looked for in it; three that are not there say all."""
LEAST_QUOTE = 20
"""Characters; shorter quotations are titles, words and irony."""
LONG_CONTEXT = 400
"""Characters from which a request is taken to bring its sources."""
_QUOTE = re.compile(r"[\"“«]([^\"“”«»\n]{20,400})[\"”»]")
_LINK = re.compile(r"https?://[^\s)\]>\"']+")
_NUMBERED = re.compile(r"\[(\d{1,3})\]")
_PLAIN = re.compile(r"[\W_]+")


def sources(request: Request, choice: Choice) -> dict[str, float]:
    """Signs by name; none when the request brings no sources, or the answer cites nothing."""
    answer = choice.message.text
    context = _context(request.messages)
    if len(context) < LONG_CONTEXT:
        return {}
    plain = _PLAIN.sub(" ", context).lower()
    quotes = [part.quote for text in choice.message.parts if isinstance(text, Text) for part in text.citations]
    quotes += [found[1] for found in islice(_QUOTE.finditer(answer), MOST_CITED)]
    quotes = [quote for quote in quotes if len(quote) >= LEAST_QUOTE][:MOST_CITED]
    lost = [quote for quote in quotes if _PLAIN.sub(" ", quote).strip().lower() not in plain]
    links = [found[0].rstrip(".,;:") for found in islice(_LINK.finditer(answer), MOST_CITED)]
    dead = [link for link in links if link not in context]
    there = set(_NUMBERED.findall(context))
    numbers = [number for number in _NUMBERED.findall(answer) if there and number not in there]
    made = len(quotes) + len(links) + len(numbers)
    return (
        {"cites": float(min(3, made)), "not_there": float(min(3, len(lost) + len(dead) + len(numbers)))} if made else {}
    )


def _context(messages: tuple[Message, ...]) -> str:
    """Everything that the model was given in words."""
    found: list[str] = []
    left = MOST
    for message in messages:
        for part in message.parts:
            inner = part.parts if isinstance(part, ToolResult) else (part,)
            for one in inner:
                if isinstance(one, Text | File) and left > 0:
                    found.append(one.text[:left])
                    left -= len(one.text)
    return "\n".join(found)
