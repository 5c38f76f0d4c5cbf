"""To whom a request goes that is passed on as it is: the provider of its model, or the one that was named for it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import msgspec

from meshwright.kernel.snapshot import Deployment, Snapshot
from meshwright.types.errors import InvalidRequest, NotFound, UnknownModel
from meshwright.types.principal import Principal
from meshwright.types.request import Source
from meshwright.wire.faithful import rewritten

SHAPES = frozenset({"openai_chat", "openai_completions", "openai_responses"})
"""Dialects of providers whose API has OpenAI's paths."""
JSON_KIND = "application/json"
FORM = "multipart/form-data"
FIX = (
    "Name the model as PROVIDER/NAME, send the header x-mesh-provider, or set forward_to of [server] in mesh.toml to "
    "the name of a provider that is served."
)
_FIELDS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BOUNDARY = re.compile(r';[ \t]*boundary="?([^";\s]{1,70})"?', re.IGNORECASE)
# The head of a form's part "model" (RFC 7578 section 4.2), the blank line, and what it holds.
_MODEL_PART = (
    rb"\r\n(?:[^\r\n]+\r\n)*(?i:content-disposition:[ \t]*form-data;[ \t]*name=(?:model|\"model\"))[ \t]*\r\n"
    rb"(?:[^\r\n]+\r\n)*\r\n([^\r\n]{0,300})\r\n"
)


class Parcel(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A request that is passed on: its path without "/v1" and percent-decoded, its query as it came, its bytes.

    `headers` are those of the client's that the provider may see, `kind` among them if there is a body. `provider` is
    whom the caller names, `preferred` whom the configuration names; "" names nobody. `counts`: its answer tells what
    was used for it (and is not about something that was made and counted earlier).
    """

    method: str
    path: str
    principal: Principal
    query: str = ""
    kind: str = ""
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    provider: str = ""
    preferred: str = ""
    counts: bool = False
    max_cost: int | None = None
    """Nano-dollars that it may cost in the worst case."""

    @property
    def media(self) -> str:
        """The media type without its parameters."""
        return self.kind.partition(";")[0].strip().lower()


class Addressed(msgspec.Struct, frozen=True, eq=False):
    """The deployment that a parcel is for, its body with the provider's name of the model, and what was asked for."""

    deployment: Deployment
    body: bytes
    asked: str = ""


def addressed(snapshot: Snapshot, parcel: Parcel) -> Addressed:
    """The provider that the caller names, or of the model that he names, or that is preferred, or the first served.

    A model is renamed to what its provider calls it. Raises NotFound, UnknownModel, InvalidRequest.
    """
    fields, part = _fields(parcel), None
    asked = _json_model(fields)
    if parcel.media == FORM:
        part = _form_model(parcel)
        asked = part.group(1).decode("utf-8", "replace").strip() if part is not None else ""
    found = named_provider(snapshot, asked, parcel.provider, parcel.preferred, builtin=parcel.path == "/embeddings")
    name = found.model.upstream or asked
    if fields is not None and "model" in fields:
        source = Source("", parcel.body, fields)
        changes = {"model": msgspec.Raw(msgspec.json.encode(name))} if asked and name != asked else {}
        return Addressed(found, rewritten(source, changes), asked)
    if part is not None and name != asked:
        return Addressed(found, parcel.body[: part.start(1)] + name.encode() + parcel.body[part.end(1) :], asked)
    return Addressed(found, parcel.body, asked)


def named_provider(
    snapshot: Snapshot, asked: str, provider: str, preferred: str, *, builtin: bool = False
) -> Deployment:
    """Whom a request is for: see `addressed`. `builtin`: the built-in models have the path too."""
    found = _served(snapshot, provider, asked, "x-mesh-provider") if provider else None
    found = found or (_of_model(snapshot, asked, builtin) if asked else None)
    found = found or (_served(snapshot, preferred, asked, "forward_to") if preferred else None)
    return found or _first(snapshot)


def may_have(snapshot: Snapshot, parcel: Parcel) -> bool:
    """Whether who is meant may have this path: no route, no model in-house, no provider of another API."""
    if parcel.provider:
        return True
    asked = _json_model(_fields(parcel))
    policy = snapshot.names.get(asked)
    if policy is not None and not policy.named:
        return False
    names = policy.pool if policy is not None else (asked,)
    found = [deployment for name in names if (deployment := snapshot.deployment(name)) is not None]
    return not found or any(one.in_any(SHAPES) and one.provider.name != "builtin" for one in found)


def takes_unnamed(snapshot: Snapshot, provider: str, preferred: str) -> bool:
    """Whether a Responses call without a model (a stored prompt may name one) has somebody to go to."""
    if provider or preferred:
        return True
    shaped = (one.provider for pattern in snapshot.open_ended.values() if (one := pattern.in_any(SHAPES)) is not None)
    first = next((row for row in shaped if not row.local), None)
    return first is not None and "responses" in first.quirks


def _fields(parcel: Parcel) -> dict[str, msgspec.Raw] | None:
    """The top-level members of a JSON body; None when there is no such body."""
    if parcel.media != JSON_KIND or not parcel.body:
        return None
    try:
        return _FIELDS.decode(parcel.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"The body is not a JSON object: {error}.", fix="Send one JSON object.") from None


def _json_model(fields: dict[str, msgspec.Raw] | None) -> str:
    """The model's name; "" when there is none. One that is no text (`null`, an object) is the provider's to judge."""
    raw = (fields or {}).get("model")
    if raw is None:
        return ""
    try:
        value = msgspec.json.decode(raw)
    except UnicodeDecodeError:
        raise InvalidRequest("The name of the model is not UTF-8.", field="model", fix="Send UTF-8.") from None
    return value if isinstance(value, str) else ""


def _form_model(parcel: Parcel) -> re.Match[bytes] | None:
    """The form's part "model". Raises InvalidRequest when there are several: each reader would pick another."""
    if not (mark := boundary_of(parcel.kind)):
        return None
    boundary = re.escape(b"--" + mark)
    found = list(re.finditer(boundary + _MODEL_PART + b"(?=" + boundary + b")", parcel.body))
    if len(found) > 1:
        raise InvalidRequest('The form has the field "model" more than once.', field="model", fix="Send one.")
    return found[0] if found else None


def boundary_of(kind: str) -> bytes:
    """What parts the fields of a form of this content type, b"" when it does not say."""
    said = _BOUNDARY.search(kind)
    return said.group(1).encode() if said is not None else b""


def names_meant(snapshot: Snapshot, asked: str) -> Sequence[str]:
    """The full names that a name stands for where no chat is asked for. Raises UnknownModel for a route's."""
    policy = snapshot.names.get(asked)
    if policy is not None and not policy.named:
        raise UnknownModel(
            f'"{asked}" is a route, and routes lead to models that answer chats.',
            field="model",
            fix="Name a model as PROVIDER/NAME.",
        )
    return policy.pool if policy is not None else (asked,)


def check_served(snapshot: Snapshot, asked: str) -> None:
    """Raises UnknownModel where the provider of a full name is not served, and says why."""
    provider, slash, _ = asked.partition("/")
    if slash and (reason := snapshot.refused.get(provider)):
        raise UnknownModel(
            f'"{asked[:200]}" cannot be served: {reason}.', field="model", fix="`mesh doctor` shows how to set it up."
        )


def _of_model(snapshot: Snapshot, asked: str, builtin: bool) -> Deployment | None:
    """The deployment of a full name, an alias or a bare name; None when nobody here is known by it.

    `builtin`: the built-in models have this path.
    """
    names = names_meant(snapshot, asked)
    found = [deployment for name in names if (deployment := snapshot.deployment(name)) is not None]
    meant = [one for one in found if builtin or one.provider.name != "builtin"]
    shaped = [one for deployment in meant if (one := deployment.in_any(SHAPES)) is not None]
    if found and not shaped:
        raise NotFound(f"{found[0].provider.name} has no such path: its API does not have OpenAI's shape.", fix=FIX)
    if not found:
        check_served(snapshot, asked)
    return shaped[0] if shaped else None


def _served(snapshot: Snapshot, provider: str, asked: str, said: str) -> Deployment:
    """The deployment of `asked` at that provider, or the provider's pattern, which leaves the name as it is."""
    pattern = snapshot.open_ended.get(provider)
    if pattern is None:
        reason = snapshot.refused.get(provider)
        near = difflib.get_close_matches(provider, snapshot.open_ended, 1, 0.6)
        there = f'"{provider[:100]}" ({said}) cannot be served: {reason}.' if reason else ""
        raise NotFound(
            there or f'There is no provider "{provider[:100]}" here ({said}).',
            fix=f'Did you mean "{near[0]}"?' if near else "`mesh providers` lists those that are served.",
        )
    shaped = pattern.in_any(SHAPES)
    if shaped is None:
        raise NotFound(f"{provider} has no such path: its API does not have OpenAI's shape.", fix=FIX)
    own = snapshot.deployment(asked) if asked.startswith(f"{provider}/") else None
    if own is None:
        policy = snapshot.names.get(asked)
        pool = policy.pool if policy is not None and policy.named else ()
        own = next((snapshot.deployments[name] for name in pool if name.startswith(f"{provider}/")), pattern)
    return own.in_any(SHAPES) or shaped


def _first(snapshot: Snapshot) -> Deployment:
    """The first provider of OpenAI's shape that is served and neither built in nor local."""
    for pattern in snapshot.open_ended.values():
        if not pattern.provider.local and (shaped := pattern.in_any(SHAPES)) is not None:
            return shaped
    raise NotFound("No provider is served that this could be passed on to.", fix=FIX)
