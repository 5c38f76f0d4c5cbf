"""mesh.toml: every mistake is found, with its line, its field and its fix."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.kernel.config.check import check
from meshwright.kernel.config.read import read_config
from meshwright.kernel.config.tables import Config
from meshwright.types.errors import ConfigError, Problem


def problems(text: str, environment: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        check(read_config(text, "mesh.toml", environment or {}), text, "mesh.toml", environment or {})
    return caught.value.problems


def outcome(text: str) -> list[Problem] | None:
    try:
        check(read_config(text), text, "mesh.toml", {})
    except ConfigError as error:
        return error.problems
    return None


def test_an_empty_file_means_the_defaults():
    assert read_config("") == Config()


def test_every_problem_is_reported_at_once_with_its_line():
    found = problems('[server]\nprot = 1\nworkers = "two"\n\n[providers.acme]\nbase_url = 3\n')
    assert [(problem.line, problem.field) for problem in found] == [
        (2, "server.prot"),
        (3, "server.workers"),
        (6, "providers.acme.base_url"),
    ]
    assert found[0].fix == 'Did you mean "port"?'


def test_an_unknown_key_in_an_inline_table_is_found_on_its_line():
    (problem,) = problems('[models."openai/x"]\n\nprice = { input = 2.5, outptu = 10 }\n')
    assert (problem.line, problem.field) == (3, 'models."openai/x".price.outptu')
    assert problem.fix == 'Did you mean "output"?'


def test_a_key_that_only_looks_like_one_inside_a_text_is_not_counted():
    text = '[server]\nhost = """\nport = 1\n"""\nprot = 3\n'
    assert [problem.line for problem in problems(text)] == [5]


def test_broken_toml_names_the_line():
    (problem,) = problems("[server]\nport = = 3\n")
    assert problem.line == 2
    assert "TOML" in problem.message


def test_prices_are_exact_decimals_and_floats_elsewhere_stay_floats():
    config = read_config(
        '[models."a/b"]\nprice = { input = 0.1, output = 2 }\n[routes.auto]\nfloor = 0.5\nmax_cost = 0.01\n'
    )
    assert config.models["a/b"].price[0].input == Decimal("0.1")
    assert config.models["a/b"].price[0].output == Decimal(2)
    assert config.routes["auto"].floor == 0.5
    assert config.routes["auto"].max_cost == Decimal("0.01")


def test_the_environment_overrides_the_file():
    environment = {
        "MESH_SERVER__PORT": "8500",
        "MESH_ROUTES__AUTO__POOL": "a/b,c/d",
        "MESH_MASTER_KEY": "x",
        "HOME": "/",
    }
    config = read_config("[server]\nport = 1\nworkers = 2\n", environment=environment)
    assert (config.server.port, config.server.workers) == (8500, 2)
    assert config.routes["auto"].pool == ("a/b", "c/d")


def test_a_wrong_variable_is_reported_as_one_of_the_environment():
    (problem,) = problems("", {"MESH_SERVER__PORT": "eight"})
    assert (problem.source, problem.field, problem.line) == ("environment", "server.port", None)


@pytest.mark.parametrize(
    ("text", "field", "fix"),
    [
        ('[server]\nauth = "open"\nhost = "0.0.0.0"', "server.auth", 'Write auth = "keys"'),
        ("[providers.zzyzx]\nmodels = []", "providers.zzyzx", "Add base_url"),
        ('[providers.opneai]\nkey_env = "X"', "providers.opneai", 'Did you mean "openai"?'),
        ('[providers.acme]\nbase_url = "ftp://x"', "providers.acme.base_url", "https://api.example.com"),
        ('[providers.acme]\nbase_url = "http://x y/"', "providers.acme.base_url", "https://api.example.com"),
        ('[providers.acme]\nbase_url = "http://[::1"', "providers.acme.base_url", "https://api.example.com"),
        ('[providers.acme]\nbase_url = "https://u:p@x.com"', "providers.acme.base_url", "key_env"),
        ('[providers.acme]\nbase_url = "http://api.acme.com/v1"\nkey_env = "K"', "providers.acme.base_url", "https://"),
        ('[providers.acme]\nbase_url = "https://x.com"\ndialect = "latin"', "providers.acme.dialect", "openai_chat"),
        (
            '[providers.acme]\nbase_url = "https://x.com"\nheaders = { Authorization = "Bearer s" }',
            "providers.acme.headers.Authorization",
            "key_env",
        ),
        ("[models.gpt]\nwindow = 1", "models.gpt", "openai/gpt-4o"),
        ('[models."nobody/x"]\nwindow = 1', "models.nobody/x", "Add [providers.nobody]"),
        ('[models."openai/x"]\nabilities = { tool = true }', "models.openai/x.abilities", 'Did you mean "tools"?'),
        ('[routes.a]\nstrategy = "cheap"', "routes.a.strategy", 'Did you mean "cheapest"?'),
        ('[routes.a]\nstrategy = "fixed"', "routes.a.pool", "pool = "),
        ('[routes.a]\nprivacy = ["no-training"]', "routes.a.privacy", "local, no_training, may_train, unknown"),
        ("[routes.a]\nattempts = 0", "routes.a.attempts", "attempts = 3"),
        ("[routes.a]\noptions = { slak = 1 }", "routes.a.options.slak", 'Did you mean "slack"?'),
        ("[routes.a]\noptions = { slack = 2 }", "routes.a.options.slack", "0 to 1"),
        ("[routes.a]\noptions = { slack = true }", "routes.a.options.slack", "0 to 1"),
        ("[routes.a]\nmax_seconds = 0", "routes.a.max_seconds", "max_seconds = 30"),
        ('[routes.a]\nsteps = ["x/y"]', "routes.a.steps", "cascade"),
        ('[routes.a]\nstrategy = "cascade"\nsteps = ["x/y"]', "routes.a.steps", "steps = ["),
        ('[routes.a]\nstrategy = "cascade"\nsteps = ["x/y", "route/bb"]\n[routes.b]', "routes.a.steps", "route/b"),
        ('[routes.a]\nstrategy = "cascade"\nsteps = ["x/y", "b"]\n[routes.b]', "routes.a.steps", '"route/b"'),
        ('[routes.a]\nstrategy = "cascade"\nsteps = ["x/y", "route/a"]', "routes.a.steps", "name models"),
        (
            '[routes.a]\nstrategy = "cascade"\nsteps = ["x/y", "x/z"]\noptions = { stream = "no" }',
            "routes.a.options.stream",
            "hold, pass",
        ),
        (
            '[routes.a]\nstrategy = "cascade"\nsteps = ["x/y", "x/z"]\npool = ["x/*"]',
            "routes.a.pool",
            "a route of its own",
        ),
        ('[routes.a]\nstrategy = "panel"\nsteps = ["x/y", "x/z"]\noptions = { join = "fuse" }', "routes.a.by", "by ="),
        (
            '[routes.a]\nstrategy = "panel"\nsteps = ["x/y", "x/z"]\noptions = { least = 3 }',
            "routes.a.options.least",
            "least = 2",
        ),
        ('[routes.a]\nstrategy = "split"\nsteps = ["x/y"]\nby = "x/z"', "routes.a.by", "Leave it out"),
        ('[routes.a]\nstrategy = "split"\nweights = { "x/y" = -1, "x/z" = 1 }', "routes.a.weights.x/y", "Write 1"),
        ('[routes.a]\nstrategy = "split"\nweights = { "x/y" = 0 }', "routes.a.weights", "Write 1"),
        ('[routes.a]\nstrategy = "semantic"\nsteps = ["x/y"]', "routes.a.examples", "examples = "),
        (
            '[routes.a]\nstrategy = "semantic"\nsteps = ["x/y"]\nexamples = { "x/z" = ["a"], "x/y" = ["b"] }',
            "routes.a.examples",
            'Did you mean "x/y"?',
        ),
    ],
)
def test_what_the_types_cannot_say_is_checked_too(text: str, field: str, fix: str):
    found = problems(text)
    assert [problem.field for problem in found] == [field]
    assert fix in found[0].fix
    assert found[0].line is not None


def test_a_short_master_key_is_only_good_enough_for_loopback():
    check(Config(), "", "x", {"MESH_MASTER_KEY": "short"})  # raises nothing
    (problem,) = problems('[server]\nhost = "0.0.0.0"', {"MESH_MASTER_KEY": "short"})
    assert "too short" in problem.message


@given(st.text(max_size=300))
def test_any_text_is_either_a_configuration_or_problems(text: str):
    found = outcome(text)
    assert found is None or (found and all(problem.message for problem in found))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["server.port", "providers.a", "models.a", "routes.a.pool", "routes.a.options", "models.a.price"]),
)
def test_any_value_in_any_place_is_either_taken_or_reported(value: object, path: str):
    text = f"{path} = {_toml(value)}"
    assert all(problem.line == 1 for problem in outcome(text) or [])


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool) or value is None:
        return "true" if value else "false"
    return repr(value).replace("inf", "1.0")


def _quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08X}" if not 0xD800 <= ord(c) <= 0xDFFF else "?" for c in text) + '"'
