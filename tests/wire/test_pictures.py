"""A picture is called what it is, for providers that compare its label with its first bytes."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from meshwright.types.content import Image, Message
from meshwright.types.request import Request
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from meshwright.wire.pictures import kind_seen

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0\x00\x10JFIF").decode()
WEBP = base64.b64encode(b"RIFF\x24\x00\x00\x00WEBPVP8 ").decode()
WAVE = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVEfmt ").decode()
UNSEEN = base64.b64encode(b"no picture at all").decode()
CHOOSY = ("anthropic_messages", "bedrock_converse")


def called(dialect: str, data: str, label: str) -> tuple[str, list[str]]:
    """(what the picture is called upstream, what was told as a loss)."""
    asked = Request(model="m", max_tokens=9, messages=(Message("user", (Image(data=data, media_type=label),)),))
    encoded = CODECS[dialect].encode_request(asked, Target("m", "p/m"))
    body: Any = msgspec.json.decode(encoded.body)
    match dialect:
        case "anthropic_messages":
            found = body["messages"][0]["content"][0]["source"]["media_type"]
        case _:
            found = "image/" + body["messages"][0]["content"][0]["image"]["format"]
    return found, [note.field for note in encoded.adaptations if note.lossy and note.field != "max_tokens"]


@pytest.mark.parametrize("dialect", CHOOSY)
def test_a_label_that_is_none_becomes_the_usual_one(dialect: str) -> None:
    assert called(dialect, JPEG, "image/jpg") == ("image/jpeg", [])
    assert called(dialect, UNSEEN, "image/jpg") == ("image/jpeg", [])


@pytest.mark.parametrize("dialect", CHOOSY)
def test_a_wrong_label_becomes_the_one_that_the_bytes_say(dialect: str) -> None:
    assert called(dialect, PNG, "image/jpeg") == ("image/png", [])
    assert called(dialect, WEBP, "image/png") == ("image/webp", [])
    assert called(dialect, PNG, "application/octet-stream") == ("image/png", [])


@pytest.mark.parametrize("dialect", CHOOSY)
def test_a_label_that_cannot_be_compared_stays(dialect: str) -> None:
    assert called(dialect, UNSEEN, "image/webp") == ("image/webp", [])


def test_a_sound_in_the_same_container_is_no_picture() -> None:
    assert (kind_seen(WEBP), kind_seen(WAVE), kind_seen(UNSEEN)) == ("image/webp", "", "")
