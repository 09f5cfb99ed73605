"""When to relay another region's channel and when to take it over. Pure: instants and outcomes in, role out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["publisher", "relay", "takeover"]


@dataclass
class RelayState:
    """State of one relayed channel; all instants are monotonic seconds.

    Attributes
    ----------
    takeover_seconds : float
        The publisher may be silent for so long; shorter than a player's buffer, so that no viewer sees the loss.
    handback_seconds : float
        The publisher must answer for so long without a failure before it is relayed again: no flapping.
    """

    takeover_seconds: float
    handback_seconds: float
    last_success: float
    role: Role = "relay"
    healthy_since: float | None = None

    def success(self, now: float) -> None:
        """Note that the publisher answered with a current playlist."""
        self.last_success = now
        self.healthy_since = now if self.healthy_since is None else self.healthy_since
        if now - self.healthy_since >= self.handback_seconds:
            self.role = "relay"

    def failure(self, now: float) -> None:
        """Note that the publisher did not answer, or answered with an old playlist."""
        self.healthy_since = None
        if now - self.last_success >= self.takeover_seconds:
            self.role = "takeover"
