"""One region's room as its viewers have it: real Valkey, real uvicorn, real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import redis.asyncio
from chat_world import Chat, Client, Pod, append, cookie, viewer
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

pytestmark = pytest.mark.integration


@pytest.fixture
async def pod(chat: Chat, valkey: str) -> Pod:
    made = chat.pod("kr", valkey)
    await chat.ready(made)
    return made


async def denied(pod: Pod, path: str = "/api/chat/rooms/show/socket", **headers: str) -> tuple[int, dict[str, Any]]:
    given = {"Cookie": cookie(viewer()), "Origin": pod.base} | {k.replace("_", "-"): v for k, v in headers.items()}
    with pytest.raises(InvalidStatus) as refusal:
        await connect(f"ws://127.0.0.1:{pod.port}{path}", additional_headers=given, proxy=None)
    response = refusal.value.response
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, json.loads(response.body or b"")


async def test_what_one_says_all_hear_once_and_in_order_on_every_pod(chat: Chat, valkey: str) -> None:
    pods = [chat.pod("kr", valkey), chat.pod("kr", valkey)]
    await chat.ready(*pods)
    clients = [await chat.client(pods[n % 2], viewer(n)) for n in range(1, 7)]
    hello = await clients[0].next("hello")
    assert (hello["viewer"], hello["role"], hello["region"]) == (viewer(1).id, "viewer", "kr")
    for n in range(30):
        answer = await clients[n % 6].say(f"안녕 <b>{n}</b> 👩‍👩‍👧", f"r{n}")
        assert answer["type"] == "accepted"
    wanted = [f"kr-{n}" for n in range(1, 31)]
    for client in clients:
        await client.until(lambda c=client: len(c.ids) >= 30)  # type: ignore[misc]
        assert client.ids == wanted
    first = next(e for e in clients[3].events if e["type"] == "message")
    assert (first["text"], first["nickname"], first["region"]) == ("안녕 <b>0</b> 👩‍👩‍👧", "손님1", "kr")
    await asyncio.sleep(0.2)
    assert all(len(client.ids) == 30 for client in clients)


async def test_rooms_do_not_hear_each_other(chat: Chat, pod: Pod) -> None:
    here, there = await chat.client(pod, room="a"), await chat.client(pod, room="b")
    await here.say("only here")
    await here.next("message")
    await asyncio.sleep(0.2)
    assert there.ids == []


async def test_late_joiners_get_history_and_returning_clients_what_they_missed(
    chat: Chat, pod: Pod, valkey: str
) -> None:
    await append(valkey, [f"m{n}" for n in range(1, 61)])
    speaker = await chat.client(pod)
    late = await chat.client(pod, viewer(2))
    await late.until(lambda: len(late.ids) >= 50)
    assert late.ids == [f"kr-{n}" for n in range(11, 61)]
    back = await chat.client(pod, viewer(3), after="kr:57,us:0")
    await speaker.say("live", "live")
    await back.until(lambda: len(back.ids) >= 4)
    assert back.ids == ["kr-58", "kr-59", "kr-60", "kr-61"]
    beyond = await chat.client(pod, viewer(4), after="kr:1000")
    await speaker.say("still heard", "still")
    await beyond.next("message", text="still heard")
    async with httpx.AsyncClient(base_url=pod.base, trust_env=False) as http:
        found = (await http.get("/api/chat/rooms/show/messages?limit=2")).json()["messages"]
        assert [m["text"] for m in found] == ["live", "still heard"]
        await asyncio.sleep(0)
        assert (await http.get("/api/chat/rooms/show/figures")).json()["messages"] == 62


async def test_a_client_that_joins_amid_messages_misses_none(chat: Chat, pod: Pod, valkey: str) -> None:
    speaking = asyncio.create_task(append(valkey, [f"m{n}" for n in range(150)], pause=0.005))
    joined: list[Client] = []
    while not speaking.done():
        joined.append(await chat.client(pod, viewer(10 + len(joined)), after="kr:0"))
        await asyncio.sleep(0.03)
    await speaking
    for client in joined:
        await client.until(lambda c=client: bool(c.ids) and c.ids[-1] == "kr-150")  # type: ignore[misc]
        assert client.ids == [f"kr-{n}" for n in range(1, 151)]
    assert len(joined) > 5


async def test_a_message_sent_again_after_a_lost_answer_is_one(chat: Chat, pod: Pod) -> None:
    client = await chat.client(pod)
    first = await client.say("once", "same")
    again = await chat.client(pod)
    assert (await again.say("once", "same"))["id"] == first["id"]
    assert (await again.say("twice", "other"))["id"] == "kr-2"


async def test_who_may_not_come_in(chat: Chat, pod: Pod) -> None:
    forged = cookie(viewer())[:-4] + "AAAA"
    assert (await denied(pod, Cookie=forged))[0] == 401
    assert (await denied(pod, Cookie=""))[0] == 401
    assert (await denied(pod, Cookie=cookie(viewer(seconds=-1))))[0] == 401
    for origin in ("https://evil.example", "null", "", f"{pod.base}.evil.example", "http://127.0.0.1"):
        assert (await denied(pod, Origin=origin))[0] == 403
    assert (await denied(pod, "/api/chat/rooms/UPPER/socket"))[0] == 404
    for after in ("kr", "mars:1", "kr:-1", "kr:1,kr:2", "kr:1;us:2", "kr:" + "9" * 40):
        assert (await denied(pod, f"/api/chat/rooms/show/socket?after={after}"))[0] == 400
    proxied = {"Cookie": cookie(viewer()), "Origin": "https://localhost:8443", "X-Forwarded-Host": "localhost:8443"}
    uri = f"ws://127.0.0.1:{pod.port}/api/chat/rooms/show/socket"
    async with connect(uri, additional_headers=proxied, proxy=None) as behind_the_edge:
        assert json.loads(await behind_the_edge.recv())["type"] == "hello"
    for _ in range(8):
        await chat.client(pod, viewer(5))
    for language, title in {"ko": "연결이 너무 많습니다", "en": "Too Many Requests"}.items():
        status, body = await denied(pod, Cookie=cookie(viewer(5)), Accept_Language=language)
        assert (status, body["title"]) == (429, title)


async def test_bad_input_is_refused_and_harms_nobody(chat: Chat, pod: Pod) -> None:
    client = await chat.client(pod)
    garbage = ["", "[]", "null", "[" * 8000, '{"type":"say"}', '{"type":"say","ref":"r","text":7}', "NaN", '"x"']
    garbage += ['{"type":"say","ref":"r r","text":"x"}', '{"type":"mute","viewer":"x","seconds":1}', '{"type":"else"}']
    for text in garbage:
        await client.socket.send(text)
        assert (await client.next("refused"))["reason"] == "format"
    await client.socket.send(b"\x00\xff")
    assert (await client.next("refused"))["reason"] == "format"
    for text in ("", "   ", "x" * 201, "a\nb", "a\u0000b", "\ud800", "\u202etxt", "\u200b"):
        assert (await client.say(text))["reason"] == "text"
    oversized = await chat.client(pod, viewer(2))
    await oversized.send(type="say", ref="r", text="x" * 9000)
    await oversized.until(lambda: oversized.closed == 1009)
    flood = await chat.client(pod, viewer(3))
    for _ in range(25):
        await flood.socket.send("{")
    await flood.until(lambda: flood.closed == 1008)
    other = await chat.client(pod, viewer(4))
    assert (await other.say("fine"))["type"] == "accepted"
    assert pod.process.poll() is None
    assert not [line for line in pod.lines() if line["level"] == "error"]


async def test_limits_of_a_viewer_and_of_a_room(chat: Chat, valkey: str) -> None:
    slow = chat.pod("kr", valkey, VIEWER_RATE="0.5", VIEWER_BURST="2", ROOM_RATE="0.5", ROOM_BURST="5")
    await chat.ready(slow)
    one = await chat.client(slow, viewer(1))
    again = await chat.client(slow, viewer(1))
    answers = [await one.say("a", "1"), await again.say("b", "2"), await one.say("c", "3"), await again.say("d", "4")]
    assert [a.get("reason") for a in answers] == [None, None, "slow", "slow"]
    others = [await chat.client(slow, viewer(n)) for n in (2, 3, 4, 5)]
    assert [(await c.say("x")).get("reason") for c in others] == [None, None, None, "busy"]
    elsewhere = await chat.client(slow, viewer(6), room="other")
    assert (await elsewhere.say("x"))["type"] == "accepted"
    await asyncio.sleep(2.1)
    assert (await one.say("later", "5"))["type"] == "accepted"


async def test_moderation(chat: Chat, pod: Pod) -> None:
    seller, rude = await chat.client(pod, viewer(1, "seller")), await chat.client(pod, viewer(2))
    said = await rude.say("buy elsewhere")
    assert (await rude.say("시1발", "w"))["reason"] == "word"
    await rude.send(type="delete", id=said["id"], ref="d")
    assert (await rude.next("refused", ref="d"))["reason"] == "role"
    for unknown in ("kr-999", "us-1", "mars-1"):
        await seller.send(type="delete", id=unknown, ref="u")
        assert (await seller.next("refused", ref="u"))["reason"] == "unknown"
    await seller.send(type="delete", id=said["id"], ref="d")
    await seller.next("accepted", ref="d")
    assert (await rude.next("deleted"))["id"] == said["id"]
    await seller.send(type="mute", viewer=viewer(2).id, seconds=2, ref="m")
    await seller.next("accepted", ref="m")
    assert (await rude.say("me again", "x"))["reason"] == "muted"
    assert (await seller.say("me"))["type"] == "accepted"
    late = await chat.client(pod, viewer(3))
    await late.next("message", text="me")
    assert len(late.ids) == 1
    back = await chat.client(pod, viewer(4), after="kr:1")
    assert (await back.next("deleted"))["id"] == said["id"]
    await asyncio.sleep(2.1)
    assert (await rude.say("sorry", "y"))["type"] == "accepted"
    assert not any(event["type"] == "muted" for event in rude.events)
    done = [(line["what"], line["target"], line["result"]) for line in pod.lines() if line["event"] == "access"]
    assert ("chat.delete", f"show/{said['id']}", "ok") in done
    assert ("chat.delete", f"show/{said['id']}", "role") in done
    assert ("chat.mute", f"show/{viewer(2).id}", "ok") in done
    assert ("chat.open", "show", "ok") in done
    assert "buy elsewhere" not in pod.output.read_text()
    assert "손님" not in pod.output.read_text()


async def test_viewers_are_counted_over_pods(chat: Chat, valkey: str) -> None:
    pods = [chat.pod("kr", valkey), chat.pod("kr", valkey)]
    await chat.ready(*pods)
    clients = [await chat.client(pods[n % 2], viewer(n)) for n in range(3)]
    await clients[0].next("viewers", timeout=15, count=3)
    async with httpx.AsyncClient(base_url=pods[1].base, trust_env=False) as http:
        assert (await http.get("/api/chat/rooms/show/figures")).json() == {"viewers": 3, "messages": 0}
        metrics = (await http.get("/metrics")).text
        assert "chat_viewers 1.0" in metrics
        assert 'chat_handshakes_total{code="101"} 1.0' in metrics


async def test_a_silent_room_says_that_it_is_there(chat: Chat, valkey: str) -> None:
    pod = chat.pod("kr", valkey)
    await chat.ready(pod)
    client = await chat.client(pod, viewer(1))
    for _ in range(2):
        await client.next("viewers", timeout=15, count=1)


async def test_a_drain_sends_everybody_elsewhere(chat: Chat, valkey: str) -> None:
    going, staying = chat.pod("kr", valkey, DRAIN_SECONDS="2"), chat.pod("kr", valkey)
    await chat.ready(going, staying)
    clients = [await chat.client(going, viewer(n)) for n in range(1, 11)]
    told = time.monotonic()
    going.stop()
    ends: list[float] = []

    async def move(client: Client) -> Client:
        await client.until(lambda: client.closed is not None)
        ends.append(time.monotonic() - told)
        assert client.closed == 1012
        assert client.events[-1] == {"type": "drain"}
        return await chat.client(staying, viewer(20 + len(ends)), after=client.after)

    moved = await asyncio.gather(*(move(client) for client in clients))
    assert max(ends) < 5
    assert max(ends) - min(ends) > 0.8  # not all at once
    answer = await moved[0].say("here")
    assert answer["type"] == "accepted"
    assert await asyncio.to_thread(going.process.wait, 10) in (0, -signal.SIGTERM)
    assert time.monotonic() - told < 15
    assert not [line for line in going.lines() if line["level"] == "error"]


async def test_sockets_outlive_valkey(
    chat: Chat, valkey_server: Callable[..., str], free_port: Callable[[], int]
) -> None:
    port = free_port()
    with_server = valkey_server(port)
    pod = chat.pod("kr", with_server)
    await chat.ready(pod)
    client, listener = await chat.client(pod), await chat.client(pod, viewer(2))
    await client.say("before")
    admin = redis.asyncio.from_url(with_server)
    with contextlib.suppress(redis.exceptions.ConnectionError):
        await admin.shutdown(nosave=True)
    assert (await client.say("meanwhile", "r2"))["reason"] == "away"
    async with httpx.AsyncClient(base_url=pod.base, trust_env=False) as http:
        assert (await http.get("/readyz")).status_code == 503
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/api/chat/rooms/show/messages")).status_code == 503
    assert (await denied(pod, "/api/chat/rooms/other/socket"))[0] == 503
    valkey_server(port)
    await chat.ready(pod)
    # This server has lost everything: a number that viewers have seen must not come again with another message.
    assert (await client.say("after", "r3"))["id"] == "kr-2"
    assert (await listener.next("message", text="after"))["id"] == "kr-2"
    assert client.closed is None
    assert listener.closed is None


async def test_who_does_not_read_is_dropped_and_holds_nobody_up(chat: Chat, valkey: str) -> None:
    pod = chat.pod("kr", valkey, ROOM_RATE="100000", ROOM_BURST="100000")
    await chat.ready(pod)
    reader = await chat.client(pod)
    stuck = await chat.client(pod, viewer(2))
    stuck.socket.transport.pause_reading()
    written = 0
    while "websocket_slow_readers_total 1.0" not in httpx.get(f"{pod.base}/metrics", trust_env=False).text:
        assert written < 8000, "a socket that does not read is still written to"
        await append(valkey, ["x" * 4000] * 400)
        written += 400
    await reader.until(lambda: len(reader.ids) == written)
    assert reader.closed is None


async def test_a_show_that_the_catalogue_does_not_know_has_no_room(chat: Chat, valkey: str) -> None:
    async def catalogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"shows":[{"id":"seoul-table"}]}'
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()

    async with await asyncio.start_server(catalogue, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        pod = chat.pod("kr", valkey, CATALOG_URL=f"http://127.0.0.1:{port}")
        await chat.ready(pod)
        await (await chat.client(pod, room="seoul-table")).next("hello")
        assert (await denied(pod))[0] == 404
        async with httpx.AsyncClient(base_url=pod.base, trust_env=False) as http:
            assert (await http.get("/api/chat/rooms/seoul-table/messages")).status_code == 200
            assert (await http.get("/api/chat/rooms/show/figures")).status_code == 404
