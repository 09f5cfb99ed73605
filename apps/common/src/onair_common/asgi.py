"""The ASGI shell around every service: headers, RED metrics, access log, health and drain.

One plain ASGI class instead of Starlette's BaseHTTPMiddleware: no task and no body copy per request.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onair_common.settings import Settings

Readiness = Callable[[], Awaitable[str | None]]
"""Returns None when ready, else the reason why not."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # half of all lines, and nobody reads them
REQUESTS = Counter("http_requests", "Requests answered.", ["method", "route", "code"])
DURATION = Histogram(
    "http_request_duration_seconds",
    "Seconds from request to end of answer, without what it waited for news; to its beginning, where it is a stream.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
IN_FLIGHT = Gauge("http_requests_in_flight", "Requests being answered.")
BUILD = Gauge("onair_build_info", "1, labelled by what runs.", ["service", "version", "region"])
MEMORY_LIMIT = Gauge("onair_memory_limit_bytes", "Memory that this pod may have; 0: as much as there is.")
CPU_REQUEST = Gauge("onair_cpu_request_cores", "Processor time that this pod asked for.")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_STREAMS = ("text/event-stream", "application/x-ndjson")
"""Answers that last as long as the client stays: how long says nothing of the service."""
LOAD = "onair.load"
"""Where a request's scope tells what counts it (`onair_common.overload.Load`)."""
_WAITED = "onair.waited"
_REQUEST_ID = re.compile(r"[0-9A-Za-z-]{8,64}\Z")
_log = structlog.get_logger("access")


@dataclass
class Lifecycle:
    """Whether the process was told to stop; shared by the server and the shell.

    Attributes
    ----------
    on_drain : list of Callable
        Called once in the event loop when the drain begins.
    """

    draining: bool = False
    on_drain: list[Callable[[], None]] = field(default_factory=list)


def problem(
    status: int, title: str, detail: str = "", headers: dict[str, str] | None = None, code: str = ""
) -> JSONResponse:
    """Return an RFC 9457 problem answer, kept by no cache; ``code`` is for programs, title and detail for people."""
    optional = {name: value for name, value in (("detail", detail), ("code", code)) if value}
    body = {"type": "about:blank", "title": title, "status": status} | optional
    whole = {"cache-control": "no-store"} | (headers or {})
    return JSONResponse(body, status, whole, media_type="application/problem+json")


def from_outside(request: Request) -> bool:
    """Tell whether a request came by the gateway, which marks what it lets in."""
    return "x-forwarded-for" in request.headers


@contextmanager
def waiting(request: Request) -> Iterator[None]:
    """Tell that a request waits for news by design (a long poll): the time in here is no duration of the service."""
    begun, load = time.perf_counter(), request.scope.get(LOAD)
    try:
        with load.aside(request.scope) if load else nullcontext():
            yield
    finally:
        request.scope[_WAITED] = request.scope.get(_WAITED, 0.0) + time.perf_counter() - begun


def health_routes(lifecycle: Lifecycle, ready: Readiness) -> list[Route]:
    """Return /healthz, /readyz and /metrics; readiness is 503 from the moment of SIGTERM on."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        reason = "draining" if lifecycle.draining else await ready()
        if reason is None:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready\n" if from_outside(request) else f"{reason}\n", 503)

    async def metrics(request: Request) -> Response:
        if from_outside(request):  # figures are for the cluster's own Prometheus
            return problem(404, "Not Found")
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


class Shell:
    """Wraps a Starlette application.

    Adds ``x-onair-region``, ``x-onair-version`` and ``x-request-id`` to every answer and ``Connection: close``
    while draining, counts requests by route, and writes one log line a request (probes aside).
    ``around`` stands between it and the application.
    """

    def __init__(
        self,
        app: Starlette,
        settings: Settings,
        lifecycle: Lifecycle,
        around: Callable[[Starlette], ASGIApp] | None = None,
    ) -> None:
        self.app: ASGIApp = around(app) if around else app
        self.lifecycle = lifecycle
        self._fixed = {"x-onair-region": settings.region, "x-onair-version": settings.version}
        self._routes: dict[object, str] = {r.endpoint: r.path for r in app.routes if isinstance(r, Route)}
        BUILD.labels(settings.service, settings.version, settings.region).set(1)
        MEMORY_LIMIT.set(settings.memory_limit)
        CPU_REQUEST.set(settings.cpu_request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI)."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.match(given) else secrets.token_hex(16)
        scope["onair.request_id"] = request_id
        # Each connection is a task of its own, and so is its context: every line of it carries the id.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, begun = 500, 0.0

        async def with_headers(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith(_STREAMS):
                    begun = time.perf_counter() - start
                headers.update(self._fixed)
                headers["x-request-id"] = request_id
                if self.lifecycle.draining:
                    # Kept-alive clients must leave before the listener closes (preStop sleep alone loses them).
                    headers["connection"] = "close"
            await send(message)

        start = time.perf_counter()
        IN_FLIGHT.inc()
        try:
            await self.app(scope, receive, with_headers)
        finally:
            IN_FLIGHT.dec()
            self._record(scope, status, time.perf_counter() - start, begun)

    def _record(self, scope: Scope, status: int, seconds: float, begun: float) -> None:
        # Labels are bounded: unknown paths and methods share one value.
        route = self._routes.get(scope.get("endpoint"), "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        REQUESTS.labels(method, route, str(status)).inc()
        DURATION.labels(route).observe(begun or seconds - scope.get(_WAITED, 0.0))
        if route not in QUIET:
            _log.info(
                "request",
                method=method,
                path=scope["path"],
                route=route,
                status=status,
                ms=round(seconds * 1000, 2),
                # Set by `onair_common.identity.Sessions.of` once somebody is known: a random id, never a name.
                viewer=scope.get("onair.viewer", ""),
            )
