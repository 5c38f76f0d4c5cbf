"""What the exit codes mean, so that scripts can tell failures apart."""

from __future__ import annotations

from meshwright.types.errors import ClientError, ConfigError, MeshError, NoCandidate, StoreError, UpstreamError

OK = 0
FAILED = 1
USAGE = 2
CONFIG = 3
NOT_FOUND = 4
UPSTREAM = 5
STORE = 6
INTERRUPTED = 130

MEANING = {
    OK: "It worked.",
    FAILED: "It failed in a way that has no code of its own.",
    USAGE: "The command line or the request is wrong.",
    CONFIG: "mesh.toml or the environment is wrong; every problem is on standard error.",
    NOT_FOUND: "There is no such model, route or decision, or no model can serve the request.",
    UPSTREAM: "The provider failed or refused.",
    STORE: "The state folder, the database or the journal cannot be used.",
    INTERRUPTED: "You interrupted it.",
}


def exit_code(error: MeshError) -> int:
    """The exit code of an error."""
    if isinstance(error, ConfigError):
        return CONFIG
    if isinstance(error, StoreError):
        return STORE
    if isinstance(error, NoCandidate) or error.status == 404:
        return NOT_FOUND
    if isinstance(error, UpstreamError):
        return UPSTREAM
    return USAGE if isinstance(error, ClientError) else FAILED
