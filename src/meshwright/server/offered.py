"""What can be asked for by name, for the lists of models that each dialect has in its own shape."""

from __future__ import annotations

from meshwright.kernel.bounds import offers
from meshwright.kernel.snapshot import Snapshot
from meshwright.types.errors import UnknownModel
from meshwright.types.model import Model
from meshwright.types.principal import Principal


def offered(snapshot: Snapshot, principal: Principal) -> list[str]:
    """Routes first, then models by their full name: those that the caller may ask for."""
    names = [*(name for name, policy in snapshot.names.items() if not policy.named), *snapshot.deployments]
    return [name for name in names if offers(snapshot, principal, name)] if principal.bounds else names


def card(snapshot: Snapshot, name: str) -> Model | None:
    """The card of a model by any of its names; None for a route, which may lead to several. Raises UnknownModel."""
    found = snapshot.deployment(name)
    if found is not None:
        return found.model
    policy = snapshot.names.get(name)
    if policy is None:
        raise UnknownModel(
            f'There is no model or route "{name[:200]}" here.', field="model", fix="GET /v1/models lists them."
        )
    known = snapshot.deployments.get(policy.pool[0]) if policy.named and len(policy.pool) == 1 else None
    return known.model if known is not None else None
