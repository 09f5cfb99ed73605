from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onair_common.openapi import MAX_BODY_BYTES, Document
from onair_common.refusals import application
from onair_common.settings import Settings

CONTENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/buy": {
            "post": {
                "operationId": "buy",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Buy"}}}},
            },
            "get": {"operationId": "look"},
        }
    },
    "components": {
        "schemas": {
            "Buy": {
                "type": "object",
                "required": ["count", "until"],
                "additionalProperties": False,
                "properties": {
                    "count": {"type": "integer", "minimum": 1},
                    "until": {"type": "string", "format": "date-time"},
                },
            }
        }
    },
}
GOOD = {"count": 1, "until": "2026-01-01T00:00:00Z"}


@pytest.fixture
def client(region_env: dict[str, dict[str, str]]) -> httpx.AsyncClient:
    document = Document(CONTENT)

    async def buy(request: Request) -> Response:
        return JSONResponse(await document.body(request, "buy"))

    settings = Settings.read({"SERVICE_NAME": "buy", **region_env["us"]})
    app = application(settings, [Route("/buy", buy, methods=["POST"]), document.route("/openapi.json")])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://svc")


async def test_the_document_is_served_as_it_is(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json() == CONTENT


async def test_a_good_body_comes_through(client: httpx.AsyncClient) -> None:
    answer = await client.post("/buy", json=GOOD)
    assert (answer.status_code, answer.json()) == (200, GOOD)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "no JSON"),
        (b'{"count": NaN}', 400, "no JSON"),
        (b"[" * 20_000, 400, "no JSON"),
        (b"\xff\xfe", 400, "no JSON"),
        (b'{"count": 1, "until": "\\ud800"}', 400, "no JSON"),
        (b'{"\\udfff": 1}', 400, "no JSON"),
        (json.dumps(GOOD).replace(": 1,", ": 1e400,").encode(), 422, "count:"),
        (b'{"count": 1' + b"0" * 5000 + b"}", 400, "no JSON"),
        (b"[]", 422, "body:"),
        (json.dumps(GOOD | {"count": "1"}).encode(), 422, "count:"),
        (json.dumps(GOOD | {"count": 0}).encode(), 422, "count:"),
        (json.dumps(GOOD | {"until": "tomorrow"}).encode(), 422, "until:"),
        (json.dumps(GOOD | {"more": 1}).encode(), 422, "more"),
        (b" " * (MAX_BODY_BYTES + 1), 413, "65536"),
    ],
)
async def test_a_bad_body_is_a_clear_4xx(client: httpx.AsyncClient, body: bytes, status: int, said: str) -> None:
    answer = await client.post("/buy", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"count": "1"}, "count: 값의 종류가 다릅니다"),
        ({"count": 0}, "count: 너무 작습니다"),
        ({"until": "tomorrow"}, "until: 형식이 올바르지 않습니다"),
        ({"more": 1}, "body: 모르는 항목이 있습니다"),
        ({"count": None}, "count: 값의 종류가 다릅니다"),
    ],
)
async def test_a_bad_body_is_told_in_korean(client: httpx.AsyncClient, change: dict[str, Any], detail: str) -> None:
    answer = await client.post("/buy", json=GOOD | change, headers={"accept-language": "ko"})
    assert (answer.json()["title"], answer.json()["detail"]) == ("요청 내용이 올바르지 않습니다", detail)
    assert answer.headers["content-language"] == "ko"


@pytest.mark.parametrize("number", [b"1.0", b"1e0", b"10E-1"])
async def test_a_whole_number_is_an_integer_however_it_is_written(client: httpx.AsyncClient, number: bytes) -> None:
    body = b'{"count": ' + number + b', "until": "2026-01-01T00:00:00Z"}'
    answer = await client.post("/buy", content=body, headers={"content-type": "application/json"})
    assert answer.content.startswith(b'{"count":1,')


async def test_what_was_sent_is_not_sent_back(client: httpx.AsyncClient) -> None:
    answer = await client.post("/buy", json=GOOD | {"count": "<script>"})
    assert "script" not in answer.text


async def test_another_media_type_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/buy", content=b"{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415


async def test_a_large_body_is_refused_before_it_is_read(client: httpx.AsyncClient) -> None:
    sent = 0

    app = client._transport.app  # type: ignore[attr-defined]

    async def receive() -> dict[str, Any]:
        nonlocal sent
        sent += 4096
        return {"type": "http.request", "body": b" " * 4096, "more_body": True}

    seen: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        seen.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/buy",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await app(scope, receive, send)
    assert seen[0]["status"] == 413
    assert sent <= MAX_BODY_BYTES + 4096


def test_an_unknown_operation_is_the_programmers_error() -> None:
    with pytest.raises(KeyError):
        Document(CONTENT).validate("look", {})
