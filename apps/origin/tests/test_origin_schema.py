"""Whatever the document allows or forbids, the origin answers as it says, and never with a 5xx."""

from __future__ import annotations

import httpx
import pytest
from openapi_cases import judge, operations, reader
from threaded_loop import Loop

from onair_common.asgi import Lifecycle
from onair_common.settings import Settings
from origin import app, timeline
from origin.app import Cameras
from origin.run import Part, Run

pytestmark = pytest.mark.integration
OPERATIONS = operations("origin")
NOW, IDENT = 1_795_423_500.0, "0123456789abcdef"


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_answers_are_what_the_document_says(
    label: str, cameras: Cameras, region_env: dict[str, dict[str, str]], loop_in_thread: Loop
) -> None:
    settings = Settings.read({"SERVICE_NAME": "origin", **region_env["kr"]})
    service = app.create(settings, Lifecycle(), cameras=cameras, now=lambda: NOW)
    channel, edge = service.state.origin.channels["us"], timeline.live_edge(NOW)
    run = Run(IDENT, "kr", NOW, b"init", 0)
    run.put(edge + 1, NOW, Part(0.5, True, b"first"))
    channel.begin(run)
    names = [
        "init.mp4",
        f"{edge}.m4s",
        "7.m4s",
        f"{IDENT}.mp4",
        f"{IDENT}-{edge + 1}.0.m4s",
        f"{IDENT}-{edge + 1}.9.m4s",
    ]
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(service, raise_app_exceptions=False), base_url="http://origin"
    )
    known = {"channel": ["kr", "us"], "name": names}
    seen = judge(OPERATIONS[label], reader(client, loop_in_thread), known)
    assert 200 in seen
    assert label == "GET /video/status" or 404 in seen
