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

from onair_common.refusals import Refused

MAX_BODY_BYTES = 64 * 1024
_METHODS = ("get", "put", "post", "delete", "patch")


async def read_bounded(request: Request, limit: int = MAX_BODY_BYTES) -> bytes:
    """Return the raw body, reading no more than `limit` bytes of it.

    Raises
    ------
    Refused
        ``large`` (413) when it is larger.
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
    raise Refused("large", limit=limit)


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
        Refused
            ``body`` (422), naming the place of the first error; ``no-json`` (400) where half a character stands.
        KeyError
            When the document has no such operation with a JSON body.
        """
        try:
            error = next(iter(self._bodies[operation].iter_errors(body)), None)
        except UnicodeEncodeError as half:  # a lone surrogate: JSON can spell it, and no text can have it
            raise Refused("no-json") from half
        if error is not None:
            place = "/".join(str(step) for step in error.instance_path) or "body"
            raise Refused("body", place=place, why=error.message, why_ko=_in_korean(error))

    async def body(self, request: Request, operation: str) -> dict[str, Any]:
        """Return a request's JSON body, an object, when the document allows it.

        Raises
        ------
        Refused
            When it is of another media type (415), too large (413), no JSON (400), or not what the schema says (422).
        """
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/json":
            raise Refused("media-type")
        return self.read(await read_bounded(request), operation)

    def read(self, raw: bytes, operation: str) -> dict[str, Any]:
        """Return a raw JSON body when the document allows it; raises `Refused` as `body` does."""
        try:
            body = json.loads(raw, parse_constant=_no_number, parse_float=_number)
        except (ValueError, RecursionError) as error:
            raise Refused("no-json") from error
        self.validate(operation, body)
        return cast(dict[str, Any], body)


def _number(text: str) -> int | float:
    """Return 1.0 and 1e3 as the integers that JSON Schema takes them for: a database tells them apart."""
    value = float(text)
    return int(value) if value.is_integer() else value


_KOREAN = {
    "additionalProperties": "모르는 항목이 있습니다",
    "const": "허용되지 않는 값입니다",
    "enum": "허용되지 않는 값입니다",
    "exclusiveMinimum": "너무 작습니다",
    "format": "형식이 올바르지 않습니다",
    "maximum": "너무 큽니다",
    "maxLength": "너무 깁니다",
    "maxProperties": "항목이 너무 많습니다",
    "minimum": "너무 작습니다",
    "minLength": "너무 짧습니다",
    "minProperties": "항목이 너무 적습니다",
    "oneOf": "허용되는 조합이 아닙니다",
    "pattern": "형식이 올바르지 않습니다",
    "required": "필수 항목이 없습니다",
    "type": "값의 종류가 다릅니다",
}
"""What a keyword of JSON Schema finds wrong; the library says it in English only."""


def _in_korean(error: jsonschema_rs.ValidationError) -> str:
    keyword = next((k for k in reversed([str(step) for step in error.schema_path]) if k in _KOREAN), "")
    return _KOREAN.get(keyword, "값이 올바르지 않습니다")


def _no_number(name: str) -> object:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)
