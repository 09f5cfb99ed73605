from __future__ import annotations

import re
import time

import httpx
import pytest
from apps.web.tests.behind import KEY, KEYS, ORDER, Behind, session_of, token_in

from onair_common.identity import COOKIE, SESSION_SECONDS, Sessions, Viewer

# ---- sessions


async def test_a_show_gives_a_newcomer_a_session_and_keeps_it(client: httpx.AsyncClient) -> None:
    assert "set-cookie" not in (await client.get("/")).headers, "looking at the programme needs no session"
    given = await client.get("/shows/table")
    cookie = given.headers["set-cookie"]
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=lax", f"Max-Age={SESSION_SECONDS}"):
        assert attribute in cookie
    first = session_of(client)
    assert re.fullmatch(r"손님 \d{4}", first.nickname)
    again = await client.get("/shows/table")
    assert "set-cookie" not in again.headers
    assert token_in(again.text) == token_in(given.text)


async def test_a_session_is_renewed_when_half_of_it_is_gone(client: httpx.AsyncClient) -> None:
    old = Viewer("a" * 32, "Kim", "viewer", int(time.time()) + SESSION_SECONDS // 2 - 60)
    client.cookies.set(COOKIE, Sessions(KEYS).issue(old))
    answer = await client.get("/")
    renewed = Sessions(KEYS).viewer(answer.headers["set-cookie"].partition(";")[0].partition("=")[2])
    assert renewed is not None
    assert (renewed.id, renewed.nickname) == (old.id, "Kim")
    assert renewed.expires > old.expires + SESSION_SECONDS // 3


@pytest.mark.parametrize("cookie", ["forged", "x" * 20_000, ".", "WyJhIl0.AAAA"])
async def test_a_forged_cookie_is_nobody(client: httpx.AsyncClient, cookie: str) -> None:
    answer = await client.get("/shows/table", headers={"cookie": f"{COOKIE}={cookie}"})
    assert answer.status_code == 200
    assert "set-cookie" in answer.headers
    assert (await client.get("/sell", headers={"cookie": f"{COOKIE}={cookie}"})).status_code == 303


async def test_nickname_needs_the_token_and_is_escaped(client: httpx.AsyncClient) -> None:
    token = token_in((await client.get("/shows/table")).text)
    form = {"nickname": "<i>Kim</i>", "back": "/shows/table", "csrf": token}
    for wrong in ("", "x", token[:-1]):
        refused = await client.post("/nickname", data=form | {"csrf": wrong})
        assert (refused.status_code, "요청을 확인할 수 없습니다" in refused.text) == (403, True)
    before = session_of(client)
    done = await client.post("/nickname", data=form)
    assert (done.status_code, done.headers["location"]) == (303, "/shows/table")
    assert session_of(client).id == before.id
    page = (await client.get("/shows/table")).text
    assert "&lt;i&gt;Kim&lt;/i&gt;" in page
    assert "<i>Kim" not in page
    away = await client.post("/nickname", data=form | {"back": "//evil.example/"})
    assert away.headers["location"] == "/"


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"nickname=a", "text/plain", 400),
        (b"nickname=%ff%fe", "application/x-www-form-urlencoded", 403),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"=&" * 40, "application/x-www-form-urlencoded", 400),
        (b"nickname=" + b"a" * 10_000, "application/x-www-form-urlencoded", 413),
        (b"", "application/x-www-form-urlencoded", 403),
    ],
)
async def test_bad_forms_get_a_plain_page(client: httpx.AsyncClient, body: bytes, media: str, status: int) -> None:
    await client.get("/shows/table")
    for path in ("/nickname", "/sign-out"):
        answer = await client.post(path, content=body, headers={"content-type": media, "accept-language": "en"})
        assert (answer.status_code, '<html lang="en">' in answer.text) == (status, True)


@pytest.mark.parametrize("nickname", ["", " ", "a" * 25, "a\tb", "\u202eevil"])
async def test_a_bad_nickname_is_refused(client: httpx.AsyncClient, nickname: str) -> None:
    token = token_in((await client.get("/shows/table")).text)
    form = {"nickname": nickname, "csrf": token}
    answer = await client.post("/nickname", data=form)
    assert (answer.status_code, "대화명은 1~24자로" in answer.text) == (422, True)
    scripted = await client.post("/nickname", data=form, headers={"accept": "application/json"})
    assert (scripted.status_code, scripted.headers["content-type"]) == (422, "application/problem+json")


# ---- orders


async def test_orders_are_the_viewers_own(client: httpx.AsyncClient, behind: Behind) -> None:
    behind.order = ORDER
    page = await client.get("/orders")
    assert "Jar" in page.text
    assert "100,000원" in page.text
    assert "다른 지역의 주문" in page.text, "the list is not complete, and must say so"
    asked = next(r for r in behind.asked if r.url.path == "/api/order/orders")
    assert asked.headers["cookie"] == f"{COOKIE}={client.cookies[COOKIE]}", "the session goes along, nothing else"


@pytest.mark.parametrize("state", ["paying", "paid", "declined", "cancelled", "refunded", "pending"])
@pytest.mark.parametrize("lang", ["ko", "en"])
async def test_order_page_in_every_state(client: httpx.AsyncClient, behind: Behind, state: str, lang: str) -> None:
    behind.order = ORDER | {"state": state} if state != "pending" else {"order": KEY, "state": state}
    answer = await client.get(f"/orders/{KEY}?lang={lang}")
    assert answer.status_code == 200
    assert f'data-state="{state}"' in answer.text
    assert KEY in answer.text


@pytest.mark.parametrize("key", [KEY, "kr-1", "%00", "..%2f..%2fapi", "<script>", "kr-" + "0" * 4000])
async def test_other_orders_are_not_there(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.get(f"/orders/{key}")
    assert answer.status_code == 404
    assert "<script>" not in answer.text


async def test_orders_away_is_said(client: httpx.AsyncClient, behind: Behind) -> None:
    behind.away = {"order"}
    assert "주문 내역을 지금 불러올 수 없습니다" in (await client.get("/orders")).text
    one = await client.get(f"/orders/{KEY}")
    assert (one.status_code, "안전하게 보관" in one.text) == (503, True)
    show = await client.get("/shows/table")
    assert (show.status_code, "지금은 주문을 받을 수 없습니다" in show.text) == (200, True)


async def test_what_is_on_sale_stands_in_the_page(client: httpx.AsyncClient) -> None:
    page = (await client.get("/shows/table")).text
    assert "3개 남음" in page
    assert "s1" in page


# ---- sellers


async def test_the_console_is_for_sellers(client: httpx.AsyncClient) -> None:
    await client.get("/shows/table")
    for path in ("/sell", "/sell/table"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_sign_in_and_out(client: httpx.AsyncClient) -> None:
    begun = await client.get("/sign-in/begin", headers={"x-forwarded-host": "shop"})
    assert begun.headers["location"] == "https://issuer/auth?redirect_uri=https://shop/auth/callback"
    assert (await client.get("/auth/callback?code=wrong")).status_code == 400
    await client.get("/sign-in/begin")
    done = await client.get("/auth/callback?code=right")
    assert (done.status_code, done.headers["location"]) == (303, "/sell")
    seller = session_of(client)
    assert (seller.role, seller.nickname) == ("seller", "Maya <b>")
    console = await client.get("/sell/table")
    assert console.status_code == 200
    assert (await client.get("/sell/none")).status_code == 404
    out = await client.post("/sign-out", data={"csrf": token_in(console.text)})
    assert out.status_code == 303
    assert COOKIE not in client.cookies


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("right", 400, "처음부터 다시 로그인"),  # without a beginning in this browser
        ("away", 502, "로그인 서버가 응답하지 않습니다"),
        ("no", 403, "로그인이 취소되었습니다"),
        ("forged", 400, "로그인하지 못했습니다"),
    ],
)
async def test_a_sign_in_that_fails_says_why(client: httpx.AsyncClient, code: str, status: int, said: str) -> None:
    answer = await client.get(f"/auth/callback?code={code}")
    assert (answer.status_code, said in answer.text) == (status, True)
    assert COOKIE not in client.cookies


# ---- anything


@pytest.mark.parametrize(
    "path", ["/nothing", "/shows/%00", "/shows/a%2fb", "/shows/" + "a" * 9000, "/sell/%3Cb%3E", "/.//x"]
)
@pytest.mark.parametrize("lang", ["ko", "en"])
async def test_weird_addresses_get_a_plain_page(client: httpx.AsyncClient, path: str, lang: str) -> None:
    answer = await client.get(path, headers={"accept-language": lang})
    assert answer.status_code in {303, 404}
    assert answer.status_code == 303 or f'<html lang="{lang}">' in answer.text


@pytest.mark.parametrize("path", ["/", "/shows/table", "/orders", "/nickname", "/auth/callback"])
async def test_wrong_methods_get_a_plain_page(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.request("GET" if path == "/nickname" else "DELETE", path)
    assert (answer.status_code, '<html lang="ko">' in answer.text) == (405, True)


async def test_a_fault_of_ours_is_said_plainly(client: httpx.AsyncClient, behind: Behind) -> None:
    behind.order = {"order": KEY, "state": "no such state"}
    answer = await client.get(f"/orders/{KEY}")
    assert (answer.status_code, "문제가 생겼습니다" in answer.text) == (500, True)
    assert "Traceback" not in answer.text
