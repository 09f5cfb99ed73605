from __future__ import annotations

import asyncio
import json
import time

import pytest
from order_world import Regions
from structlog.testing import capture_logs

from order import forwarding, holds, keys, payment

pytestmark = pytest.mark.integration
CALLBACK = "/api/order/payments/callback"


async def test_a_hold_has_the_regions_price_and_takes_stock(regions: Regions) -> None:
    kr, us = regions["kr"], regions["us"]
    sale = await kr.open(kr=10)
    assert (sale["state"], sale["left"], sale["price"]) == ("open", 10, {"minor": 39000, "currency": "KRW"})
    answer = await kr.hold(2)
    assert answer.status_code == 201
    assert answer.json()["amount"] == {"minor": 78000, "currency": "KRW"}
    assert await kr.left() == 8
    assert (await us.hold(2)).status_code == 404, "the other region has no stock and knows no sale"


async def test_the_same_key_and_body_is_the_same_hold_and_another_body_is_refused(regions: Regions) -> None:
    kr = regions["kr"]
    await kr.open(kr=10)
    key = keys.new("kr")
    first, again = await kr.hold(2, key=key), await kr.hold(2, key=key)
    assert first.json() == again.json()
    assert await kr.left() == 8
    assert (await kr.hold(3, key=key)).status_code == 422
    assert (await kr.hold(2, key=key, viewer="b")).status_code == 422
    together = await asyncio.gather(
        *(kr.hold(1, key="kr-" + "0" * 12 + "4" + "0" * 3 + "8" + "0" * 15) for _ in range(20))
    )
    assert {a.status_code for a in together} == {201}
    assert await kr.left() == 7


async def test_another_item_than_the_sales_is_not_held(regions: Regions) -> None:
    kr = regions["kr"]
    await kr.open(kr=10)
    wrong, right = await asyncio.gather(kr.hold(2, sku="APRON-INK"), kr.hold(2))
    assert (wrong.status_code, wrong.json()["code"], right.status_code) == (404, "unknown", 201)
    assert await kr.left() == 8


async def test_whole_numbers_in_any_spelling_are_units(regions: Regions) -> None:
    kr = regions["kr"]
    await kr.open(kr=10)
    headers = {"idempotency-key": keys.new("kr"), "content-type": "application/json"}
    body = b'{"sale": "tea", "sku": "TEA-40", "quantity": 2.0}'
    assert (await kr.client().post("/api/order/holds", content=body, headers=headers)).status_code == 201
    assert (await kr.hold(2, key=headers["idempotency-key"])).status_code == 201, "the same request"
    assert await kr.left() == 8


async def test_one_key_for_two_holds_at_once_orders_one(regions: Regions) -> None:
    kr = regions["kr"]
    await kr.open(kr=10)
    for _ in range(5):
        key, pair = keys.new("kr"), [(await kr.hold()).json()["hold"] for _ in range(2)]
        answers = await asyncio.gather(*(kr.order(hold, key=key) for hold in pair))
        assert sorted(a.status_code for a in answers) == [202, 422]


async def test_no_more_is_held_than_there_is_and_the_last_units_are_found(regions: Regions) -> None:
    kr = regions["kr"]
    await kr.open(kr=33)
    answers = await asyncio.gather(*(kr.hold(1 + n % 5) for n in range(60)))
    codes = [a.status_code for a in answers]
    assert set(codes) == {201, 409}
    rows = await kr.db.fetch("SELECT sum(quantity) AS units FROM holds")
    assert rows[0]["units"] + await kr.left() == 33
    while await kr.left():
        assert (await kr.hold(1)).status_code == 201, "a unit is left, scattered or not"
    answer = await kr.hold(1)
    assert (answer.status_code, answer.json()["code"]) == (409, "sold-out")


async def test_a_refusal_speaks_the_viewers_language(regions: Regions) -> None:
    kr = regions["kr"]
    await kr.open(kr=0, us=0)
    body, headers = {"sale": "tea", "sku": "TEA-40", "quantity": 1}, {"idempotency-key": keys.new("kr")}
    for accept, title in (("ko-KR,en", "품절되었습니다"), ("en-GB", "Sold out"), ("fr", "품절되었습니다")):
        answer = await kr.client().post("/api/order/holds", json=body, headers=headers | {"accept-language": accept})
        assert (answer.json()["title"], answer.headers["content-type"]) == (title, "application/problem+json")


async def test_expired_holds_give_their_stock_back_and_cannot_be_ordered(regions: Regions) -> None:
    kr = regions["kr"]
    await kr.open(kr=10)
    hold = (await kr.hold(3)).json()["hold"]
    await kr.db.fetch("UPDATE holds SET expires_at = now() - interval '1 second'")
    assert (await kr.order(hold)).status_code == 410, "late, though nobody has swept yet"
    assert await holds.expire(kr.db, "kr") == 1
    assert await holds.expire(kr.db, "kr") == 0
    assert await kr.left() == 10
    assert (await kr.order(hold)).status_code == 410


async def test_an_order_is_placed_once_and_every_change_is_written_down(regions: Regions) -> None:
    kr = regions["kr"]
    await kr.open(kr=10)
    hold, key = (await kr.hold(3)).json()["hold"], keys.new("kr")
    answers = await asyncio.gather(*(kr.order(hold, key=key) for _ in range(5)))
    assert {a.status_code for a in answers} == {202}
    assert answers[0].json()["state"] == "paying"
    assert (await kr.order(hold)).status_code == 410, "another key for the same hold"
    assert (await kr.order(hold, key=key, token="tok-else")).status_code == 422
    assert (await kr.find(key)).json()["amount"] == {"minor": 117000, "currency": "KRW"}
    rows = await kr.db.fetch("SELECT who, origin, from_state, to_state FROM order_audit WHERE order_key = $1", key)
    assert [tuple(r) for r in rows] == [("a" * 32, "127.0.0.0/24 by kr, kr/localhost", None, "paying")]
    assert [r["topic"] for r in await kr.db.fetch("SELECT topic FROM outbox")] == ["payment"]


async def test_other_peoples_holds_and_orders_are_not_there(regions: Regions) -> None:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=10)
    hold, key = (await kr.hold()).json()["hold"], keys.new("kr")
    assert (await kr.order(hold, viewer="b")).status_code == 404
    await kr.order(hold, key=key)
    assert [(await region.find(key, viewer="b")).status_code for region in (kr, us)] == [404, 404]
    assert [(await region.find(key)).status_code for region in (kr, us)] == [200, 200]
    mine = (await us.client().get("/api/order/orders")).json()
    assert ([o["order"] for o in mine["orders"]], mine["complete"]) == ([key], True)
    assert (await us.client("b").get("/api/order/orders")).json()["orders"] == []


async def test_a_key_of_the_other_region_is_decided_there(regions: Regions) -> None:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=10)
    hold_key, key = keys.new("kr"), keys.new("kr")
    first = await kr.hold(2, key=hold_key)
    assert (await us.hold(2, key=hold_key)).json() == first.json()
    assert (await us.hold(3, key=hold_key)).status_code == 422
    placed = await us.order(hold_key, key=key)
    assert (placed.status_code, placed.json()["region"]) == (202, "kr")
    assert await kr.left() == 8
    assert (await us.order(hold_key, key=keys.new("us"))).status_code == 422, "hold and order are of one home"


async def test_a_refusal_of_the_other_region_speaks_the_viewers_language(regions: Regions) -> None:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=0, us=0)
    for accept, title in (("en", "Sold out"), ("ko", "품절되었습니다")):
        client = us.client()
        client.headers["accept-language"] = accept
        body, headers = {"sale": "tea", "sku": "TEA-40", "quantity": 1}, {"idempotency-key": keys.new("kr")}
        answer = await client.post("/api/order/holds", json=body, headers=headers)
        assert (answer.status_code, answer.json()["title"], answer.json()["code"]) == (409, title, "sold-out")


async def test_every_attempt_is_in_the_access_record(regions: Regions) -> None:
    kr, us = regions["kr"], regions["us"]
    with capture_logs() as lines:
        await kr.open(kr=1)
        hold = (await kr.hold()).json()["hold"]
        await kr.hold()
        await us.order(hold, key=keys.new("kr"), token="tok-very-secret")
        await kr.client(role="seller").post("/api/order/sales/none/close")
        await kr.client(role="seller").post("/api/order/sales/tea/close")
    found = [line for line in lines if line.get("logger") == "access-record"]
    assert [(line["what"], line["result"]) for line in found] == [
        ("sale.open", "ok"),
        ("hold.place", "ok"),
        ("hold.place", "sold-out"),
        ("order.place", "ok"),
        ("sale.close", "unknown"),
        ("sale.close", "ok"),
    ]
    assert {line["who"] for line in found} == {"a" * 32}
    assert {line["origin"] for line in found} == {"127.0.0.0/24"}
    assert "tok-very-secret" not in str(lines)
    rows = await kr.db.fetch("SELECT origin FROM order_audit")
    assert [r["origin"] for r in rows] == ["127.0.0.0/24 by us, kr/localhost"], "where the viewer was, and who decided"


async def test_while_the_home_region_is_away_the_answer_is_pending(regions: Regions) -> None:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=10)
    hold, key = (await kr.hold()).json()["hold"], keys.new("kr")
    us.network.cut = True
    assert (await us.hold(1, key=keys.new("kr"))).json()["state"] == "pending"
    for _ in range(2):
        answer = await us.order(hold, key=key)
        assert (answer.status_code, answer.json()) == (202, {"order": key, "state": "pending"})
    assert (await us.order(hold, key=key, token="tok-else")).status_code == 422
    assert (await us.find(key)).json()["state"] == "pending"
    assert (await us.client().get("/api/order/orders")).json() == {"orders": [], "complete": False}
    rows = await us.db.fetch("SELECT topic FROM outbox")
    assert [r["topic"] for r in rows] == ["forward"]


async def test_an_order_that_is_handed_over_while_it_is_asked_for_is_not_cancelled(regions: Regions) -> None:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=10)
    hold, key = (await kr.hold()).json()["hold"], keys.new("kr")
    us.network.cut = True
    assert (await us.order(hold, key=key)).json()["state"] == "pending"
    us.network.cut = False
    us.network.meanwhile = lambda: forwarding.hand_over(us.context, key)
    answer = await us.find(key)
    assert (await us.db.fetch("SELECT state FROM forwarded_orders"))[0]["state"] == "accepted"
    assert answer.json()["state"] == "paying"


async def test_an_order_that_its_home_region_refuses_afterwards_is_cancelled(regions: Regions) -> None:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=10)
    key = keys.new("kr")
    us.network.cut = True
    await us.order(keys.new("kr"), key=key)
    us.network.cut = False
    await forwarding.hand_over(us.context, key)
    assert (await us.find(key)).json()["state"] == "cancelled"


async def test_a_closed_sale_sells_nothing_and_only_sellers_close(regions: Regions) -> None:
    kr = regions["kr"]
    await kr.open(kr=10)
    assert (await kr.client().post("/api/order/sales/tea/close")).status_code == 403
    answer = await kr.client(role="seller").post("/api/order/sales/tea/close")
    assert (answer.status_code, answer.json()["state"]) == (200, "closed")
    assert (await kr.client(role="seller").post("/api/order/sales/none/close")).status_code == 404
    answer = await kr.hold()
    assert (answer.status_code, answer.json()["code"]) == (410, "closed")


async def test_opening_again_changes_nothing_and_another_sale_cannot_have_the_id(regions: Regions) -> None:
    kr = regions["kr"]
    seller = kr.client(role="seller")
    closes = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    body = {"sale": "tea", "show": "seoul-table", "sku": "TEA-40", "quantity": {"kr": 7}, "closes": closes}
    answers = await asyncio.gather(*(seller.post("/api/order/sales", json=body) for _ in range(4)))
    assert {a.status_code for a in answers} == {201}
    assert await kr.left() == 7
    assert (await seller.post("/api/order/sales", json=body | {"quantity": {"kr": 8}})).status_code == 409
    figures = (await seller.get("/api/order/shows/seoul-table/figures")).json()
    assert figures == {"orders": 0, "revenue": {"minor": 0, "currency": "KRW"}, "left": 7, "region": "kr"}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"sku": "NONE"}, 422, "unknown-product"),
        ({"show": "night-skin"}, 422, "unknown-product"),
        ({"quantity": {"jp": 1}}, 422, "bad-sale"),
        ({"closes": "2020-01-01T00:00:00Z"}, 422, "bad-sale"),
        ({"closes": "2099-01-01T00:00:00Z"}, 422, "bad-sale"),
        ({"closes": "2099-06-30T23:59:60Z"}, 422, "bad-sale"),
        ({"quantity": {"kr": -1}}, 422, "body"),
        ({"sale": "Tea Time"}, 422, "body"),
    ],
)
async def test_a_sale_that_cannot_be_is_refused(
    regions: Regions, change: dict[str, object], status: int, code: str | None
) -> None:
    closes = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    body = {"sale": "tea", "show": "seoul-table", "sku": "TEA-40", "quantity": {"kr": 7}, "closes": closes}
    answer = await regions["kr"].client(role="seller").post("/api/order/sales", json=body | change)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert (await regions["kr"].db.fetch("SELECT count(*) AS n FROM sales"))[0]["n"] == 0


@pytest.mark.parametrize("key", ["", "x", "jp-00000000000040008000000000000000", "kr-1234", "kr-" + "0" * 32])
async def test_a_key_that_is_none_is_refused(regions: Regions, key: str) -> None:
    answer = await regions["kr"].hold(key=key or " ")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-key")


async def test_who_is_not_signed_in_or_sends_no_token_is_refused(regions: Regions) -> None:
    kr = regions["kr"]
    await kr.open(kr=1)
    body = {"sale": "tea", "sku": "TEA-40", "quantity": 1}
    client = kr.client()
    token = client.headers.pop("x-csrf-token")
    for headers in ({}, {"x-csrf-token": "x"}, {"x-csrf-token": kr.client("b").headers["x-csrf-token"]}):
        answer = await client.post(
            "/api/order/holds", json=body, headers={"idempotency-key": keys.new("kr"), **headers}
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    client.headers["x-csrf-token"] = token
    client.headers["cookie"] += "x"
    assert (await client.post("/api/order/holds", json=body)).status_code == 401
    assert (await kr.client().post("/api/order/sales", json={})).status_code == 403
    assert (await kr.client().get("/api/order/shows/x/figures")).status_code == 403


def _signed(body: bytes, at: float | None = None) -> dict[str, str]:
    return {payment.SIGNATURE: payment.sign("c" * 32, body, int(at or time.time()))}


async def test_callbacks_are_believed_when_signed_and_taken_down_once(regions: Regions) -> None:
    kr = regions["kr"]
    body = json.dumps({"event": "evt-1", "order": keys.new("kr"), "outcome": "charged"}).encode()
    client = kr.client()
    forged = [{}, {payment.SIGNATURE: "t=1,v1=" + "0" * 64}, _signed(b"{}"), _signed(body, time.time() - 400)]
    for headers in forged:
        assert (await client.post(CALLBACK, content=body, headers=headers)).status_code == 401
    assert (await kr.db.fetch("SELECT count(*) AS n FROM callbacks"))[0]["n"] == 0
    for _ in range(3):
        assert (await client.post(CALLBACK, content=body, headers=_signed(body))).status_code == 204
    assert [r["topic"] for r in await kr.db.fetch("SELECT topic FROM outbox")] == ["callback"]
    for bad in (b"{", b"{}", b'{"event": "e", "order": "x", "outcome": "charged"}', b" " * 70_000):
        answer = await client.post(CALLBACK, content=bad, headers=_signed(bad))
        assert answer.status_code in {400, 413, 422}


async def test_without_its_database_it_says_503_and_without_the_catalogue_opens_nothing(regions: Regions) -> None:
    kr = regions["kr"]
    await kr.open(kr=1)
    await kr.db.close()
    kr.db._pool = None
    kr.db._connect["port"] = 1
    answer = await kr.hold()
    assert (answer.status_code, answer.json()["code"]) == (503, "away")
    assert (await kr.client().get("/readyz")).status_code == 503


@pytest.mark.parametrize("path", ["/peer/status", "/peer/orders"])
async def test_the_peers_routes_want_the_key(regions: Regions, path: str) -> None:
    client = regions["kr"].client()
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers={"authorization": "Bearer " + "p" * 32})).status_code == 200


async def test_a_malformed_message_of_a_peer_is_400(regions: Regions) -> None:
    client = regions["kr"].client()
    for path in ("holds", "orders", "transfers"):
        for body in (b"{", b"{}", b"[]", b'{"key": 1}'):
            answer = await client.post(f"/peer/{path}", content=body, headers={"authorization": "Bearer " + "p" * 32})
            assert answer.status_code == 400
