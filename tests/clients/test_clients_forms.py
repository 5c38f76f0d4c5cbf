"""Structured answers, pictures and documents, through each client, to upstreams of each dialect."""

from __future__ import annotations

import base64
import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from meshwright.sim import Say
from meshwright.types.content import File, Image
from tests.clients.desk import DIALECTS, PAIRS, Desk
from tests.clients.speakers import SPEAKERS

pairs = pytest.mark.parametrize(("client", "upstream"), PAIRS)
upstreams = pytest.mark.parametrize("upstream", DIALECTS)
Json = dict[str, Any]
PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
    )
).decode()
PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n").decode()
ADDRESS = "https://pictures.example/cat.png?size=1"


class Step(BaseModel):
    explanation: str
    weight: float


class Plan(BaseModel):
    goal: Literal["rest", "work"]
    steps: list[Step]


PLAN = Plan(goal="work", steps=[Step(explanation="Grüße", weight=0.5), Step(explanation="b", weight=2)])
SAID = PLAN.model_dump_json()


def _schema(upstream: str, sent: Json) -> Json:
    """The schema that the upstream was sent, where its dialect has it."""
    match upstream:
        case "openai_chat":
            form = sent["response_format"]
            assert form["type"] == "json_schema"
            return dict(form["json_schema"]["schema"])
        case "openai_responses":
            form = sent["text"]["format"]
        case _:
            form = sent["output_config"]["format"]
    assert form["type"] == "json_schema"
    return dict(form["schema"])


@upstreams
def test_chat_parse_gives_the_model(desk: Desk, upstream: str):
    prompt = desk.say(Say(json=SAID))
    speaker = SPEAKERS["openai_chat"]
    with speaker.open(desk.gateway.url) as client:
        words = speaker.words(desk.model(upstream), prompt)
        parsed = client.chat.completions.parse(**words, response_format=Plan)
        assert parsed.choices[0].message.parsed == PLAN
        assert set(_schema(upstream, desk.sent(upstream, prompt))["properties"]) == {"goal", "steps"}
        with client.chat.completions.stream(**words, response_format=Plan) as stream:
            assert stream.get_final_completion().choices[0].message.parsed == PLAN


@upstreams
async def test_responses_parse_gives_the_model(desk: Desk, upstream: str):
    prompt = desk.say(Say(json=SAID))
    speaker = SPEAKERS["openai_responses"]
    async with speaker.open_async(desk.gateway.url) as client:
        words = speaker.words(desk.model(upstream), prompt)
        parsed = await client.responses.parse(**words, text_format=Plan)
        assert parsed.output_parsed == PLAN
        assert set(_schema(upstream, desk.sent(upstream, prompt))["properties"]) == {"goal", "steps"}
        async with client.responses.stream(**words, text_format=Plan) as stream:
            assert (await stream.get_final_response()).output_parsed == PLAN


@upstreams
def test_messages_parse_gives_the_model(desk: Desk, upstream: str):
    prompt = desk.say(Say(json=SAID))
    speaker = SPEAKERS["anthropic_messages"]
    with speaker.open(desk.gateway.url) as client:
        words = speaker.words(desk.model(upstream), prompt)
        parsed = client.messages.parse(**words, output_format=Plan)
        assert parsed.parsed_output == PLAN
        assert set(_schema(upstream, desk.sent(upstream, prompt))["properties"]) == {"goal", "steps"}
        with client.messages.stream(**words, output_format=Plan) as stream:
            assert stream.get_final_message().parsed_output == PLAN


@pairs
def test_a_schema_arrives_as_it_was_written(desk: Desk, client: str, upstream: str):
    numbers = {"x": {"type": "number", "enum": [2, 1.50]}}
    schema = {"type": "object", "properties": numbers, "required": ["x"], "additionalProperties": False}
    prompt = desk.say(Say(json='{"x": 2}'))
    forms: dict[str, Json] = {
        "openai_chat": {"response_format": {"type": "json_schema", "json_schema": {"name": "point", "schema": schema}}},
        "openai_responses": {"text": {"format": {"type": "json_schema", "name": "point", "schema": schema}}},
        "anthropic_messages": {"output_config": {"format": {"type": "json_schema", "schema": schema}}},
    }
    told = SPEAKERS[client].ask(desk.gateway.url, desk.model(upstream), prompt, **forms[client])
    assert json.loads(told.text) == {"x": 2}
    assert _schema(upstream, desk.sent(upstream, prompt)) == schema


@pytest.mark.parametrize(
    ("client", "asked"),
    [
        ("openai_chat", {"response_format": {"type": "json_object"}}),
        ("openai_responses", {"text": {"format": {"type": "json_object"}}}),
    ],
)
@upstreams
def test_json_without_a_schema_is_asked_for(desk: Desk, client: str, asked: Json, upstream: str):
    prompt = desk.say(Say(json='{"x": 2}'))
    headers, _ = SPEAKERS[client].head(desk.gateway.url, desk.model(upstream), prompt, **asked)
    sent = desk.sent(upstream, prompt)
    match upstream:
        case "openai_chat":
            assert sent["response_format"] == {"type": "json_object"}
        case "openai_responses":
            assert sent["text"]["format"] == {"type": "json_object"}
        case _:
            assert "JSON" in json.dumps(sent["system"])
            assert "output changed" in headers["x-mesh-adapted"]


def _with_parts(client: str, prompt: str, model: str, kind: str) -> Json:
    """A question with a picture or a document, as each dialect writes it."""
    address = ADDRESS if kind == "address" else f"data:image/png;base64,{PNG}"
    match client:
        case "openai_chat":
            part: Json = {"type": "image_url", "image_url": {"url": address}}
            if kind == "pdf":
                part = {
                    "type": "file",
                    "file": {"filename": "terms.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
                }
            content = [{"type": "text", "text": prompt}, part]
            return {"model": model, "messages": [{"role": "user", "content": content}]}
        case "openai_responses":
            part = {"type": "input_image", "image_url": address, "detail": "auto"}
            if kind == "pdf":
                part = {
                    "type": "input_file",
                    "filename": "terms.pdf",
                    "file_data": f"data:application/pdf;base64,{PDF}",
                }
            content = [{"type": "input_text", "text": prompt}, part]
            return {"model": model, "input": [{"role": "user", "content": content}]}
    source: Json = {"type": "base64", "media_type": "image/png", "data": PNG}
    if kind == "address":
        source = {"type": "url", "url": ADDRESS}
    part = {"type": "image", "source": source}
    if kind == "pdf":
        source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
        part = {"type": "document", "source": source, "title": "terms.pdf"}
    content = [{"type": "text", "text": prompt}, part]
    return {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": content}]}


@pairs
@pytest.mark.parametrize("kind", ["address", "data", "pdf"])
def test_pictures_and_documents_arrive_unharmed(desk: Desk, client: str, upstream: str, kind: str):
    prompt = desk.say(Say(text="seen"))
    speaker = SPEAKERS[client]
    with speaker.open(desk.gateway.url) as asking:
        told = speaker.told(speaker.create(asking)(**_with_parts(client, prompt, desk.model(upstream), kind)))
    assert told.text == "seen"
    request = desk.seen(upstream, prompt)[-1].request
    assert request is not None
    _, part = request.messages[-1].parts
    if kind == "pdf":
        assert isinstance(part, File)
        assert (part.data, part.media_type, part.name) == (PDF, "application/pdf", "terms.pdf")
    elif kind == "data":
        assert isinstance(part, Image)
        assert (part.data, part.media_type) == (PNG, "image/png")
    else:
        assert isinstance(part, Image)
        assert part.url == ADDRESS


@pytest.mark.parametrize("client", ["openai_responses", "anthropic_messages"])
@upstreams
def test_a_pdf_by_address_arrives_or_is_dropped_visibly(desk: Desk, client: str, upstream: str):
    address = "https://papers.example/one.pdf"
    prompt = desk.say(Say(text="seen"))
    words = _with_parts(client, prompt, desk.model(upstream), "pdf")
    if client == "openai_responses":
        words["input"][0]["content"][1] = {"type": "input_file", "file_url": address}
    else:
        words["messages"][0]["content"][1] = {"type": "document", "source": {"type": "url", "url": address}}
    speaker = SPEAKERS[client]
    with speaker.open(desk.gateway.url) as asking:
        headers = speaker.raw(asking)(**words).headers
    if upstream == "openai_chat":
        assert "messages dropped" in headers["x-mesh-adapted"]
        assert address not in json.dumps(desk.sent(upstream, prompt))
    else:
        assert address in json.dumps(desk.sent(upstream, prompt))
