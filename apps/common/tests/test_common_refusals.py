from __future__ import annotations

import string

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

import catalog.app
import chat.app
import live.words
import order.words
from onair_common.access_record import recorded
from onair_common.languages import LANGUAGES, preferred
from onair_common.refusals import COMMON, Refused, Words, application, refusal
from onair_common.settings import Settings

ALL = COMMON | catalog.app.WORDS | chat.app.WORDS | live.words.WORDS | order.words.WORDS


@pytest.fixture
def client(region_env: dict[str, dict[str, str]]) -> httpx.AsyncClient:
    async def broken(request: Request) -> Response:
        with recorded(request, "ab12", "thing.do", "t1"):
            match request.path_params["how"]:
                case "refused":
                    raise Refused("large", limit=5)
                case "away":
                    raise TimeoutError
                case "fault":
                    raise RuntimeError("a secret detail")
        return Response("done")

    settings = Settings.read({"SERVICE_NAME": "probe", **region_env["kr"]})
    app = application(settings, [Route("/{how}", broken)], away=(TimeoutError,))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://pod")


@pytest.mark.parametrize(
    ("method", "path", "status", "korean", "english"),
    [
        ("GET", "/refused", 413, "요청이 너무 큽니다", "Content Too Large"),
        ("GET", "/away", 503, "잠시 뒤 다시 시도하세요", "Try again in a moment"),
        ("GET", "/fault", 500, "문제가 생겼습니다", "Something went wrong"),
        ("GET", "/a/b", 404, "찾을 수 없습니다", "Not Found"),
        ("PUT", "/ok", 405, "지원하지 않는 요청 방식입니다", "Method Not Allowed"),
    ],
)
async def test_whatever_goes_wrong_is_said_in_the_viewers_language(
    client: httpx.AsyncClient, method: str, path: str, status: int, korean: str, english: str
) -> None:
    for accept, title in (
        ("ko-KR,en;q=0.5", korean),
        ("en-GB", english),
        ("fr", korean),
        ("en;q=0.1,ko;q=0.9", korean),
    ):
        answer = await client.request(method, path, headers={"accept-language": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert (answer.json()["title"], answer.json()["status"]) == (title, status)
        assert "secret" not in answer.text
        assert ("retry-after" in answer.headers) == (status == 503)
        assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(("how", "result"), [("ok", "ok"), ("refused", "large"), ("away", "fault"), ("fault", "fault")])
async def test_the_access_record_says_how_it_ended(client: httpx.AsyncClient, how: str, result: str) -> None:
    with capture_logs() as lines:
        await client.get(f"/{how}")
    found = [line for line in lines if line.get("logger") == "access-record"]
    assert [(line["who"], line["what"], line["target"], line["result"]) for line in found] == [
        ("ab12", "thing.do", "t1", result)
    ]


@pytest.mark.parametrize("code", sorted(ALL))
def test_every_refusal_has_words_in_both_languages(code: str) -> None:
    words: Words = ALL[code]
    assert 400 <= words.status < 600
    assert any("가" <= c <= "힣" for c in words.ko)
    assert words.en.isascii()
    assert bool(words.ko_detail) == bool(words.en_detail) or code == "origin"
    gaps = [{name for _, name, _, _ in string.Formatter().parse(d) if name} for d in (words.ko_detail, words.en_detail)]
    assert code == "body" or gaps[0] == gaps[1]


@given(st.text(max_size=200), st.sampled_from(["ko", "en", "de"]))
def test_any_accept_language_gives_a_language(accept: str, region: str) -> None:
    assert preferred(accept, region) in LANGUAGES


def test_a_code_without_words_is_the_programmers_error(region_env: dict[str, dict[str, str]]) -> None:
    app = application(Settings.read({"SERVICE_NAME": "probe", **region_env["kr"]}), [])
    with pytest.raises(KeyError):
        refusal(Request({"type": "http", "headers": [], "app": app}), "no-such-code")
