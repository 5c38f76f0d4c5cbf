"""What Ollama's clients ask about models: GET /api/tags, GET /api/ps, POST /api/show, GET /api/version.

Source: https://docs.ollama.com/api/tags, .../api/show, .../api/version. A gateway knows a model's name and abilities,
not its file: size is 0 and the digest is that of the name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from meshwright.types.errors import InvalidRequest
from meshwright.wire.ollama.answer import time_out
from meshwright.wire.reading import client_json, provider_json

TAGS = "/api/tags"
RUNNING = "/api/ps"
SHOW = "/api/show"
VERSION = "/api/version"


class Listed(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A model of a list. `size` is in bytes, `modified` in seconds since 1970."""

    name: str
    size: int = 0
    digest: str = ""
    modified: int = 0
    family: str = ""
    parameters: str = ""


class _Details(msgspec.Struct):
    family: str | None = None
    parameter_size: str | None = None


class _Model(msgspec.Struct):
    name: str = ""
    model: str = ""
    size: int | None = None
    digest: str | None = None
    details: _Details | None = None


class _Models(msgspec.Struct):
    models: list[_Model] | None


class _Named(msgspec.Struct):
    model: str | None = None
    name: str | None = None


class _Pull(msgspec.Struct):
    stream: bool | None = None


class _Version(msgspec.Struct):
    version: str


class _Shown(msgspec.Struct):
    capabilities: list[str] | None = None


_MODELS: msgspec.json.Decoder[_Models] = msgspec.json.Decoder(_Models)
_NAMED: msgspec.json.Decoder[_Named] = msgspec.json.Decoder(_Named)
_PULL: msgspec.json.Decoder[_Pull] = msgspec.json.Decoder(_Pull)
_VERSION: msgspec.json.Decoder[_Version] = msgspec.json.Decoder(_Version)
_SHOWN: msgspec.json.Decoder[_Shown] = msgspec.json.Decoder(_Shown)


def _details(listed: Listed) -> dict[str, object]:
    return {
        "parent_model": "",
        "format": "",
        "family": listed.family,
        "families": [listed.family] if listed.family else [],
        "parameter_size": listed.parameters,
        "quantization_level": "",
    }


def encode_tags(models: Iterable[Listed]) -> bytes:
    """The answer of /api/tags, and of /api/ps for models that are running."""
    return msgspec.json.encode(
        {
            "models": [
                {
                    "name": one.name,
                    "model": one.name,
                    "modified_at": time_out(one.modified),
                    "size": one.size,
                    "digest": one.digest or hashlib.sha256(one.name.encode()).hexdigest(),
                    "details": _details(one),
                }
                for one in models
            ]
        }
    )


def encode_names(names: Sequence[str]) -> bytes:
    """The same for models of which only the names are known."""
    return encode_tags(Listed(name=name) for name in names)


def decode_tags(body: bytes) -> tuple[Listed, ...]:
    """A server's list of its models. Raises UpstreamProtocol."""
    return tuple(
        Listed(
            name=one.model or one.name,
            size=one.size or 0,
            digest=one.digest or "",
            family=(one.details.family if one.details else "") or "",
            parameters=(one.details.parameter_size if one.details else "") or "",
        )
        for one in provider_json(_MODELS, body, "list of models").models or ()
    )


def decode_show_request(body: bytes) -> str:
    """The model that a client asks about. Raises InvalidRequest."""
    asked = client_json(_NAMED, body)
    name = asked.model or asked.name
    if not name:
        raise InvalidRequest("The model is not named.", field="model", fix="Name one of GET /api/tags.")
    return name


def decode_pull_request(body: bytes) -> tuple[str, bool]:
    """(the model that a client wants to have, whether it wants to see the progress). Raises InvalidRequest."""
    return decode_show_request(body), client_json(_PULL, body).stream is not False


def encode_pulled(stream: bool) -> bytes:
    """The progress of fetching a model that is there: it is done. As a stream, a line for each step."""
    steps = ("pulling manifest", "success") if stream else ("success",)
    return b"\n".join(msgspec.json.encode({"status": step}) for step in steps) + (b"\n" if stream else b"")


def encode_show(listed: Listed, capabilities: Sequence[str] = ("completion",), context: int | None = None) -> bytes:
    """The answer of /api/show: abilities (completion, tools, vision, thinking, embedding, ...), window in tokens."""
    architecture = listed.family or "unknown"
    info: dict[str, object] = {"general.architecture": architecture, "general.basename": listed.name}
    if context is not None:
        info[f"{architecture}.context_length"] = context
    return msgspec.json.encode(
        {
            "modelfile": "",
            "parameters": "",
            "template": "",
            "license": "",
            "modified_at": time_out(listed.modified),
            "details": _details(listed),
            "model_info": info,
            "capabilities": list(capabilities),
        }
    )


def decode_show(body: bytes) -> tuple[str, ...]:
    """The abilities of a server's model. Raises UpstreamProtocol."""
    return tuple(provider_json(_SHOWN, body, "description of a model").capabilities or ())


def encode_version(version: str) -> bytes:
    """The answer of /api/version."""
    return msgspec.json.encode({"version": version})


def decode_version(body: bytes) -> str:
    """A server's version. Raises UpstreamProtocol."""
    return provider_json(_VERSION, body, "version").version
