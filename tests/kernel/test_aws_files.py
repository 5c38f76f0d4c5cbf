"""AWS's two files mean what AWS's own library reads in them, whatever their owner has written there."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.session import Session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshwright.kernel.identity.aws_files import read_profiles

NAMES = st.sampled_from(["default", "work", "my own", "a.b-c_d", "ÄÖ", "#no"])
KEYS = st.sampled_from(
    ["aws_access_key_id", "AWS_Secret_Access_Key", "aws_session_token", "region", "role_arn", "sso_session", "other"]
)
VALUES = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20).map(str.strip)
LINES = st.dictionaries(KEYS, VALUES, max_size=4).map(
    lambda told: "".join(f"{key} = {value}\n" for key, value in told.items())
)
SPACED = st.sampled_from(["", "\n", "# a comment\n", "; another\n"])


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str]:
    """The credentials file and the config file."""
    own = draw(st.lists(NAMES, unique=True, max_size=3))
    told = draw(st.lists(NAMES, unique=True, max_size=3))
    credentials = "".join(f"{draw(SPACED)}[{name}]\n{draw(LINES)}" for name in own)
    config = "".join(
        f"{draw(SPACED)}[{name if name == 'default' else f'profile {_quoted(draw, name)}'}]\n{draw(LINES)}"
        for name in told
    )
    return credentials, config + draw(
        st.sampled_from(["", "[sso-session us]\nsso_region = r\n", "[services x]\na = b\n"])
    )


def _quoted(draw: st.DrawFn, name: str) -> str:
    return draw(st.sampled_from([f'"{name}"', f"'{name}'"])) if " " in name or "#" in name else name


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(files())
def test_profiles_are_those_that_awss_own_library_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: tuple[str, str]
):
    places = {"AWS_SHARED_CREDENTIALS_FILE": tmp_path / "credentials", "AWS_CONFIG_FILE": tmp_path / "config"}
    for (name, place), text in zip(places.items(), texts, strict=True):
        place.write_text(text, encoding="utf-8")
        monkeypatch.setenv(name, str(place))
    theirs = Session().full_config
    ours = read_profiles({name: str(place) for name, place in places.items()})
    assert ours.told == theirs["profiles"]
    assert ours.sessions == theirs.get("sso_sessions", {})
