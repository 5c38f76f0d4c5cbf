"""`mesh models show ID` and `--retiring` tell what is known, by whom, and what is not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from meshwright.catalog.cards import shipped
from meshwright.catalog.facts import each, providers, sheet
from meshwright.cli.app import app
from meshwright.cli.commands.models import retire_by
from meshwright.types.model import Model


@pytest.fixture
def mesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a command with a home of its own; (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MESH_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("MESH_DISCOVERY__ENGINES", "false")
    monkeypatch.setenv("MESH_DISCOVERY__KEYS", "false")
    monkeypatch.setenv("COLUMNS", "250")

    def run(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, list(words))
        return result.exit_code, result.stdout, result.stderr

    return run


def disputed() -> tuple[str, str]:
    """A model of the catalogue on which sources do not agree, and the fact."""
    for name in providers():
        of = sheet(name)
        for facts in of.models if of else ():
            for fact_name, fact in each(facts):
                if len(fact) > 1 and not fact[1].doubted and fact_name == "window":
                    return f"{name}/{facts.name}", fact_name
    raise AssertionError("the sources agree on everything")


def gone() -> tuple[str, str]:
    """A model that had retired when the catalogue was made."""
    for name in ("openai", "mistral", "groq"):
        catalogue = shipped(name)
        for upstream in catalogue.cards.keys() - set(catalogue.usual):
            if catalogue.cards[upstream].retires:
                return name, upstream
    raise AssertionError("nothing ever retires")


def test_show_tells_every_fact_with_source_date_and_agreement(mesh):
    code, text, _ = mesh("models", "show", "openai/gpt-4o", "--json")
    told = json.loads(text)
    facts = {line["fact"]: line for line in told["lines"]}
    assert code == 0
    assert (told["model"], told["kind"], told["served"]) == ("openai/gpt-4o", "chat", False)
    assert facts["prices.input"]["value"] == "$2.5 per million tokens"
    assert facts["prices.input"]["agreeing"] == facts["prices.input"]["asked"] == 3
    known = [line for line in facts.values() if line["value"] != "unknown"]
    assert all(line["source"] and line["date"] and line["agreeing"] for line in known)
    assert all(line["value"] for line in facts.values())


def test_show_prints_who_says_otherwise(mesh):
    name, fact = disputed()
    _, text, _ = mesh("models", "show", name, "--json")
    line = next(line for line in json.loads(text)["lines"] if line["fact"] == fact)
    assert line["asked"] > line["agreeing"]
    (other, *_) = line["others"]
    code, printed, _ = mesh("models", "show", name)
    assert code == 0
    assert f"{other['value']} ({other['source']}, {other['date']})" in printed
    assert f"{line['agreeing']} of {line['asked']}" in printed


def test_show_says_unknown_of_what_nobody_knows_and_of_doubted_prices(mesh):
    code, text, _ = mesh("models", "show", "nvidia/meta/llama-3.3-70b-instruct")
    assert code == 0
    price = next(line for line in text.splitlines() if line.startswith("prices.input"))
    assert "unknown" in price
    assert "doubted" in price
    assert any(line.split() == ["retires", "unknown"] for line in text.splitlines())


def test_show_puts_what_the_configuration_says_first(mesh, tmp_path: Path):
    (tmp_path / "mesh.toml").write_text(
        '[providers.openai]\nbase_url = "http://127.0.0.1:9/v1"\nauth = "none"\nmodels = ["gpt-4o"]\n'
        '[models."openai/gpt-4o"]\nwindow = 64000\nprice = [{ input = "1", output = "2" }]\n'
    )
    code, text, _ = mesh("models", "show", "gpt-4o", "--json")
    told = json.loads(text)
    assert (code, told["model"], told["served"]) == (0, "openai/gpt-4o", True)
    first = next(line for line in told["lines"] if line["fact"] == "window")
    assert (first["value"], first["source"]) == ("64,000", "mesh.toml")
    prices = next(line for line in told["lines"] if line["fact"] == "prices")
    assert prices["value"] == "$1.00 in, $2.00 out"


def test_show_of_a_built_in_model_tells_what_its_card_claims(mesh):
    code, text, _ = mesh("models", "show", "builtin/solve")
    assert code == 0
    assert "it runs on this machine" in text


def test_show_of_no_model_says_what_may_be_meant(mesh):
    code, _, trouble = mesh("models", "show", "gpt-4o")
    assert code == 4
    assert "openai/gpt-4o" in trouble
    assert mesh("models", "show", "nobody/nothing-like-it")[0] == 4


@pytest.mark.parametrize("typed", ["OpenAI/GPT-4o", "GPT-4o", "openai/gpt-4oo", "gtp-4o"])
def test_show_knows_a_name_that_was_mistyped(mesh, typed: str):
    code, _, trouble = mesh("models", "show", typed)
    assert code == 4
    assert "openai/gpt-4o" in trouble


def test_show_as_a_single_word_is_a_search(mesh):
    code, _, trouble = mesh("models", "show")
    assert code == 0
    assert 'called like "show"' in trouble
    assert "`mesh models show ID`" in trouble


def test_two_words_that_are_no_question_are_refused(mesh):
    code, _, trouble = mesh("models", "two", "words")
    assert code == 2
    assert "too many words" in trouble


def test_models_alone_still_lists_what_is_served(mesh):
    code, text, _ = mesh("models")
    assert code == 0
    assert "builtin/solve" in text


def test_retiring_lists_models_with_their_successors(mesh):
    code, text, _ = mesh("models", "--retiring", "99y", "--all", "--json")
    rows = json.loads(text)["models"]
    assert code == 0
    assert len(rows) > 50
    assert [row["retires"] for row in rows] == sorted(row["retires"] for row in rows)
    assert any(row["successor"] for row in rows)
    assert all(row["claims"]["retires"]["source"] for row in rows)
    assert all("successor" in row["claims"] for row in rows if row["successor"])


def test_retiring_without_any_says_so(mesh):
    code, _, trouble = mesh("models", "--retiring", "90d")
    assert code == 0
    assert "No retirement" in trouble


@pytest.mark.parametrize("span", ["soon", "90", "-3d", "d"])
def test_a_time_that_is_none_is_refused_with_examples(mesh, span: str):
    code, _, trouble = mesh("models", f"--retiring={span}")
    assert code == 2
    assert "90d" in trouble


def test_the_last_day_counts_and_unknown_days_do_not():
    models = [
        Model(name=f"p/{day}", provider="p", upstream=day, retires=day) for day in ("2026-11-20", "2026-11-22", "")
    ]
    assert [model.retires for model in retire_by(models, date(2026, 11, 20))] == ["2026-11-20"]


def test_the_doctor_mentions_served_models_that_retire(mesh, tmp_path: Path):
    provider, name = gone()
    (tmp_path / "mesh.toml").write_text(
        f'[providers.{provider}]\nbase_url = "http://127.0.0.1:9/v1"\nauth = "none"\nmodels = ["{name}"]\n'
    )
    _, text, _ = mesh("doctor", "--offline", "--json")
    (found,) = [finding for finding in json.loads(text) if "retire soon" in finding["what"]]
    assert found["state"] == "warn"
    assert name in found["what"]
    assert "--retiring" in found["fix"]


def test_a_deployed_provider_serves_what_is_listed_with_the_facts_of_the_catalogue(mesh, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("AZURE_API_KEY", "k")
    monkeypatch.setenv("AZURE_RESOURCE_NAME", "mine")
    (tmp_path / "mesh.toml").write_text("[providers.azure]\n")
    _, text, _ = mesh("models", "azure/", "--json")
    assert json.loads(text)["models"] == []
    (tmp_path / "mesh.toml").write_text('[providers.azure]\nmodels = ["gpt-4o"]\n')
    _, text, _ = mesh("models", "azure/", "--json")
    (model,) = json.loads(text)["models"]
    assert model["window"] == 128_000


def test_the_doctor_mentions_names_in_routes_that_no_model_has(mesh, tmp_path: Path):
    (tmp_path / "mesh.toml").write_text('[routes.cheap]\nstrategy = "cheapest"\npool = ["builtin/ecko", "builtin/*"]\n')
    _, text, _ = mesh("doctor", "--offline", "--json")
    (found,) = [one for one in json.loads(text) if "routes.cheap" in one["what"]]
    assert found["state"] == "warn"
    assert '"builtin/ecko"' in found["what"]
    assert found["fix"] == 'Did you mean "builtin/echo"?'
