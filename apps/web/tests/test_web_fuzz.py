"""Whatever is sent to the pages, they answer with a page: no 5xx, no echo of what could run, nothing lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from apps.web.tests.behind import KEYS, ORDER, Behind, token_in
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onair_common.identity import COOKIE, Sessions, Viewer
from onair_common.sign_in import FLOW_COOKIE

PATHS = ["/", "/shows/table", "/orders", f"/orders/{ORDER['order']}", "/nickname", "/sign-in", "/sign-in/begin",
         "/auth/callback", "/sign-out", "/sell", "/sell/table", "/static/site.css", "/healthz"]  # fmt: skip
RUNS = "<script>alert(1)</script>"
TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [RUNS, "\u202e", "\x00", "%00", "../../etc/passwd", "//evil.example", "ko", "en", "\r\nset-cookie: a=b"]
    ),
)
NAMES = st.one_of(TEXTS, st.sampled_from(["nickname", "csrf", "back", "lang", "code", "state", "error", "iss"]))
PAIRS = st.lists(st.tuples(NAMES, TEXTS), max_size=6)
FORM = "application/x-www-form-urlencoded"
MEDIA = st.sampled_from([FORM, FORM, "application/json", "text/plain", "multipart/form-data", ""])
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "accept-language": st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80),
        "accept": st.sampled_from(["text/html", "application/json", "*/*", ";;"]),
        "x-forwarded-host": st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
        "x-request-id": st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80),
    },
)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def encoded(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(n, errors='ignore')}={quote(v, errors='ignore')}" for n, v in pairs)


def judge(answer: httpx.Response, language: str | None) -> None:
    assert answer.status_code < 500, answer.text[:200]
    assert RUNS not in answer.text, "what was sent runs in the page"
    assert "a=b" not in answer.headers.get_list("set-cookie"), "a header was injected"
    place = answer.headers.get("location", "/")
    assert place.startswith(("/", "https://issuer/auth")), f"sent away to {place}"
    assert not place.startswith("//"), f"sent away to {place}"
    if answer.status_code >= 400 and answer.text and answer.headers["content-type"].startswith("text/html"):
        assert re.search(r'<html lang="(ko|en)">', answer.text)
        assert language is None or f'<html lang="{language}">' in answer.text
    assert COOKIE not in answer.text


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "DELETE", "PUT"]),
    path=st.one_of(st.sampled_from(PATHS), TEXTS.map(lambda t: "/shows/" + quote(t, safe="", errors="ignore"))),
    query=PAIRS,
    body=st.one_of(PAIRS.map(lambda p: encoded(p).encode()), st.binary(max_size=200)),
    media=MEDIA,
    headers=HEADERS,
    cookie=st.one_of(st.none(), st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80)),
    confirmed=st.booleans(),
)
def test_any_request_gets_a_page(
    client: httpx.AsyncClient, behind: Behind, runner: asyncio.Runner, method: str, path: str,
    query: list[tuple[str, str]], body: bytes, media: str, headers: dict[str, str], cookie: str | None, confirmed: bool,
) -> None:  # fmt: skip
    behind.order = ORDER
    sessions = Sessions(KEYS)
    seller = Viewer("5" * 32, "Maya", "seller", 4_000_000_000)
    own = {"cookie": f"{COOKIE}={sessions.issue(seller) if confirmed else cookie or ''}; {FLOW_COOKIE}={cookie or 'x'}"}
    if confirmed and media.endswith("urlencoded"):
        body = f"csrf={quote(sessions.csrf(seller))}&".encode() + body  # past the door, to what is behind it
    request = client.build_request(
        method, f"https://shop{path}?{encoded(query)}", content=body, headers=headers | own | {"content-type": media}
    )
    judge(runner.run(client.send(request)), None)
    client.cookies.clear()


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(nickname=TEXTS, back=TEXTS, more=PAIRS, language=st.sampled_from(["ko", "en"]))
def test_any_nickname_is_taken_or_refused_in_the_viewers_language(
    client: httpx.AsyncClient,
    runner: asyncio.Runner,
    nickname: str,
    back: str,
    more: list[tuple[str, str]],
    language: str,
) -> None:
    async def rename() -> tuple[httpx.Response, httpx.Response]:
        token = token_in((await client.get("/shows/table")).text)
        form = dict(more) | {"nickname": nickname, "back": back, "csrf": token}
        sent, headers = encoded(list(form.items())), {"accept-language": language, "content-type": FORM}
        answer = await client.post("/nickname", content=sent, headers=headers)
        return answer, await client.get("/shows/table")

    answer, page = runner.run(rename())
    judge(answer, language)
    assert answer.status_code in {303, 422}
    assert RUNS not in page.text
    assert page.status_code == 200
