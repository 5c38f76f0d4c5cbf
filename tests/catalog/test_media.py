"""What pictures, documents and sounds cost, beside the numbers that stand on the providers' own pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.catalog.media.rules import UNKNOWN, most, rows, rule, tokens
from meshwright.types.decision import Medium
from scripts.make_media import PAGE, page


def picture(width: int, height: int, detail: str = "") -> Medium:
    return Medium(kind="picture", width=width, height=height, detail=detail)


PRINTED = [
    # developers.openai.com/api/docs/guides/images-vision: tiles
    ("gpt-4o", picture(1024, 1024, "high"), 765),
    ("gpt-4o", picture(2048, 4096, "high"), 1105),
    ("gpt-4.1", picture(4096, 8192, "low"), 85),
    ("gpt-4o-mini", picture(1024, 1024, "low"), 2833),
    ("gpt-5", picture(3000, 3000, "low"), 70),
    ("o3", picture(512, 512, "high"), 75 + 150),
    # the same page: patches; 1,024 and 1,452 of them, times the model's factor
    ("gpt-4.1-mini", picture(1024, 1024), 1659),
    ("gpt-4.1-mini", picture(1800, 2400), 2353),
    ("o4-mini-2025-04-16", picture(1024, 1024), 1762),
    ("gpt-5-nano", picture(1800, 2400), 3572),
    # a grid of 5 x 2 pictures, as the sizes come out by the page's formula
    ("gpt-6-astra", picture(3200, 960, "original"), 3600),
    ("gpt-6-astra", picture(3200, 960, "high"), 2916),
    ("gpt-6-astra", picture(640, 480, "low"), 231),
    ("gpt-6-astra", picture(1280, 720, "high"), 1104),
    ("gpt-6-astra", picture(6400, 1440), 10_800),
    # platform.claude.com/docs/en/build-with-claude/vision: the table of sizes and both tiers
    ("claude-haiku-4-5", picture(200, 200), 64),
    ("claude-haiku-4-5", picture(1000, 1000), 1296),
    ("claude-sonnet-4-6", picture(1092, 1092), 1521),
    ("claude-sonnet-4-6", picture(1920, 1080), 1560),
    ("claude-sonnet-4-6", picture(2000, 1500), 1564),
    ("claude-sonnet-4-6", picture(3840, 2160), 1560),
    ("claude-opus-4-8", picture(1920, 1080), 2691),
    ("us.anthropic.claude-opus-4-7-v1:0", picture(2000, 1500), 3888),
    ("anthropic/claude-opus-4.7", picture(3840, 2160), 4784),
    # ai.google.dev/gemini-api/docs/image-understanding and .../media-resolution
    ("gemini-2.5-flash", picture(384, 384), 258),
    ("gemini-2.5-flash", picture(960, 540), 6 * 258),
    ("gemini-3-pro-preview", picture(4000, 3000), 1120),
    ("gemini-3-pro-preview", picture(4000, 3000, "low"), 280),
    # docs.aws.amazon.com/nova: the table, its example of 800 x 400, and the flat rate of the second generation
    ("us.amazon.nova-lite-v1:0", picture(900, 450), 800),
    ("us.amazon.nova-lite-v1:0", picture(800, 400), 800),
    ("amazon.nova-pro-v1:0", picture(900, 900), 1300),
    ("amazon.nova-pro-v1:0", picture(1300, 1300), 2600),
    ("amazon.nova-2-lite-v1:0", picture(3000, 3000), 230),
]


@pytest.mark.parametrize(("model", "one", "printed"), PRINTED)
def test_a_picture_costs_what_its_provider_prints(model: str, one: Medium, printed: int):
    assert tokens(model, (one,)) == printed


def test_pages_sounds_and_films_cost_what_their_providers_print():
    assert tokens("gemini-2.5-pro", (Medium(kind="document", pages=10),)) == 2_580
    assert tokens("gemini-3-flash-preview", (Medium(kind="document", pages=10),)) == 5_600
    assert tokens("claude-sonnet-4-6", (Medium(kind="document", pages=3),)) == pytest.approx(7_000, abs=3)
    assert tokens("gemini-2.5-flash", (Medium(kind="sound", seconds=60),)) == 1_920
    assert tokens("gemini-3-flash-preview", (Medium(kind="sound", seconds=60),)) == 1_500
    assert tokens("gpt-4o-audio-preview", (Medium(kind="sound", seconds=2),)) == 20
    assert tokens("gemini-2.5-flash", (Medium(kind="film", seconds=10),)) == 10 * (263 + 32)


def test_what_nobody_publishes_is_taken_roughly_as_ever():
    assert rule("somebodys/model") is UNKNOWN
    assert tokens("somebodys/model", (picture(5000, 5000), picture(5000, 5000, "low"))) == 1_085


def test_several_alike_are_counted_as_many():
    three = Medium(kind="picture", width=1024, height=1024, count=3)
    assert tokens("gpt-4o", (three,)) == 3 * 765


def test_each_row_has_its_source_and_its_day_and_answers_for_a_model():
    for row in rows():
        assert row.source.startswith("https://")
        assert len(row.date) == 10
        assert rule(row.models[0].replace("*", "x").strip("x")) is row, row.models


SIDES = st.integers(min_value=1, max_value=65_535)


@given(width=SIDES, height=SIDES, detail=st.sampled_from(["", "auto", "low", "high", "original", "nonsense"]))
def test_no_picture_costs_more_than_the_most_of_its_row(width: int, height: int, detail: str):
    for row in (*rows(), UNKNOWN):
        assert 0 < row.picture.tokens(width, height, detail) <= row.picture.most


def test_what_is_assumed_may_be_the_most_of_its_kind():
    address = Medium(kind="picture", width=1024, height=1024, assumed=True)
    assert most("claude-sonnet-4-6", (address,)) == 1568
    assert most("claude-sonnet-4-6", (picture(200, 200),)) == 64
    assert most("gpt-4o", (address,)) == 85 + 8 * 170
    assert most("claude-sonnet-4-6", (Medium(kind="document", pages=2),)) == 2 * (3_000 + 1_568)


def test_the_page_is_what_the_rows_say():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m scripts.make_media"
