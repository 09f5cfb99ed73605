"""Runs a service: ``python -m onair_common.serve`` (SERVICE_NAME names the package)."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any, Protocol, cast

import structlog
import uvicorn
from starlette.applications import Starlette

from onair_common import logs
from onair_common.asgi import Lifecycle, Shell
from onair_common.overload import Shedding
from onair_common.settings import SettingError, Settings

# Longer than Envoy's idle timeout towards a service (1 h): the proxy, not the service, ends an idle connection, so
# no request meets a connection that is being closed.
KEEP_ALIVE_SECONDS = 3660
STOP_SECONDS = 15


class _Service(Protocol):
    def create(self, settings: Settings, lifecycle: Lifecycle) -> Starlette: ...


class DrainingServer(uvicorn.Server):
    """A uvicorn server that, at SIGTERM, tells clients to leave for a while before it stops listening."""

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, drain_seconds: float) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._drain_seconds = drain_seconds
        self._told = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain at the first SIGTERM; stop at once at SIGINT or a second signal."""
        if sig != signal.SIGTERM or self._lifecycle.draining:
            super().handle_exit(sig, frame)
            return
        self._lifecycle.draining = True
        structlog.get_logger().info("draining", seconds=self._drain_seconds)
        # An interval timer, because a signal handler must not touch the event loop.
        signal.signal(signal.SIGALRM, lambda *_: setattr(self, "should_exit", True))
        signal.setitimer(signal.ITIMER_REAL, max(self._drain_seconds, 0.001))

    async def on_tick(self, counter: int) -> bool:
        """Tell those who wait for the drain, inside the event loop; uvicorn calls this every 0.1 s."""
        if self._lifecycle.draining and not self._told:
            self._told = True
            for listener in self._lifecycle.on_drain:
                listener()
        return await super().on_tick(counter)


def _websockets(service: object) -> Mapping[str, Any]:
    """Return uvicorn's settings for a service with a constant ``WEBSOCKETS``; without one none are accepted."""
    options = getattr(service, "WEBSOCKETS", None)
    if options is None:
        return {"ws": "none"}
    from onair_common.websocket import SharedFrames  # noqa: PLC0415  the others do without the library's memory

    return {
        "ws": SharedFrames,
        "ws_max_size": options.max_size,
        "ws_ping_interval": options.ping_seconds,
        "ws_ping_timeout": options.ping_seconds,
        "ws_per_message_deflate": False,
    }


def main() -> int:
    """Serve until told to stop; returns the process exit code."""
    try:
        settings = Settings.read()
        logs.configure(settings.service, settings.region, settings.version)
        lifecycle = Lifecycle()
        service = cast(_Service, importlib.import_module(f"{settings.service}.app"))
        app = service.create(settings, lifecycle)
    except SettingError as error:
        print(f"setting {error}", file=sys.stderr)
        return 2
    config = uvicorn.Config(
        Shell(app, settings, lifecycle, Shedding),
        host="0.0.0.0",  # noqa: S104  a pod's own address is not known beforehand
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        **_websockets(service),
    )
    DrainingServer(config, lifecycle, settings.drain_seconds).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
