"""An answer has an id and a time for clients whose dialect tells them, also where the provider's does not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import openai
import pytest

from meshwright.sim import Say
from tests.clients.desk import NATIVE, PROVIDER, Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk(tmp_path_factory.mktemp("dates"), {**PROVIDER, **NATIVE}) as running:
        yield running


@pytest.mark.parametrize("upstream", ["anthropic_messages", "bedrock_converse", "cohere", "gemini", "ollama"])
def test_an_answer_has_an_id_and_was_made_some_time(desk: Desk, upstream: str):
    began = 1_700_000_000  # what providers that tell the time say here
    prompt = desk.say(Say(text="Good."))
    with openai.OpenAI(base_url=f"{desk.gateway.url}/v1", api_key="any", max_retries=0) as client:
        whole = client.chat.completions.create(
            model=desk.model(upstream), messages=[{"role": "user", "content": prompt}]
        )
        with client.chat.completions.create(
            model=desk.model(upstream), messages=[{"role": "user", "content": prompt}], stream=True
        ) as stream:
            chunks = list(stream)
        kept = client.responses.create(model=desk.model(upstream), input=prompt)
    assert whole.id
    assert began <= whole.created <= time.time() + 1
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1
    assert chunks[0].id
    assert began <= chunks[0].created <= time.time() + 1
    assert kept.id
    assert began <= kept.created_at <= time.time() + 1
