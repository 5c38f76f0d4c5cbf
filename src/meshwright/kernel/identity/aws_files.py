"""Profiles of AWS's own tools, as the two files in ~/.aws say them.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html. Where both files speak of a profile, the
credentials file has the last word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as FormatError
from pathlib import Path

import msgspec

from meshwright.kernel.identity.aws_keys import Held, Regional, Said, held
from meshwright.kernel.identity.credential import expanded, home, read_file
from meshwright.net.asking import refusal
from meshwright.net.transport import Transport

AGAIN_SECONDS = 900.0
"""How long keys of a file are used: it is read again well before, since other tools may replace them."""


class Profiles(msgspec.Struct, frozen=True, kw_only=True):
    """What the files hold. `own` are the settings of profiles in the credentials file, `told` those of both."""

    own: Mapping[str, Mapping[str, str]]
    told: Mapping[str, Mapping[str, str]]
    sessions: Mapping[str, Mapping[str, str]]
    credentials: Path | None
    config: Path | None
    folder: Path | None

    def __repr__(self) -> str:
        return f"Profiles({', '.join(self.told)})"


class FileKeys(Regional, frozen=True, kw_only=True):
    """The keys that one of the files holds for a profile."""

    file: str
    profile: str

    async def keys(self, transport: Transport, now: float) -> Held:
        """Read the file, in a thread."""
        who = f"The profile {self.profile} of {self.file}"
        try:
            sections = await asyncio.to_thread(_sections, Path(self.file))
        except (OSError, ValueError) as error:
            raise refusal(f"AWS's files cannot be read ({error}).") from error
        named = (f"profile {self.profile}", self.profile)
        told = next((sections[name] for name in named if "aws_access_key_id" in sections.get(name, {})), {})
        said = Said(
            access_key_id=told.get("aws_access_key_id", ""),
            secret_access_key=told.get("aws_secret_access_key", ""),
            session_token=told.get("aws_session_token", ""),
        )
        return held(said, who, self.region, now)._replace(seconds=AGAIN_SECONDS, ends=False)


def read_profiles(environment: Mapping[str, str]) -> Profiles:
    """Both files, each of them empty where it is missing. Raises OSError and ValueError, in words that can be shown."""
    folder = home(environment)
    credentials = _place(environment, "AWS_SHARED_CREDENTIALS_FILE", folder, "credentials")
    config = _place(environment, "AWS_CONFIG_FILE", folder, "config")
    own = _sections(credentials)
    told: dict[str, dict[str, str]] = {}
    sessions: dict[str, dict[str, str]] = {}
    for section, values in _sections(config).items():
        kind, _, name = section.partition(" ")
        name = name.strip().strip("\"'")
        if kind == "profile" and name:
            told[name] = {**told.get(name, {}), **values}
        elif kind == "sso-session" and name:
            sessions[name] = values
        elif section == "default":
            told[section] = {**values, **told.get(section, {})}
    for name, values in own.items():
        told[name] = {**told.get(name, {}), **values}
    return Profiles(own=own, told=told, sessions=sessions, credentials=credentials, config=config, folder=folder)


def _place(environment: Mapping[str, str], name: str, folder: Path | None, file: str) -> Path | None:
    told = environment.get(name)
    if told:
        return expanded(told)
    return folder / ".aws" / file if folder is not None else None


def _sections(file: Path | None) -> dict[str, dict[str, str]]:
    if file is None or not file.is_file():
        return {}
    parser = ConfigParser(interpolation=None, strict=False, default_section="\0", allow_no_value=True)
    try:
        parser.read_string(read_file(file))
    except (FormatError, ValueError) as error:
        # The parser's own words would show the line, and that may be a key.
        line = getattr(error, "lineno", None)
        raise ValueError(f"{file} is not in AWS's format" + (f", line {line}" if line else "")) from None
    return {name: {key: (value or "").strip() for key, value in parser[name].items()} for name in parser.sections()}
