"""What nobody needs any more, and what nobody makes any more: done now and then by the control plane."""

from __future__ import annotations

import logging
from time import time

import msgspec

from meshwright.store import accounts, answers, conversations, prompts, recalled
from meshwright.store.database import Database
from meshwright.wire.openai_responses.resources import patched

SILENT_SECONDS = 30.0
"""How long a background answer's maker may be silent before it counts as dead."""
ENDED_SECONDS = 86_400.0
"""How long windows of minutes and days are kept after their end."""
_log = logging.getLogger("meshwright.control")


def sweep(database: Database, prompt_days: float = 7.0) -> None:
    """Delete what has expired, a little at a time; end what its maker's death has cut short. Raises StoreError."""
    now = time()
    with database.begin() as transaction:
        gone = answers.sweep(transaction, now) + conversations.sweep(transaction, now)
        recalled.sweep(transaction, now)
        accounts.forget(transaction, now - ENDED_SECONDS)
        prompts.sweep(transaction, now - prompt_days * 86_400)
        for answer in answers.abandoned(transaction, now - SILENT_SECONDS):
            told = {"code": "server_error", "message": "The gateway was stopped before the answer was complete."}
            body = patched(answer.body, {"status": "failed", "error": told})
            answers.finish(transaction, msgspec.structs.replace(answer, status="failed", body=body))
    if gone:
        _log.info("%d stored answers and conversations have expired", gone)
