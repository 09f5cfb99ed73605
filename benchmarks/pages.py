"""The show page at a steady rate over loopback, and the same page asking the services anew for every viewer."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import socket
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT, Figure, Record, machine, save
from onair.adapters.load_http import run_load
from onair.core.load import LoadPlan
from onair.core.load_result import LoadResult

RATE, FIRST_BYTE_MS = 100.0, 100.0
PRODUCTS = 12
MODES = ("revalidated", "asked anew")
_SPAWN = multiprocessing.get_context("spawn")
"""Not fork: each server is a process of its own, as each pod is."""


def run(seconds: float = 20.0, runs: int = 3) -> Record:
    """Measure both ways in turn, ``runs`` times for ``seconds`` each.

    Raises
    ------
    RuntimeError
        If pages failed or the client was late: on a machine that is busy with something else nothing is measured.
    """
    before, samples, details = machine(), dict[str, list[LoadResult]](), list[str]()
    with tempfile.TemporaryDirectory(prefix="onair-bench-") as folder:
        player = Path(folder) / "hls.js"
        player.write_text("window.Hls = {};\n", encoding="utf-8")
        behind = socket.create_server(("127.0.0.1", 0))
        services = _SPAWN.Process(target=_services, args=(behind,), daemon=True)
        services.start()
        for number in range(runs):
            for mode in MODES if number % 2 == 0 else reversed(MODES):
                samples.setdefault(mode, []).append(_measure(mode, behind.getsockname()[1], player, seconds))
        services.kill()
        services.join()
    for result in samples[MODES[0]]:
        if result.failed or result.saturated:
            raise RuntimeError(f"{result.failed} pages failed, client: {result.saturated or 'idle'}; too busy")
    figures = [
        Figure(
            name=f"show page at {RATE:g}/s, {mode}: whole answer, p99",
            unit="ms",
            samples=[r.response.p99 for r in samples[mode]],
            target=FIRST_BYTE_MS if mode == MODES[0] else None,
            note="upper bound of the first byte" if mode == MODES[0] else "for comparison",
        )
        for mode in MODES
    ]
    ratios = [mine.response.p99 / other.response.p99 for mine, other in zip(*samples.values(), strict=True)]
    figures.append(Figure(name="revalidated / asked anew, p99", unit="ratio", samples=ratios))
    for mode, results in samples.items():
        for r in results:
            doubt = "; ".join(r.saturated) or "not saturated"
            size = r.received_bytes / max(1, r.ok) / 1000
            p50 = f"p50 {r.response.p50:.1f} ms"
            details.append(f"{mode}: {r.ok} ok, {r.failed} failed, {p50}, {size:.1f} kB a page; client {doubt}")
    static = ROOT / "apps/web/src/web/static"
    whole = sum(file.stat().st_size for file in static.iterdir()) / 1000
    figures.append(Figure(name="script and style, player aside", unit="kB", samples=[whole], target=60))
    return save("pages", figures, before, details)


def _measure(mode: str, behind: int, player: Path, seconds: float) -> LoadResult:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        web = _SPAWN.Process(target=_web, args=(listener, behind, str(player), mode), daemon=True)
        web.start()
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/shows/table"
            run_load(LoadPlan(url=url, rate=20, duration=3))  # past the start and the first look at the services
            return run_load(LoadPlan(url=url, rate=RATE, duration=seconds))
        finally:
            web.kill()  # what still waits for an answer has nobody to wait for it
            web.join()


def _sources() -> None:
    sys.path[:0] = [str(ROOT / "apps" / name / "src") for name in ("common", "web")]


def _web(listener: socket.socket, behind: int, player: str, mode: str) -> None:
    """Serve the pages as a pod does."""
    _sources()
    address = f"http://127.0.0.1:{behind}"
    os.environ |= {"PLAYER": player, "SESSION_KEYS": "k" * 44, "SERVICE_NAME": "web", "REGION": "kr"}
    os.environ |= {f"{name}_URL": address for name in ("CATALOG", "LIVE", "ORDER")}
    os.environ |= {"CLUSTER": "local-kr", "PEER": "local-us", "CURRENCY": "KRW", "LOCALE": "ko-KR"}
    os.environ["TIMEZONE"] = "Asia/Seoul"
    import uvicorn  # noqa: PLC0415  in the server's own process

    from onair_common import logs, upstream  # noqa: PLC0415
    from onair_common.asgi import Lifecycle, Shell  # noqa: PLC0415
    from onair_common.settings import Settings  # noqa: PLC0415
    from web import app  # noqa: PLC0415

    class Anew(upstream.Upstream):
        """Asks the service for every page, whatever it said before."""

        async def get(self, path: str) -> upstream.Answer | None:
            return await self._ask(path, None)

    if mode != MODES[0]:
        app.Upstream = Anew  # type: ignore[attr-defined]
    settings, lifecycle = Settings.read(), Lifecycle()
    sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")  # a line a request, as a pod writes it
    logs.configure("web", "kr", "dev")
    shell = Shell(app.create(settings, lifecycle), settings, lifecycle)
    config = uvicorn.Config(shell, log_config=None, access_log=False, server_header=False)
    asyncio.run(uvicorn.Server(config).serve([listener]))


def _services(listener: socket.socket) -> None:
    """Serve what catalog, live and order say of a show, with strong entity tags."""
    import uvicorn  # noqa: PLC0415
    from starlette.applications import Starlette  # noqa: PLC0415
    from starlette.requests import Request  # noqa: PLC0415
    from starlette.responses import Response  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    def says(body: dict[str, Any]) -> Any:  # noqa: ANN401  an ASGI endpoint
        raw = json.dumps(body).encode()

        async def answer(request: Request) -> Response:
            same = request.headers.get("if-none-match") == '"1"'
            body = Response(status_code=304) if same else Response(raw, media_type="application/json")
            body.headers["etag"] = '"1"'
            return body

        return answer

    closes = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    price = {"currency": "KRW", "minor": 39000, "listMinor": 52000}
    products = [
        {
            "id": f"p{n}", "show": "table", "art": "tea", "name": "Hadong first-flush green tea", "summary": "40 g",
            "variants": [{"sku": f"P{n}-{v}", "label": f"Size {v}", "price": price} for v in range(3)],
        }
        for n in range(PRODUCTS)
    ]  # fmt: skip
    show = {"id": "table", "homeRegion": "kr", "title": "The Seoul Table", "host": "Lee", "summary": "Tonight's table."}
    entry = {
        "id": "table", "state": "on-air", "status": "on-air", "startsAt": closes, "seq": 9,
        "playback": {"kind": "origin", "url": "/video/kr/index.m3u8"},
        "cues": [{"id": f"c{n}", "seq": n, "kind": "pin", "product": "p1", "at": closes} for n in range(9)],
    }  # fmt: skip
    sales = [
        {
            "sale": f"s{n}",
            "show": "table",
            "sku": f"P{n}-0",
            "state": "open",
            "left": 9,
            "closes": closes,
            "price": price,
        }
        for n in range(4)
    ]
    routes = [
        Route("/api/catalog/shows", says({"shows": [show]})),
        Route("/api/catalog/shows/table", says(show | {"products": products})),
        Route("/api/live/shows", says({"shows": [entry]})),
        Route("/api/order/shows/table/sales", says({"sales": sales})),
    ]
    config = uvicorn.Config(Starlette(routes=routes), log_config=None, access_log=False)
    asyncio.run(uvicorn.Server(config).serve([listener]))
