"""What the gateway keeps itself is no loss, whoever answers."""

from __future__ import annotations

from typing import Any

import pytest

from meshwright.sim import Say
from tests.clients.desk import DIALECTS, Desk
from tests.clients.speakers import SPEAKERS

STRICT = {"extra_headers": {"x-mesh-strict": "true"}}
TEAM: Any = {"team": "blue"}


@pytest.mark.parametrize("upstream", DIALECTS)
@pytest.mark.parametrize("streamed", [False, True])
def test_metadata_of_a_response_that_is_kept_may_be_asked_for_strictly(desk: Desk, upstream: str, streamed: bool):
    prompt = desk.say(Say(text="Well."))
    with SPEAKERS["openai_responses"].open(desk.gateway.url) as client:
        words: Any = {"model": desk.model(upstream), "input": prompt, "store": True, "metadata": TEAM, **STRICT}
        words["max_output_tokens"] = 50
        if streamed:
            (told,) = [
                event.response for event in client.responses.create(**words, stream=True) if "completed" in event.type
            ]
        else:
            told = client.responses.create(**words)
        kept = client.responses.retrieve(told.id)
    assert (told.output_text, told.metadata, kept.metadata) == ("Well.", TEAM, TEAM)


@pytest.mark.parametrize("upstream", DIALECTS)
def test_so_may_metadata_of_a_chat(desk: Desk, upstream: str):
    prompt = desk.say(Say(text="Well."))
    with SPEAKERS["openai_chat"].open(desk.gateway.url) as client:
        told = client.chat.completions.create(
            model=desk.model(upstream),
            messages=[{"role": "user", "content": prompt}],
            max_completion_tokens=50,
            store=True,
            metadata=TEAM,
            **STRICT,
        )
        found = [one.id for one in client.chat.completions.list(metadata=TEAM)]
    assert told.id in found
