"""Where a show's video plays. One provider a platform: the origin here, Amazon IVS channels in the cloud."""

from __future__ import annotations

from typing import Protocol

from live.programme import Show


class Playback(Protocol):
    """Gives the address of a show's HLS playlist."""

    kind: str

    def address(self, show: Show) -> str:
        """Return a URL, or a path on the shop's own host."""


class OriginPlayback:
    """The platform's own origin: one channel a region, the same path in every region (relayed where it is away)."""

    kind = "origin"

    def address(self, show: Show) -> str:
        """Return the path of the home region's channel."""
        return f"/video/{show.home_region}/index.m3u8"
