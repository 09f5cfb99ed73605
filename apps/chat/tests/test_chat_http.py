"""The HTTP interface is what openapi.yaml says, whatever is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from chat_world import Chat, viewer
from openapi_cases import judge, operations

from chat import app
from onair_common.asgi import Lifecycle
from onair_common.openapi import Document
from onair_common.settings import SettingError, Settings

pytestmark = pytest.mark.integration
OPERATIONS = operations("chat")


@pytest.fixture(scope="module")
def base(
    tmp_path_factory: pytest.TempPathFactory,
    region_env: dict[str, dict[str, str]],
    free_port: Callable[[], int],
    _valkey_session: str,
) -> Iterator[str]:
    """A pod with some messages in room ``show``."""

    async def start(chat: Chat) -> str:
        pod = chat.pod("kr", _valkey_session)
        await chat.ready(pod)
        client = await chat.client(pod, viewer(1))
        for text in ("안녕", "<b>hi</b>", "🎉"):
            await client.say(text, f"r{ord(text[0])}")
        return pod.base

    chat = Chat(Path(tmp_path_factory.mktemp("chat")), region_env, free_port)
    with asyncio.Runner() as runner:
        try:
            yield runner.run(start(chat))
        finally:
            runner.run(chat.close())


@pytest.mark.parametrize("label", [label for label in sorted(OPERATIONS) if not label.endswith("/socket")])
def test_answers_are_what_the_document_says(label: str, base: str) -> None:
    assert 200 in judge(OPERATIONS[label], lambda case: case.call(base_url=base), {"show": ["show"]})


def test_malformed_questions(base: str) -> None:
    with httpx.Client(base_url=base, trust_env=False) as http:
        for limit in ("0", "201", "-1", "x", "1e2", "", "٣", "9" * 50):
            answer = http.get("/api/chat/rooms/show/messages", params={"limit": limit})
            assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
        for room in ("UPPER", "a" * 41, "a b", "%00", "a%2Fb", "시작"):
            assert http.get(f"/api/chat/rooms/{room}/messages").status_code == 404
        assert http.post("/api/chat/rooms/show/messages").status_code == 405
        assert http.get("/api/chat/rooms/show/socket").status_code == 404  # no upgrade
        assert http.get("/api/chat/rooms/empty/figures").json() == {"viewers": 0, "messages": 0}


def test_every_message_is_one_of_the_documents(base: str) -> None:
    document: dict[str, Any] = httpx.get(f"{base}/api/chat/openapi.json", trust_env=False).json()
    assert Document.of("chat")  # its schemas compile
    found = httpx.get(f"{base}/api/chat/rooms/show/messages?limit=3", trust_env=False).json()["messages"]
    assert [m["text"] for m in found] == ["안녕", "<b>hi</b>", "🎉"]
    assert set(found[0]) == set(document["components"]["schemas"]["message"]["required"])


@pytest.mark.parametrize(
    ("name", "value"),
    [("SESSION_KEYS", "short"), ("PEER_KEY", ""), ("VIEWER_RATE", "0"), ("ROOM_BURST", "-1"), ("ROOM_RATE", "x")],
)
def test_a_wrong_setting_is_named(region_env: dict[str, dict[str, str]], name: str, value: str) -> None:
    env = {"SESSION_KEYS": "k" * 40, "PEER_KEY": "p" * 24} | {name: value}
    with pytest.raises(SettingError, match=name):
        app.create(Settings.read({"SERVICE_NAME": "chat", **region_env["kr"]}), Lifecycle(), env)
