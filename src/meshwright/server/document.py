"""The OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.0), made from the table of endpoints."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from meshwright import __version__
from meshwright.server.admin_schemas import ADMIN_SCHEMAS
from meshwright.server.endpoint import Endpoint
from meshwright.server.schemas import ERROR_SHAPES, ERRORS, SCHEMAS


def document(endpoints: Sequence[Endpoint]) -> bytes:
    """The document for these endpoints, as JSON. What is passed on as it is, the provider documents."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        if endpoint.answers in ("Forwarded", "Kept"):
            continue
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Meshwright",
                "version": __version__,
                "description": "One endpoint in front of every model, in the dialects that clients already speak. "
                "The rest of OpenAI's API is passed on as it is to a provider that has it.",
            },
            "externalDocs": {"url": "https://platform.openai.com/docs/api-reference"},
            "paths": paths,
            "components": {
                "schemas": {**SCHEMAS, **ADMIN_SCHEMAS},
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer"},
                    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                },
            },
        }
    ).encode()


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    kind = (
        "text/html"
        if endpoint.answers == "Page"
        else "text/plain"
        if endpoint.answers == "Text"
        else "application/json"
    )
    responses: dict[str, Any] = {"200": {"description": "The answer.", "content": {kind: {"schema": {}}}}}
    if endpoint.dialect is not None and endpoint.slow:
        responses["200"]["content"][endpoint.dialect.event_stream] = {"schema": {"type": "string"}}
    operation: dict[str, Any] = {"summary": endpoint.summary, "operationId": _id(endpoint), "responses": responses}
    if endpoint.path == "/readyz":
        responses["503"] = {"description": "Not ready.", "content": {kind: {"schema": {"type": "object"}}}}
    if endpoint.scope:
        operation["security"] = [{"bearer": []}, {"x-api-key": []}, {}]
        shape = ERROR_SHAPES.get(endpoint.dialect.name, "Error") if endpoint.dialect else "Error"
        schema = {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}}}
        responses |= {status: {"description": meaning, "content": schema} for status, meaning in ERRORS.items()}
    if endpoint.request:
        schema = {"application/json": {"schema": {"$ref": f"#/components/schemas/{endpoint.request}"}}}
        operation["requestBody"] = {"required": True, "content": schema}
    parameters = [dict(parameter) for parameter in endpoint.parameters]
    if "{" in endpoint.path:
        name = endpoint.path.partition("{")[2].partition("}")[0]
        text = {"type": "string", "minLength": 1}
        parameters.append({"name": name, "in": "path", "required": True, "schema": text})
    if parameters:
        operation["parameters"] = parameters
    return operation


def _id(endpoint: Endpoint) -> str:
    words = re.sub(r"[{}/.:]", " ", endpoint.path).split()
    return "_".join((endpoint.method.lower(), *words)) or "get"
