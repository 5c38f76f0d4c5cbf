"""The rest of OpenAI's API: passed on as it is to a provider that has it."""

from __future__ import annotations

from meshwright.server.endpoint import ANY, Endpoint, resource
from meshwright.server.passing import passing_on
from meshwright.wire import CODECS

OPENAI = CODECS["openai_chat"]
COUNTED = (
    ("moderations", "Whether a text or an image is objectionable."),
    ("images", "Make, edit and vary images."),
    ("audio", "Speak, transcribe and translate; voices."),
)
"""First words of paths whose answers tell what was used for them."""
KEPT = (
    ("uploads", "Large files in parts."),
    ("fine_tuning", "Models trained further."),
    ("vector_stores", "Files that can be searched."),
    ("evals", "Tests of models that the provider runs."),
    ("containers", "Computers that models use."),
    ("assistants", "Assistants."),
    ("threads", "Conversations of assistants, and their runs."),
    ("videos", "Make and change videos."),
    ("chatkit", "ChatKit's sessions and threads."),
    ("realtime", "Calls and keys for speech in real time."),
    ("live", "Live sessions."),
    ("skills", "Skills that the provider keeps."),
    ("agents", "Agents that the provider runs."),
    ("content_provenance_checks", "Where a picture comes from."),
)
GOVERNING = (
    ("organization", "The provider's organization: users, keys, usage, costs."),
    ("projects", "The provider's projects: roles and groups."),
    ("webhook_endpoints", "Where the provider reports events to."),
    ("webhook_event_types", "Which events it can report."),
    ("vaults", "Secrets that the provider keeps."),
    ("safety", "Cases of misuse."),
)
"""They rule over the account at the provider: only the master key may ask for them."""


def _endpoint(
    path: str, summary: str, *, method: str = ANY, counts: bool = False, scope: str = "inference"
) -> Endpoint:
    return resource(path, summary, passing_on(counts), OPENAI, answers="Forwarded", method=method, scope=scope)


def _family(name: str, summary: str, *, counts: bool = False, scope: str = "inference") -> tuple[Endpoint, Endpoint]:
    return (
        _endpoint(f"/v1/{name}", summary, counts=counts, scope=scope),
        _endpoint(f"/v1/{name}/{{path}}", summary, counts=counts, scope=scope),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    _endpoint("/v1/responses/compact", "A shorter form of a conversation.", method="POST", counts=True),
    _endpoint("/v1/models/{model}", "Delete a model that was trained further.", method="DELETE", scope="*"),
    _endpoint("/v1/decisions", "A decision that the provider makes.", method="POST"),
    *(endpoint for name, summary in COUNTED for endpoint in _family(name, summary, counts=True)),
    *(endpoint for name, summary in KEPT for endpoint in _family(name, summary)),
    *(endpoint for name, summary in GOVERNING for endpoint in _family(name, summary, scope="*")),
)
