"""A shop in one process, as viewers meet it: pages, video, chat, one sale. Breaks as a test says."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

PAGE, PLAYER = '<meta name="csrf" content="a&amp;b">', '<div data-src="/video/kr/index.m3u8"></div>'
SEGMENT_SECONDS = 2


@dataclass
class SmallShop:
    """Serves on loopback while a test runs.

    Attributes
    ----------
    broken
        Beginnings of paths that answer 503.
    left
        Units of the sale.
    player
        Whether the show's page has one.
    """

    broken: tuple[str, ...] = ()
    left: int = 100
    player: bool = True
    port: int = 0
    orders: dict[str, str] = field(default_factory=dict)
    cookies: set[str] = field(default_factory=set)
    messages: int = 0
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        ready = threading.Event()

        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            runner = web.AppRunner(self._app(), shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = runner.addresses[0][1]
            ready.set()
            await self._over.wait()
            await runner.cleanup()

        self._thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
        self._thread.start()
        assert ready.wait(5)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5)

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._break])
        app.router.add_get("/", self._page)
        app.router.add_get("/shows/{show}", self._page)
        app.router.add_get("/video/kr/index.m3u8", self._playlist)
        app.router.add_get("/video/kr/{segment}", self._segment)
        app.router.add_get("/api/chat/rooms/{show}/socket", self._socket)
        app.router.add_get("/api/order/shows/{show}/sales", self._sales)
        app.router.add_post("/api/order/holds", self._hold)
        app.router.add_post("/api/order/orders", self._order)
        app.router.add_get("/api/order/orders/{key}", self._look)
        return app

    @web.middleware
    async def _break(self, request: web.Request, handler: web.Handler) -> web.StreamResponse:
        if request.path.startswith(self.broken) and self.broken:
            return web.Response(status=503)
        self.cookies.add(request.headers.get("cookie", ""))
        answer = await handler(request)
        if not answer.prepared:
            answer.headers["x-onair-region"] = "kr"
        return answer

    async def _page(self, request: web.Request) -> web.Response:
        headers = {"set-cookie": "__Host-onair=s3; Path=/; HttpOnly"} if request.path != "/" else {}
        return web.Response(text=PAGE + PLAYER * self.player, content_type="text/html", headers=headers)

    async def _playlist(self, _: web.Request) -> web.Response:
        newest = int(time.time() // SEGMENT_SECONDS) - 1
        first = newest - 7
        lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        for number in range(first, newest + 1):
            lines += [f"#EXTINF:{SEGMENT_SECONDS:.3f},", f"{number}.m4s"]
        return web.Response(text="\n".join(lines) + "\n")

    async def _segment(self, _: web.Request) -> web.Response:
        return web.Response(body=b"media" * 1000)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["origin"] == self.url
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        await socket.send_json({"type": "hello", "region": "kr", "viewers": len(self.sockets)})
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                said = message.json()
                self.messages += 1
                number = self.messages
                for each in self.sockets:
                    await each.send_json({"type": "message", "id": f"kr-{number}", "text": said["text"]})
                await socket.send_json({"type": "accepted", "ref": said["ref"], "id": f"kr-{number}"})
        self.sockets.discard(socket)
        return socket

    async def _sales(self, _: web.Request) -> web.Response:
        closes = "2099-01-01T00:00:00+00:00"
        old = {"sale": "old", "sku": "tea", "state": "closed", "left": 5, "closes": closes}
        new = {"sale": "drill-1", "sku": "tea", "state": "open", "left": self.left, "closes": closes}
        return web.json_response({"sales": [old, new]})

    async def _hold(self, request: web.Request) -> web.Response:
        assert request.headers["x-csrf-token"] == "a&b"
        assert (await request.json())["sale"] == "drill-1"
        self.left -= 1
        return web.json_response({}, status=201)

    async def _order(self, request: web.Request) -> web.Response:
        self.orders[request.headers["idempotency-key"]] = "paid"
        return web.json_response({"state": "paying"}, status=202)

    async def _look(self, request: web.Request) -> web.Response:
        return web.json_response({"state": self.orders[request.match_info["key"]]})
