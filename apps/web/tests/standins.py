"""Small in-memory stand-ins of catalog, live, chat and order that speak their interfaces, for tests of the pages alone.

They keep nothing and check little; the real services have tests of their own, and tests/e2e drives the whole.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.web.tests.goods import GOODS, TEXTS, instant
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from onair_common.asgi import problem
from onair_common.identity import Sessions, Viewer

Json = dict[str, Any]
_KEY = re.compile(r"kr-[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}\Z")


@dataclass
class StandIns:
    """What is behind the pages, and what of it is away."""

    sessions: Sessions
    away: set[str] = field(default_factory=set)
    hold_seconds: float = 120
    planned: str = "on-air"
    events: list[Json] = field(default_factory=list)
    sales: dict[str, Json] = field(default_factory=dict)
    holds: dict[str, Json] = field(default_factory=dict)
    orders: dict[str, Json] = field(default_factory=dict)
    messages: list[Json] = field(default_factory=list)
    sockets: dict[WebSocket, Viewer] = field(default_factory=dict)
    deaf: set[WebSocket] = field(default_factory=set)
    """Sockets whose node is lost: nothing comes of what is said on them, and they do not end."""
    forgetful: int = 0
    """How often the room's memory is away when something is said."""
    seen_after: list[str] = field(default_factory=list)
    wanted: list[Json] = field(default_factory=list)

    def open_sale(self, sale: str, sku: str, left: int, seconds: float = 600) -> None:
        self.sales[sale] = {
            "sale": sale, "show": "table", "sku": sku, "state": "open", "region": "kr", "left": left,
            "price": {"minor": 39000, "currency": "KRW"}, "closes": instant(time.time() + seconds),
        }  # fmt: skip

    @property
    def cues(self) -> list[Json]:
        return [e for e in self.events if e["kind"] not in {"start", "end"}]

    @property
    def state(self) -> str:
        """What sellers made of the show; on air until somebody says otherwise."""
        turns = [e["kind"] for e in self.events if e["kind"] in {"start", "end"}]
        return {"start": "on-air", "end": "ended"}[turns[-1]] if turns else self.planned

    def cue(self, kind: str, at: float, **more: str) -> None:
        seq = len(self.events) + 1
        self.events.append({"id": f"c{seq}", "seq": seq, "kind": kind, "at": instant(at), **more})

    async def shows(self, request: Request) -> Response:
        return JSONResponse({"shows": [self._show(request), self._show(request) | {"id": "later"}]})

    def _show(self, request: Request) -> Json:
        return {"id": "table", "homeRegion": "kr", **TEXTS[request.query_params["lang"]]}

    def _products(self, lang: str) -> list[Json]:
        return [
            {
                "id": name, "show": "table", "art": art, "name": ko if lang == "ko" else en, "summary": "21 cm",
                "variants": [
                    {"sku": sku, "label": label, "price": {"currency": "KRW", "minor": minor, "listMinor": was}}
                    for sku, label in skus
                ],
            }
            for name, art, ko, en, skus, minor, was in GOODS
        ]  # fmt: skip

    async def show(self, request: Request) -> Response:
        if request.path_params["show"] not in {"table", "later"}:
            return problem(404, "Not Found")
        products = self._products(request.query_params["lang"])
        return JSONResponse(self._show(request) | {"id": request.path_params["show"], "products": products})

    async def products(self, request: Request) -> Response:
        return JSONResponse({"products": self._products(request.query_params["lang"])})

    def _entry(self, show: str, state: str) -> Json:
        start = instant(time.time() - 3600 if state == "on-air" else time.time() + 86400)
        playback = {"kind": "origin", "url": "/video/kr/index.m3u8"}
        return {
            "id": show,
            "state": state,
            "status": state,
            "startsAt": start,
            "playback": playback,
            "cues": self.cues,
            "seq": len(self.events),
        }

    async def programme(self, _: Request) -> Response:
        return JSONResponse({"shows": [self._entry("table", self.state), self._entry("later", "scheduled")]})

    async def entry(self, _: Request) -> Response:
        return JSONResponse(self._entry("table", self.state))

    async def stream(self, request: Request) -> Response:
        async def told() -> AsyncIterator[str]:
            sent = int(request.query_params.get("after", "0"))
            yield "retry: 1000\n\n"
            while not await request.is_disconnected():
                for event in self.events[sent:]:
                    name = "state" if event["kind"] in {"start", "end"} else "cue"
                    yield f"id: {event['seq']}\nevent: {name}\ndata: {json.dumps(event)}\n\n"
                sent = len(self.events)
                await asyncio.sleep(0.05)

        return StreamingResponse(told(), media_type="text/event-stream")

    async def control(self, request: Request) -> Response:
        if refused := self._refused(request, "seller"):
            return refused
        act = request.path_params["act"]
        if act == "cues":
            body = await request.json()
            at = datetime.fromisoformat(body["mediaTime"]).timestamp() if "mediaTime" in body else time.time()
            self.cue(body["kind"], at, **{k: body[k] for k in ("product", "sale") if k in body})
        else:
            self.cue(act, time.time())
        return JSONResponse(self.events[-1], 201)

    def _refused(self, request: Request, role: str = "viewer") -> Response | None:
        viewer = self.sessions.of(request)
        if viewer is None:
            return problem(401, "Unauthorized")
        if not self.sessions.csrf_valid(viewer, request.headers.get("x-csrf-token")):
            return problem(403, "Forbidden")
        return problem(403, "For sellers only") if role == "seller" and viewer.role != role else None

    def _who(self, request: Request) -> str:
        viewer = self.sessions.of(request)
        return viewer.id if viewer else ""

    async def listed(self, _: Request) -> Response:
        return JSONResponse({"sales": list(self.sales.values())})

    async def opening(self, request: Request) -> Response:
        if refused := self._refused(request, "seller"):
            return refused
        body = await request.json()
        self.open_sale(body["sale"], body["sku"], body["quantity"]["kr"])
        return JSONResponse(self.sales[body["sale"]], 201)

    async def closing(self, request: Request) -> Response:
        if refused := self._refused(request, "seller"):
            return refused
        self.sales[request.path_params["sale"]]["state"] = "closed"
        return JSONResponse(self.sales[request.path_params["sale"]])

    async def hold(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        key, body = request.headers["idempotency-key"], await request.json()
        assert _KEY.match(key), key
        self.wanted.append(body)
        if key not in self.holds:
            sale = self.sales[body["sale"]]
            if sale["state"] != "open":
                return problem(410, "closed")
            if sale["left"] < body["quantity"]:
                return problem(409, "sold out")
            sale["left"] -= body["quantity"]
            amount = {"minor": 39000 * body["quantity"], "currency": "KRW"}
            expires = instant(time.time() + self.hold_seconds)
            self.holds[key] = {"hold": key, "expiresAt": expires, "amount": amount, "of": body}
        return JSONResponse({k: v for k, v in self.holds[key].items() if k != "of"}, 201)

    async def order(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        key, body = request.headers["idempotency-key"], await request.json()
        assert _KEY.match(key), key
        hold, token = self.holds[body["hold"]], body["payment"]["token"]
        made = self.orders.setdefault(
            key,
            {
                "order": key, "state": "paying", "show": "table", "amount": hold["amount"], "sku": hold["of"]["sku"],
                "quantity": hold["of"]["quantity"], "createdAt": instant(time.time()), "viewer": self._who(request),
                "becomes": "declined" if "decline" in token else "paid", "at": time.time() + 0.4,
            },
        )  # fmt: skip
        return JSONResponse(self._shown(made), 202)

    def _shown(self, order: Json) -> Json:
        if order["state"] == "paying" and time.time() > order["at"]:
            order["state"] = order["becomes"]
            if order["state"] == "declined":
                next(iter(self.sales.values()))["left"] += order["quantity"]
        return {k: v for k, v in order.items() if k not in {"viewer", "becomes", "at"}}

    async def one(self, request: Request) -> Response:
        found = self.orders.get(request.path_params["key"])
        if found is None or found["viewer"] != self._who(request):
            return problem(404, "Not Found")
        return JSONResponse(self._shown(found))

    async def mine(self, request: Request) -> Response:
        mine = [self._shown(o) for o in self.orders.values() if o["viewer"] == self._who(request)]
        return JSONResponse({"orders": mine, "complete": True})

    async def sold(self, _: Request) -> Response:
        left = sum(s["left"] for s in self.sales.values())
        revenue = {"minor": 39000 * len(self.orders), "currency": "KRW"}
        return JSONResponse({"orders": len(self.orders), "revenue": revenue, "left": left, "region": "kr"})

    async def room(self, socket: WebSocket) -> None:
        viewer = self.sessions.of(socket)
        if viewer is None or "chat" in self.away:
            await socket.close()
            return
        await socket.accept()
        after = socket.query_params.get("after", "")
        self.seen_after.append(after)
        self.sockets[socket] = viewer
        hello = {"type": "hello", "viewer": viewer.id, "role": viewer.role, "region": "kr", "viewers": 128}
        await socket.send_json(hello)
        for message in self.messages[int(after.partition(":")[2] or 0) :]:
            await socket.send_json(message)
        try:
            while True:
                await self._heard(socket, viewer, await socket.receive_json())
        except (WebSocketDisconnect, RuntimeError):
            self.sockets.pop(socket, None)

    async def _heard(self, socket: WebSocket, viewer: Viewer, body: Json) -> None:
        if socket in self.deaf:
            return
        if self.forgetful:
            self.forgetful -= 1
            await socket.send_json({"type": "refused", "ref": body["ref"], "reason": "away"})
            return
        if body["type"] == "say" and "banned" in body["text"]:
            await socket.send_json({"type": "refused", "ref": body["ref"], "reason": "word"})
            return
        await socket.send_json({"type": "accepted", "ref": body["ref"], "id": "kr-1"})
        if body["type"] == "say":
            await self.say(viewer.nickname, body["text"], viewer.id, viewer.role)
        elif body["type"] == "delete":
            await self.tell({"type": "deleted", "id": body["id"]})

    async def say(self, nickname: str, text: str, viewer: str = "0" * 32, role: str = "viewer") -> None:
        number = f"kr-{len(self.messages) + 1}"
        message = {"type": "message", "id": number, "at": instant(time.time()), "region": "kr"}
        self.messages.append(message | {"viewer": viewer, "nickname": nickname, "role": role, "text": text})
        await self.tell(self.messages[-1])

    async def tell(self, event: Json) -> None:
        for socket in list(self.sockets):
            await socket.send_json(event)

    async def figures(self, _: Request) -> Response:
        return JSONResponse({"viewers": 128, "messages": len(self.messages)})

    def app(self) -> Starlette:
        """Return all of them as one application."""
        return Starlette(
            routes=[
                Route("/api/catalog/shows", self.shows),
                Route("/api/catalog/shows/{show}", self.show),
                Route("/api/catalog/products", self.products),
                Route("/api/live/shows", self.programme),
                Route("/api/live/shows/{show}", self.entry),
                Route("/api/live/shows/{show}/events", self.stream),
                Route("/api/live/shows/{show}/{act}", self.control, methods=["POST"]),
                Route("/api/order/sales", self.opening, methods=["POST"]),
                Route("/api/order/sales/{sale}/close", self.closing, methods=["POST"]),
                Route("/api/order/shows/{show}/sales", self.listed),
                Route("/api/order/shows/{show}/figures", self.sold),
                Route("/api/order/holds", self.hold, methods=["POST"]),
                Route("/api/order/orders", self.order, methods=["POST"]),
                Route("/api/order/orders", self.mine),
                Route("/api/order/orders/{key}", self.one),
                Route("/api/chat/rooms/{show}/figures", self.figures),
                WebSocketRoute("/api/chat/rooms/{show}/socket", self.room),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the service that the path names, unless it is away."""
        service = scope.get("path", "").split("/")[2:3]
        if scope["type"] == "http" and service and service[0] in self.away:
            await problem(503, "Service Unavailable")(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def __post_init__(self) -> None:
        self._app = self.app()
