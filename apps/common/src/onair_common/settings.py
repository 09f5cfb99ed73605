"""Settings of a service, read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


class SettingError(ValueError):
    """A setting is missing or has a wrong value; the message names the variable and the mend."""


def text(name: str, default: str | None = None, env: Mapping[str, str] = os.environ) -> str:
    """Return the value of an environment variable.

    Raises
    ------
    SettingError
        When it is unset and has no default.
    """
    value = env.get(name, "").strip() or default
    if value is None:
        raise SettingError(f"{name}: not set; set it in the pod's env (from the cluster's facts)")
    return value


def number(name: str, default: float, env: Mapping[str, str] = os.environ) -> float:
    """Return a number of zero or more from the environment.

    Raises
    ------
    SettingError
        When the value is no such number.
    """
    raw = env.get(name, "").strip() or str(default)
    try:
        value = float(raw)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise SettingError(f"{name}: {raw!r} is not a number of zero or more; set one or leave it out")
    return value


@dataclass(frozen=True)
class Settings:
    """What every pod is told about itself.

    Attributes
    ----------
    drain_seconds : float
        Seconds between SIGTERM and the end of accepting connections.
    memory_limit, cpu_request : float
        Bytes that the pod may have and cores that it asked for; 0 where nobody said.
    locale : str
        BCP 47 tag such as ``ko-KR``; its language is the region's default.
    """

    service: str
    version: str
    region: str
    cluster: str
    peer: str
    currency: str
    locale: str
    timezone: str
    environment: str
    pod: str
    port: int
    drain_seconds: float
    memory_limit: float
    cpu_request: float

    @property
    def language(self) -> str:
        """Language part of the locale, e.g. ``ko``."""
        return self.locale.replace("_", "-").split("-")[0].lower()

    @property
    def peer_region(self) -> str:
        """Region of the peer cluster: clusters are named ``<environment>-<region>`` (platform naming rule)."""
        return self.peer.rsplit("-", 1)[-1]

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings from the environment: the cluster's facts, and what the image says of itself.

        Raises
        ------
        SettingError
            When a variable is missing or malformed.
        """
        return cls(
            service=text("SERVICE_NAME", env=env),
            version=text("VERSION", "dev", env),
            region=text("REGION", env=env),
            cluster=text("CLUSTER", env=env),
            peer=text("PEER", env=env),
            currency=text("CURRENCY", env=env),
            locale=text("LOCALE", env=env),
            timezone=text("TIMEZONE", env=env),
            environment=text("ENVIRONMENT", "local", env),
            pod=text("HOSTNAME", "localhost", env),
            port=int(number("PORT", 8080, env)),
            drain_seconds=number("DRAIN_SECONDS", 5, env),
            memory_limit=number("MEMORY_LIMIT_BYTES", 0, env),
            cpu_request=number("CPU_REQUEST_MILLICORES", 0, env) / 1000,
        )
