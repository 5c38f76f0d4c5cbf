"""What leaves a worker says nothing of persons and secrets: errors redacted, prompts only where policy says so.

A provider's error may quote what it was sent, so its words are redacted before they reach the journal. Happy requests
have no such words and cost nothing here.
"""

from __future__ import annotations

import msgspec

from meshwright.guards.redact import redact
from meshwright.kernel.config.tables import PrivacySettings
from meshwright.routing.features import question
from meshwright.types.content import Message
from meshwright.types.decision import Trace

MOST = 2_000
"""Characters of a prompt that are kept, the first: redacting them takes about 3 ms."""


def discreet(trace: Trace) -> Trace:
    """The trace with its errors redacted."""
    if not (trace.error or any(one.error for one in trace.attempts)):
        return trace
    attempts = tuple(
        msgspec.structs.replace(one, error=redact(one.error)) if one.error else one for one in trace.attempts
    )
    return msgspec.structs.replace(trace, error=redact(trace.error) if trace.error else "", attempts=attempts)


def with_prompt(trace: Trace, said: tuple[Message, ...], settings: PrivacySettings) -> Trace:
    """The trace with the last question, redacted, where that is to be kept."""
    if settings.keep_prompts == "all" or (settings.keep_prompts == "failures" and trace.outcome != "ok"):
        return msgspec.structs.replace(trace, prompt=redact(question(said)[:MOST]))
    return trace
