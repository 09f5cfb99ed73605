from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.stub import Stubber

from live.playback import IvsPlayback, OriginPlayback, _boto3_client, read
from live.programme import Show
from onair_common.settings import SettingError

KR = "arn:aws:ivs:ap-northeast-2:123456789012:channel/abcdABCDefgh"
US = "arn:aws:ivs:us-west-2:123456789012:channel/hgfeDCBAdcba"
SHOW = Show("table", "kr", datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1), timedelta(days=1))


class Ivs:
    """boto3's own clients, whose answers botocore's stubber checks against the API's model."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failures = 1

    def client(self, region: str) -> Any:  # noqa: ANN401
        made = _boto3_client(region)
        stubber = Stubber(made)
        self.asked.append(region)
        if self.failures:
            self.failures -= 1
            stubber.add_client_error("get_channel", "ThrottlingException", http_status_code=429)
        else:
            arn = {"ap-northeast-2": KR, "us-west-2": US}[region]
            url = f"https://{arn[-4:]}.{region}.playback.live-video.net/api/video/v1/channel.m3u8"
            answer = {"channel": {"arn": arn, "latencyMode": "LOW", "playbackUrl": url}}
            stubber.add_response("get_channel", answer, {"arn": arn})
        stubber.activate()
        return made


async def test_every_channel_is_asked_for_in_its_region_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    ivs = Ivs()
    player = IvsPlayback({"kr": KR, "us": US}, ivs.client, pause_seconds=0)
    assert player.address(SHOW) is None
    async with asyncio.timeout(20):
        await player.prepare()
    assert player.address(SHOW) == "https://efgh.ap-northeast-2.playback.live-video.net/api/video/v1/channel.m3u8"
    assert ivs.asked == ["ap-northeast-2", "us-west-2", "ap-northeast-2"]
    await player.prepare()
    assert len(ivs.asked) == 3, "what is known is not asked for again"


def test_the_environment_names_the_provider() -> None:
    assert isinstance(read({}), OriginPlayback)
    assert isinstance(read({"IVS_CHANNELS": f"kr={KR}, us={US}"}), IvsPlayback)
    for bad in ("kr", f"={KR}", "kr=https://example.com", f"kr={KR} us={US}"):
        with pytest.raises(SettingError, match="IVS_CHANNELS"):
            read({"IVS_CHANNELS": bad})
