"""HTTP interface for viewers and sellers, and for the payment provider's callbacks."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onair_common import migrations
from onair_common.access_record import origin, record, recorded
from onair_common.asgi import Lifecycle, health_routes
from onair_common.database import AWAY, Database
from onair_common.identity import Viewer
from onair_common.openapi import Document, read_bounded
from onair_common.peer import PeerAway
from onair_common.refusals import Refused, application, signed_in
from onair_common.settings import Settings
from onair_common.upstream import Unavailable
from order import actions, forwarding, orders, outbox, payment, peer_api, stock
from order.context import Context
from order.keys import home_of
from order.words import WORDS

_ID = re.compile(r"[a-z0-9-]{1,40}\Z")
LONGEST_SALE = timedelta(days=30)
Handler = Callable[[Request, Viewer], Awaitable[Response]]


class Api:
    """The handlers; each takes a request and the viewer whose session it carries."""

    def __init__(self, context: Context, document: Document) -> None:
        self.context, self.document = context, document

    def route(self, path: str, handler: Handler, *, method: str = "GET", sellers: bool = False) -> Route:
        """Return a route for signed-in viewers; what changes something needs the session's token."""

        async def endpoint(request: Request) -> Response:
            return await handler(request, signed_in(request, self.context.sessions, seller=sellers))

        return Route(path, endpoint, methods=[method])

    def key(self, request: Request) -> str:
        """Return the idempotency key of a request; refuses one that is none of these regions'."""
        key = request.headers.get("idempotency-key", "")
        if home_of(key) not in {self.context.region, self.context.settings.peer_region}:
            raise Refused("bad-key")
        return key

    async def hold(self, request: Request, viewer: Viewer) -> Response:
        """Hold stock for a viewer, where the key is at home."""
        key, body = self.key(request), await self.document.body(request, "placeHold")
        with recorded(request, viewer.id, "hold.place", key):
            if home_of(key) == self.context.region:
                return await actions.hold(self.context, key, viewer.id, body)
            return await forwarding.hold(self.context, key, viewer.id, body)

    async def order(self, request: Request, viewer: Viewer) -> Response:
        """Turn a hold into an order, where the key is at home."""
        key, body = self.key(request), await self.document.body(request, "placeOrder")
        came_from = f"{origin(request)} by {self.context.region}"
        with recorded(request, viewer.id, "order.place", key):
            if home_of(key) != home_of(body["hold"]):
                raise Refused("bad-key")
            if home_of(key) == self.context.region:
                return await actions.order(self.context, key, viewer.id, body, came_from)
            return await forwarding.order(self.context, key, viewer.id, body, came_from)

    async def find(self, request: Request, viewer: Viewer) -> Response:
        """Show a viewer's own order, wherever it is at home."""
        key = request.path_params["key"]
        home = home_of(key)
        if home == self.context.settings.peer_region:
            return await forwarding.find(self.context, key, viewer.id)
        found = await orders.find(self.context.db, key, viewer.id, self.context.region) if home else None
        if found is None:
            raise Refused("unknown")
        return JSONResponse(found, headers={"cache-control": "no-store"})

    async def mine(self, _: Request, viewer: Viewer) -> Response:
        """List a viewer's orders of both regions; says when the other one could not be asked."""
        own = await orders.of_viewer(self.context.db, viewer.id, self.context.region)
        theirs = await forwarding.of_viewer(self.context, viewer.id)
        found = sorted([*own, *(theirs or [])], key=lambda o: str(o["createdAt"]), reverse=True)
        return JSONResponse({"orders": found, "complete": theirs is not None}, headers={"cache-control": "no-store"})

    async def open_sale(self, request: Request, viewer: Viewer) -> Response:
        """Open a sale with stock for each region, at this region's price here and the other's there."""
        body = await self.document.body(request, "openSale")
        with recorded(request, viewer.id, "sale.open", body["sale"]):
            sale = await self._asked_sale(body)
            async with self.context.db.transaction() as connection:
                if not await stock.issue(connection, sale, self.context.region, body["quantity"]):
                    raise Refused("other-sale")
        return JSONResponse((await stock.sales(self.context.db, self.context.region, sale.id))[0], 201)

    async def _asked_sale(self, body: dict[str, Any]) -> stock.Sale:
        """Return the sale that a seller asks for, at this region's price; raises `Refused`."""
        context, quantity, closes = self.context, body["quantity"], _instant(body["closes"])
        soon = closes is not None and timedelta() < closes - datetime.now(UTC) < LONGEST_SALE
        if closes is None or not soon or not quantity.keys() <= {context.region, context.settings.peer_region}:
            raise Refused("bad-sale")
        price = await context.price(body["show"], body["sku"])
        if price is None:
            raise Refused("unknown-product")
        ids = (body["sale"], body["show"], body["sku"])
        return stock.Sale(*ids, context.region, sum(quantity.values()), closes, price.minor, price.currency)

    async def close_sale(self, request: Request, viewer: Viewer) -> Response:
        """Close a sale here at once, and in the other region as soon as it hears of it."""
        sale = _id(request.path_params["sale"])
        with recorded(request, viewer.id, "sale.close", sale):
            async with self.context.db.transaction() as connection:
                if await stock.close(connection, sale):
                    await outbox.put(connection, "sale-closed", {"sale": sale})
            return await self._sale(sale)

    async def sale(self, request: Request) -> Response:
        """Show a sale as it is in this region."""
        return await self._sale(_id(request.path_params["sale"]))

    async def _sale(self, sale: str) -> Response:
        found = await stock.sales(self.context.db, self.context.region, sale)
        if not found:
            raise Refused("unknown")
        return JSONResponse(found[0], headers={"cache-control": "no-store"})

    async def sales(self, request: Request) -> Response:
        """List a show's sales in this region."""
        show = _id(request.path_params["show"])
        found = await stock.sales(self.context.db, self.context.region, show=show)
        return JSONResponse({"sales": found}, headers={"cache-control": "no-store"})

    async def figures(self, request: Request, _: Viewer) -> Response:
        """Return a show's figures of this region for its seller."""
        show = _id(request.path_params["show"])
        found = await stock.figures(self.context.db, self.context.region, show)
        found["revenue"]["currency"] = self.context.settings.currency
        return JSONResponse(found, headers={"cache-control": "no-store"})

    async def callback(self, request: Request) -> Response:
        """Take the provider's event down, once; worker lets it take effect."""
        raw = await read_bounded(request)
        if not payment.signed(self.context.callback_key, raw, request.headers.get(payment.SIGNATURE, "")):
            record(request, "provider", "payment.callback", "", "forged")
            raise Refused("sign-in")
        body = self.document.read(raw, "paymentCallback")
        async with self.context.db.transaction() as connection:
            fresh = await connection.fetchval(
                "INSERT INTO callbacks (event, order_key, outcome) VALUES ($1, $2, $3)"
                " ON CONFLICT DO NOTHING RETURNING true",
                *(body["event"], body["order"], body["outcome"]),
            )
            if fresh:
                told = {"key": body["order"], "outcome": body["outcome"], "origin": origin(request)}
                await outbox.put(connection, "callback", told)
        record(request, "provider", "payment.callback", body["order"], "ok" if fresh else "again")
        return Response(status_code=204)


def _id(text: str) -> str:
    if not _ID.match(text):
        raise Refused("unknown")
    return text


def _instant(text: str) -> datetime | None:
    """Return a moment with its zone; None for one that no calendar has (the schema allows a leap second)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def create(
    settings: Settings,
    lifecycle: Lifecycle,
    env: Mapping[str, str] = os.environ,
    db: Database | None = None,
    client: httpx.AsyncClient | None = None,
) -> Starlette:
    """Build the service; the database is asked for at first use."""
    context = Context.read(settings, env, db, client)
    document = Document.of("order")
    api = Api(context, document)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await context.client.aclose()
        await context.db.close()

    return application(
        settings,
        [
            # First, because routes are tried in turn, and nothing else is asked for as often.
            api.route("/api/order/holds", api.hold, method="POST"),
            api.route("/api/order/sales", api.open_sale, method="POST", sellers=True),
            api.route("/api/order/sales/{sale}/close", api.close_sale, method="POST", sellers=True),
            Route("/api/order/sales/{sale}", api.sale),
            Route("/api/order/shows/{show}/sales", api.sales),
            api.route("/api/order/shows/{show}/figures", api.figures, sellers=True),
            api.route("/api/order/orders", api.order, method="POST"),
            api.route("/api/order/orders", api.mine),
            api.route("/api/order/orders/{key}", api.find),
            Route("/api/order/payments/callback", api.callback, methods=["POST"]),
            document.route("/api/order/openapi.json"),
            *peer_api.routes(context),
            *health_routes(lifecycle, context.db.ready(len(migrations.load("order")))),
        ],
        words=WORDS,
        away=(PeerAway, Unavailable, *AWAY),
        lifespan=lifespan,
    )
