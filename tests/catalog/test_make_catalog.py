"""The catalogue is made from its sources the same way every time, and nothing in it is made up."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from meshwright.catalog.cards import card, shipped
from meshwright.catalog.facts import Facts, Said, Sheet, each, sheet, value
from meshwright.types.model import Price
from meshwright.types.money import nano
from scripts.make_catalog import Sources, make

SAMPLE = Path(__file__).parent / "sample"
MADE = "2026-11-21"


def sources() -> Sources:
    dates = {"m": "2026-07", "l": "2026-11", "g": "2026-11-04"}
    return Sources(SAMPLE / "models_dev.json", SAMPLE / "litellm.json", SAMPLE / "genai_data.txt", dates)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("catalogue")
    make(sources(), MADE, out)
    return out


@pytest.fixture(scope="module")
def groq(made: Path) -> Sheet:
    found = sheet("groq", made)
    assert found is not None
    return found


def of(groq: Sheet, name: str) -> Facts:
    return next(facts for facts in groq.models if facts.name == name)


def test_the_same_sources_give_the_same_bytes(made: Path, tmp_path: Path):
    make(sources(), MADE, tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {
        file.name: file.read_bytes() for file in made.iterdir()
    }


def test_only_providers_with_a_row_and_models_get_a_file(made: Path):
    assert [file.name for file in made.iterdir()] == ["groq.json.gz"]


def test_a_second_making_leaves_nothing_of_the_first(tmp_path: Path):
    (tmp_path / "vanished.json.gz").write_bytes(b"old")
    make(sources(), MADE, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["groq.json.gz"]


def test_what_is_written_is_what_is_read(made: Path, groq: Sheet):
    plain = gzip.decompress((made / "groq.json.gz").read_bytes())
    assert msgspec.json.decode(msgspec.json.encode(groq), type=Sheet) == groq
    assert msgspec.json.decode(plain)["models"][0]["name"] == groq.models[0].name


def test_agreement_is_counted_and_dated_by_the_newest(groq: Sheet):
    fact = of(groq, "fast-1").window
    assert fact == (Said(131072, "glm"),)
    claim = groq.claim(fact[0].by)
    assert (claim.agreeing, claim.date) == (3, "2026-11-04")
    assert claim.source == "genai-prices, LiteLLM, models.dev"


def test_disagreement_is_kept_with_the_majority_first(groq: Sheet):
    assert of(groq, "fast-1").prices[0].output == (Said("0.5", "gl"), Said("0.4", "m"))


def test_between_equals_the_newer_source_is_chosen(groq: Sheet):
    assert of(groq, "fast-1").max_output == (Said(32768, "l"), Said(8192, "m"))


def test_a_price_of_nothing_that_one_source_says_is_doubted_and_unknown(groq: Sheet):
    facts = of(groq, "trial")
    assert facts.prices[0].input == (Said("0", "m", doubted=True),)
    assert value(facts.prices[0].input) is None
    assert card(groq, facts).prices == ()
    assert "prices" not in card(groq, facts).claims


def test_a_model_that_is_called_free_costs_nothing(groq: Sheet):
    assert card(groq, of(groq, "trial:free")).prices == (Price(input=0, output=0),)


def test_an_embedding_has_no_output_to_pay(groq: Sheet):
    facts = of(groq, "pointer")
    assert facts.kind == "embedding"
    assert (value(facts.prices[0].input), value(facts.prices[0].output)) == ("0.02", "0")


def test_unknown_stays_unknown(groq: Sheet):
    facts = of(groq, "trial")
    assert facts.window == facts.max_output == ()
    assert card(groq, facts).window is None


def test_a_negative_price_says_nothing(groq: Sheet):
    assert of(groq, "old-1").prices[0].output == ()


def test_over_200k_begins_at_the_next_token(groq: Sheet):
    base, long = of(groq, "fast-1").prices
    assert (base.above, long.above) == (0, 200_001)
    assert long.input == (Said("0.2", "glm"),)


def test_prices_are_exact_and_without_the_noise_of_floats(groq: Sheet):
    assert of(groq, "fast-2").prices[0].input == (Said("0.3", "lm"),)
    assert card(groq, of(groq, "fast-2")).prices[0].input == nano("0.3")


def test_cache_writes_batch_and_audio_have_their_own_prices(groq: Sheet):
    facts = of(groq, "fast-1")
    base = facts.prices[0]
    assert [value(fact) for fact in (base.cache_write, base.cache_write_1h, base.audio_input)] == ["0.125", "0.2", "1"]
    assert value(facts.batch[0].input) == "0.05"


def test_the_price_of_the_day_is_taken_and_the_next_change_is_told(groq: Sheet):
    facts = of(groq, "fast-1")
    assert value(facts.price_since) == "2026-03-01"
    assert value(facts.price_changes) == "2027-01-01"


def test_what_the_window_leaves_for_the_input_is_not_taken_for_the_window(groq: Sheet):
    facts = of(groq, "fast-2")
    assert facts.window == (Said(400_000, "m"),)
    assert facts.max_input == (Said(272_000, "lm"),)


def test_a_successor_that_nobody_names_is_inferred_and_says_so(groq: Sheet):
    model = card(groq, of(groq, "fast-1"))
    assert (model.retires, model.successor) == ("2027-01-15", "groq/fast-2")
    assert model.claims["successor"].source.startswith("inferred")
    assert model.claims["retires"].source == "LiteLLM"


def test_models_that_retired_or_live_elsewhere_are_known_and_not_usual(made: Path):
    groq = shipped("groq", made)
    assert {"old-1", "visitor"} <= set(groq.cards)
    assert groq.usual == ("fast-1", "fast-2", "trial", "trial:free")


def test_models_that_do_not_talk_are_known_by_their_kind_and_have_no_card(made: Path, groq: Sheet):
    assert of(groq, "painter").kind == "image"
    assert not {"painter", "pointer"} & set(shipped("groq", made).cards)


def test_a_model_that_nothing_is_known_of_is_left_out(groq: Sheet):
    assert not {"nothing", "searcher"} & {facts.name for facts in groq.models}


def test_every_fact_names_its_sources(groq: Sheet):
    for facts in groq.models:
        for name, fact in each(facts):
            assert all(said.by and set(said.by) <= set(groq.sources) for said in fact), (facts.name, name)
