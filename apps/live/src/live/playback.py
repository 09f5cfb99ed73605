"""Where a show's video plays. One provider a platform: the origin here, Amazon IVS channels in the cloud."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from live.programme import Show
from onair_common.pauses import pause
from onair_common.settings import SettingError

IVS_TIMEOUT_SECONDS = 3
_CHANNEL = re.compile(r"arn:aws[a-z-]*:ivs:(?P<region>[a-z0-9-]+):\d{12}:channel/[0-9A-Za-z]+\Z")
_log = structlog.get_logger("playback")


class Playback(Protocol):
    """Gives the address of a show's HLS playlist."""

    @property
    def kind(self) -> str:
        """Name of the provider, for the player."""

    def address(self, show: Show) -> str | None:
        """Return a URL, or a path on the shop's own host; None while it is not known."""

    async def prepare(self) -> None:
        """Learn the addresses, trying until they are there."""


class OriginPlayback:
    """The platform's own origin: one channel a region, the same path in every region (relayed where it is away)."""

    kind = "origin"

    def address(self, show: Show) -> str | None:
        """Return the path of the home region's channel."""
        return f"/video/{show.home_region}/index.m3u8"

    async def prepare(self) -> None:
        """Nothing is to be learnt."""


class IvsPlayback:
    """Amazon IVS: one channel a region, whose playback URL is asked for once.

    Parameters
    ----------
    channels : Mapping[str, str]
        ARN of the channel by home region.
    client : Callable
        Makes the API's client (boto3 ``ivs``) for an AWS region.
    """

    kind = "ivs"

    def __init__(
        self, channels: Mapping[str, str], client: Callable[[str], Any] | None = None, pause_seconds: float = 5
    ) -> None:
        self._channels, self._client, self._pause = dict(channels), client or _boto3_client, pause_seconds
        self._addresses: dict[str, str] = {}

    def address(self, show: Show) -> str | None:
        """Return the channel's playback URL."""
        return self._addresses.get(show.home_region)

    async def prepare(self) -> None:
        """Ask for every channel's playback URL, again and again until each has answered."""
        while missing := {home: arn for home, arn in self._channels.items() if home not in self._addresses}:
            for home, arn in missing.items():
                try:
                    self._addresses[home] = await asyncio.to_thread(self._ask, arn)
                except Exception as error:  # botocore makes its exceptions at run time
                    _log.warning("channel unknown", home=home, error=repr(error))
            if len(self._addresses) < len(self._channels):
                await pause(self._pause)

    def _ask(self, arn: str) -> str:
        return str(self._client(arn.split(":")[3]).get_channel(arn=arn)["channel"]["playbackUrl"])


def _boto3_client(region: str) -> Any:  # noqa: ANN401  boto3 makes its clients at run time
    # Imported here: half a second of a start that the local platform would pay for nothing.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    limits = Config(
        connect_timeout=IVS_TIMEOUT_SECONDS, read_timeout=IVS_TIMEOUT_SECONDS, retries={"total_max_attempts": 2}
    )
    return boto3.client("ivs", region_name=region, config=limits)


def read(env: Mapping[str, str]) -> Playback:
    """Return the provider that the environment names: IVS when IVS_CHANNELS does (``kr=arn:…,us=arn:…``).

    Raises
    ------
    SettingError
        When an entry is no channel of IVS.
    """
    entries = [entry.strip() for entry in env.get("IVS_CHANNELS", "").split(",") if entry.strip()]
    channels: dict[str, str] = {}
    for entry in entries:
        home, _, arn = entry.partition("=")
        if not home or not _CHANNEL.match(arn):
            raise SettingError(f"IVS_CHANNELS: {entry!r} is no channel; write <region>=<ARN of the channel>")
        channels[home] = arn
    return IvsPlayback(channels) if channels else OriginPlayback()
