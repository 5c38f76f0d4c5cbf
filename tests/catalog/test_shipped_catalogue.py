"""The catalogue in the package keeps its promises: claims, tiers, no price below nothing, unknown as unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshwright.catalog.cards import shipped
from meshwright.catalog.facts import DATA, Sheet, each, providers, sheet, value
from meshwright.providers import HOSTED

NAMES = providers()
CLAIMED = ("window", "max_output", "prices", "retires", "successor")


def read(name: str) -> Sheet:
    found = sheet(name)
    assert found is not None
    return found


def test_it_is_small_enough_to_ship():
    assert sum(file.stat().st_size for file in DATA.iterdir()) <= 1_500_000


def test_each_file_belongs_to_a_row():
    assert set(NAMES) <= {row.name for row in HOSTED}
    assert len(NAMES) >= 100


def test_the_licences_lie_beside_the_data():
    folder = Path(DATA).parent
    for name in ("models-dev", "litellm", "genai-prices"):
        text = (folder / f"LICENSE.{name}").read_text()
        assert "Permission is hereby granted" in text


@pytest.mark.parametrize("name", NAMES)
def test_no_fact_is_without_a_claim(name: str):
    of = read(name)
    assert of.provider == name
    for facts in of.models:
        for fact_name, fact in each(facts):
            assert fact, (facts.name, fact_name)
            for said in fact:
                assert said.by, (facts.name, fact_name)
                assert of.claim(said.by).date
            values = [str(said.value) for said in fact if not said.doubted]
            assert len(values) == len(set(values)), (facts.name, fact_name)
    for card in shipped(name).cards.values():
        assert {field for field in CLAIMED if getattr(card, field)} <= set(card.claims), card.name


@pytest.mark.parametrize("name", NAMES)
def test_prices_are_decimals_in_ascending_tiers_and_unknown_is_not_nothing(name: str):
    for facts in read(name).models:
        for tiers in (facts.prices, facts.batch):
            above = [tier.above for tier in tiers]
            assert above == sorted(set(above)), facts.name
    for card in shipped(name).cards.values():
        above = [price.above for price in card.prices]
        assert above == sorted(set(above)), card.name
        for price in card.prices:
            amounts = [getattr(price, field) for field in price.__struct_fields__ if field != "above"]
            assert all(amount is None or amount >= 0 for amount in amounts), card.name
        assert card.window is None or card.window > 0, card.name
        assert card.max_output is None or card.max_output > 0, card.name


@pytest.mark.parametrize("name", NAMES)
def test_names_are_unique_and_the_usual_ones_have_cards(name: str):
    names = [facts.name for facts in read(name).models]
    assert len(names) == len(set(names))
    catalogue = shipped(name)
    assert set(catalogue.usual) <= set(catalogue.cards)


def test_what_is_free_is_called_free_or_said_by_two():
    for name in NAMES:
        for facts in read(name).models:
            for tier in facts.prices:
                if facts.kind == "chat" and value(tier.output) == "0":
                    assert "free" in facts.name.lower() or len(tier.output[0].by) > 1, (name, facts.name)


def test_a_provider_that_the_catalogue_does_not_know_has_no_cards():
    assert shipped("nobody").cards == {}
    assert shipped("../models/openai").usual == ()
