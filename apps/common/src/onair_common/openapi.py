"""A service's OpenAPI document: served as it is, and what request bodies are judged by.

Document and validation are one fact: nothing is accepted that the document does not say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, cast

import jsonschema_rs
import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onair_common.asgi import problem

MAX_BODY_BYTES = 64 * 1024
_METHODS = ("get", "put", "post", "delete", "patch")


class BadBody(Exception):
    """A request body is refused; the text goes to the client.

    Attributes
    ----------
    status : int
        400 (no JSON), 413 (too large), 415 (another media type) or 422 (JSON that the schema does not allow).
    """

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title = status, title


async def refuse(_: Request, error: Exception) -> Response:
    """Answer a `BadBody` with problem+json (an exception handler of Starlette)."""
    if not isinstance(error, BadBody):
        raise error
    return problem(error.status, error.title, str(error))


async def read_bounded(request: Request, limit: int = MAX_BODY_BYTES) -> bytes:
    """Return the raw body, reading no more than `limit` bytes of it.

    Raises
    ------
    BadBody
        When it is larger.
    """
    body = bytearray()
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) <= limit:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                break
        else:
            return bytes(body)
    raise BadBody(413, "Content Too Large", f"the body may have {limit} bytes")


class Document:
    """An OpenAPI 3.1 document with the body schemas of its operations compiled.

    Parameters
    ----------
    content : Mapping
        The parsed document. References are to its own components.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._raw = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        self._bodies: dict[str, jsonschema_rs.Draft202012Validator] = {}
        components = content.get("components", {})
        for path in content["paths"].values():
            for method in _METHODS:
                operation = path.get(method, {})
                schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
                if schema is not None:
                    self._bodies[operation["operationId"]] = jsonschema_rs.Draft202012Validator(
                        {**schema, "components": components}, validate_formats=True, mask="the value"
                    )

    @classmethod
    def of(cls, package: str) -> Document:
        """Read ``openapi.yaml`` of a package."""
        raw = (resources.files(package) / "openapi.yaml").read_bytes()
        return cls(yaml.load(raw, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506  both are safe loaders

    def route(self, path: str) -> Route:
        """Return the route that serves the document as JSON."""

        async def document(_: Request) -> Response:
            return Response(self._raw, headers={"cache-control": "max-age=300"}, media_type="application/json")

        return Route(path, document)

    def validate(self, operation: str, body: object) -> None:
        """Check a decoded body against an operation's schema.

        Raises
        ------
        BadBody
            With status 422, naming the place of the first error.
        KeyError
            When the document has no such operation with a JSON body.
        """
        error = next(iter(self._bodies[operation].iter_errors(body)), None)
        if error is not None:
            place = "/".join(str(step) for step in error.instance_path) or "body"
            raise BadBody(422, "Unprocessable Content", f"{place}: {error.message}")

    async def body(self, request: Request, operation: str) -> dict[str, Any]:
        """Return a request's JSON body, an object, when the document allows it.

        Raises
        ------
        BadBody
            When it is too large, of another media type, no JSON, or not what the schema says.
        """
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/json":
            raise BadBody(415, "Unsupported Media Type", "send application/json")
        return self.read(await read_bounded(request), operation)

    def read(self, raw: bytes, operation: str) -> dict[str, Any]:
        """Return a raw JSON body when the document allows it; raises `BadBody` as `body` does."""
        try:
            body = json.loads(raw, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise BadBody(400, "Bad Request", "the body is no JSON") from error
        self.validate(operation, body)
        return cast(dict[str, Any], body)


def _no_number(name: str) -> object:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)
