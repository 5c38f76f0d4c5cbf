"""`mesh doctor`: what is set up, what is reachable, what is wrong, and the fix for each."""

from __future__ import annotations

import asyncio
import difflib
import importlib.util
import os
import socket
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.markup import escape

from meshwright.catalog.cards import shipped
from meshwright.catalog.exact.tokenizer import Tokenizer
from meshwright.cli.exits import CONFIG, FAILED
from meshwright.cli.identities import named, until
from meshwright.cli.output import ConfigFile, Json, out, print_json, told
from meshwright.cli.session import here
from meshwright.kernel.addressing import addressing
from meshwright.kernel.build.models import chosen, model_cards
from meshwright.kernel.build.providers import ProviderPart, provider_parts
from meshwright.kernel.build.routes import policies
from meshwright.kernel.build.snapshot import auth_headers, proof_of
from meshwright.kernel.config.names import ROUTE
from meshwright.kernel.config.tables import Config
from meshwright.net.choose import OneTransport
from meshwright.net.proof import Proof, proved
from meshwright.net.tokens import Tokens
from meshwright.net.transport import Call, Deadlines, Endpoint
from meshwright.server.control import load_config
from meshwright.server.supervise import open_control
from meshwright.types.errors import ConfigError, MeshError, UpstreamError, UpstreamStatus
from meshwright.wire import CODECS

PROBE_SECONDS = 5.0
RETIRING_DAYS = 30
LIKE_THESE = 'Call it after its model, or name both in mesh.toml: [tokenizers.files] "PROVIDER/NAME*" = "FILE".'
OFFLINE = ("sympy", "mpmath", "wordllama")


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the report: is it well, and what to do if it is not."""

    state: Literal["ok", "warn", "bad"]
    what: str
    fix: str = ""


def doctor(
    config: ConfigFile = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the providers whether the keys work.")] = False,
    as_json: Json = False,
) -> None:
    """Check keys (never shown), reachability and configuration; exit code 0 when nothing is wrong."""
    with told(as_json):
        findings = _findings(config, offline)
        if as_json:
            print_json(findings)
        else:
            for finding in findings:
                mark = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "bad": "[red]✗[/]"}[finding.state]
                out.print(
                    f"{mark} {escape(finding.what)}"
                    + (f"\n    [bold]fix:[/] {escape(finding.fix)}" if finding.fix else "")
                )
        if any(finding.state == "bad" for finding in findings):
            raise typer.Exit(
                CONFIG if any("mesh.toml" in finding.what for finding in findings if finding.state == "bad") else FAILED
            )


def _findings(config: Path | None, offline: bool) -> list[Finding]:
    place = here(config)
    found = [Finding("ok", f"configuration: {place.config or 'none (defaults; write mesh.toml to change them)'}")]
    try:
        settings = load_config(place.config, os.environ)
    except ConfigError as error:
        wrong = [Finding("bad", str(problem).partition(" Fix: ")[0], problem.fix) for problem in error.problems]
        return [
            Finding("bad", f"mesh.toml cannot be used: {len(wrong)} problem{'s' if len(wrong) > 1 else ''}"),
            *wrong,
        ]
    try:
        control, _ = open_control(place, os.environ, settings)
    except MeshError as error:
        what = "database" if settings.store.url else f"state folder {place.state}"
        return [*found, Finding("bad", f"{what}: {error.message}", error.fix or "")]
    found.append(Finding("ok", f"state folder: {place.state}"))
    found += [_extra(name) for name in OFFLINE if settings.builtin.enabled]
    found.append(_port(settings.server.host, settings.server.port))
    parts, refused = provider_parts(settings, os.environ, control.engines, settings.builtin.enabled)
    found += asyncio.run(_probe(parts)) if not offline else [_keyed(part) for part in parts]
    found += _retiring(parts, settings)
    found += _tokenizers(parts, settings)
    found += _routes(parts, settings)
    for name in settings.providers:
        if name in refused:
            found.append(Finding("bad", f"{name}: configured, but not served: {refused[name]}", _remedy(refused[name])))
    engines = [engine.provider for engine in control.engines]
    found.append(Finding("ok", f"local engines that answer: {', '.join(engines) or 'none'}"))
    hosted = sum(reason.startswith("no key") for reason in refused.values())
    found.append(Finding("ok", f"{hosted} known providers have no key (`mesh providers` names the variables)"))
    return found


def _retiring(parts: list[ProviderPart], settings: Config) -> list[Finding]:
    """The served models that will be gone soon, a line for each provider."""
    until = (datetime.now(UTC).date() + timedelta(days=RETIRING_DAYS)).isoformat()
    found = []
    for part in parts:
        cards = model_cards(part, settings, shipped(part.row.name))
        leaving = sorted((card.retires, card.upstream, card.successor) for card in cards if "" < card.retires <= until)
        if leaving:
            names = [f"{name} on {day}" + (f" (then {after})" if after else "") for day, name, after in leaving[:5]]
            names += [f"and {len(leaving) - 5} more"] * (len(leaving) > 5)
            fix = f"Move to their successors: mesh models --retiring {RETIRING_DAYS}d"
            what = f"{part.row.name}: {len(leaving)} served models retire soon: {', '.join(names)}"
            found.append(Finding("warn", what, fix))
    return found


def _routes(parts: list[ProviderPart], settings: Config) -> list[Finding]:
    """Names in routes that no served model answers to: those routes go on without, which must not go unseen."""
    models = [card for part in parts for card in model_cards(part, settings, shipped(part.row.name))]
    meaning, found = policies(settings, models), []
    for name in settings.routes:
        every = meaning[f"{ROUTE}{name}"].every()
        for missing in dict.fromkeys(one for each in every for one in each.missing):
            what = f'mesh.toml: routes.{name} names "{missing}", and no model that is served is called so'
            near = difflib.get_close_matches(missing, [model.name for model in models], 1, 0.6)
            fix = f'Did you mean "{near[0]}"?' if near else "Correct it, or set up its provider."
            found.append(Finding("warn", what, fix))
    return found


def _tokenizers(parts: list[ProviderPart], settings: Config) -> list[Finding]:
    """Each file to count tokens with: whether it can be read, and for how many served models it counts."""
    files = chosen(settings)
    if not files:
        said = settings.tokenizers.folder
        return [Finding("warn", f"tokenizers: there is none in {said}", LIKE_THESE)] if said else []
    cards = [card for part in parts for card in model_cards(part, settings, shipped(part.row.name), tokenizers=files)]
    counts = Counter(card.tokenizer for card in cards if card.tokenizer)
    found = [_tokenizer(files.named[name], counts[name]) for name in sorted(counts)]
    idle = sorted({str(path) for path in files.files.values()} - {str(files.named[name].path) for name in counts})
    return found + [Finding("warn", f"tokenizers: {path} counts for no served model", LIKE_THESE) for path in idle[:10]]


def _tokenizer(one: Tokenizer, count: int) -> Finding:
    if one.load():
        return Finding("ok", f"tokenizers: {one.path} counts for {count} served models (by {one.library})")
    fix = one.trouble.partition("; ")[2] if "pip install" in one.trouble else "Fetch the file again, or leave it out."
    return Finding("warn", f"tokenizers: {one.path} is not used, tokens are estimated: {one.trouble}", fix)


def _extra(name: str) -> Finding:
    if importlib.util.find_spec(name):
        return Finding("ok", f"built-in models: {name} is installed")
    return Finding("warn", f"built-in models: {name} is not installed", "pip install 'meshwright[offline]'")


def _port(host: str, port: int) -> Finding:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding(
                "warn", f"{host}:{port}: {error.strerror} (a running gateway?)", "If it is not yours: mesh up --port N"
            )
    return Finding("ok", f"{host}:{port} is free")


def _remedy(reason: str) -> str:
    kind, found, names = reason.partition(": set ")
    name = names.partition(",")[0]
    return f"export {name}=…" if found and kind in ("no key", "no address", "no region") else "See `mesh providers`."


def _keyed(part: ProviderPart, proof: Proof | None = None) -> Finding:
    ends = until(proof)
    return Finding("ok", f"{part.row.name}: {named(part)}{f' (until {ends})' if ends else ''}, {part.row.base_url}")


async def _probe(parts: list[ProviderPart]) -> list[Finding]:
    """Ask each provider for its list of models: shows that the address answers and that the key is taken."""
    transport = OneTransport()
    try:
        return await asyncio.gather(*(_ask(part, transport) for part in parts))
    finally:
        await transport.close()


async def _ask(part: ProviderPart, transport: OneTransport) -> Finding:
    row, known = part.row, _keyed(part).what
    if row.name == "builtin":
        return Finding("ok", "builtin: works offline")
    headers = auth_headers(row, part.key, CODECS[row.dialect].headers)
    endpoint = Endpoint(
        url=addressing(row, part.settings, CODECS[row.dialect]).base + (CODECS[row.dialect].models or "/models"),
        headers=headers,
        method="GET",
        proxy=part.settings.proxy,
        ca_file=part.settings.ca_file,
    )
    deadlines = Deadlines(PROBE_SECONDS, PROBE_SECONDS, PROBE_SECONDS, PROBE_SECONDS)
    try:
        call = Call(endpoint, deadlines=deadlines)
        if (proof := proof_of(part, Tokens(transport))) is not None:
            call = await proved(call, proof, time.time())
            known = _keyed(part, proof).what
        answer = await transport.send(call)
        answer.release()
    except UpstreamStatus as error:
        return Finding("bad", f"{known}: {error.message}", f"Mend it where it comes from: {part.key_from}.")
    except UpstreamError as error:
        return Finding("bad", f"{known}: {error.message}", f"Check the network, or base_url of [providers.{row.name}].")
    if row.dialect == "bedrock_converse":  # it has no list of models to ask for, and nothing else that is free
        return Finding("ok", f"{known}: reachable; whether it takes the credential, the first call shows")
    if answer.status in (401, 403):
        where = part.key_from or f"{row.key_env or 'no key variable'} is not set"
        return Finding("bad", f"{known}: the key is refused ({answer.status})", f"Put a valid key there: {where}.")
    if answer.status >= 500:
        return Finding(
            "warn", f"{known}: it answers with {answer.status}", "The provider has trouble; try again later."
        )
    return Finding("ok", f"{known}: reachable ({answer.status})")
