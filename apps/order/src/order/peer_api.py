"""Routes for the other region only: below ``/peer/``, in no HTTPRoute, behind the shared key."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onair_common.asgi import problem
from onair_common.peer import Endpoint, guarded
from onair_common.refusals import Refused
from order import actions, fencing, orders, stock, transfers
from order.context import Context, Price
from order.keys import home_of
from order.stock import Sale
from order.transfers import Transfer


def routes(context: Context) -> list[Route]:
    """Return the routes."""
    api = _PeerApi(context)
    table: list[tuple[str, str, Any]] = [
        ("POST", "/peer/holds", api.hold),
        ("POST", "/peer/orders", api.order),
        ("GET", "/peer/orders", api.of_viewer),
        ("GET", "/peer/orders/{key}", api.find),
        ("POST", "/peer/transfers", api.transfer),
        ("POST", "/peer/sales/{sale}/close", api.close),
        ("GET", "/peer/status", api.status),
    ]
    return [
        Route(path, guarded(context.peer_key, _well_formed(handler)), methods=[method])
        for method, path, handler in table
    ]


def _well_formed(handler: Endpoint) -> Endpoint:
    """Answer 400 to a message that the other region's service does not send."""

    async def check(request: Request) -> Response:
        try:
            return await handler(request)
        except (KeyError, TypeError, ValueError) as error:
            return problem(400, "Bad Request", repr(error))

    return check


class _PeerApi:
    """The bodies come from our own service in the other region, which has validated what viewers sent."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def _own(self, key: str) -> str:
        if home_of(key) != self.context.region:
            raise Refused("bad-key")
        return key

    async def hold(self, request: Request) -> Response:
        told = await request.json()
        return await actions.hold(self.context, self._own(told["key"]), told["viewer"], told["body"])

    async def order(self, request: Request) -> Response:
        told = await request.json()
        key, viewer, body = self._own(told["key"]), told["viewer"], told["body"]
        came_from = told.get("origin", f"unknown by {self.context.settings.peer_region}")  # an older version says none
        return await actions.order(self.context, key, viewer, body, came_from)

    async def find(self, request: Request) -> Response:
        viewer = request.query_params.get("viewer", "")
        found = await orders.find(self.context.db, request.path_params["key"], viewer, self.context.region)
        if found is None:
            raise Refused("unknown")
        return JSONResponse(found)

    async def of_viewer(self, request: Request) -> Response:
        viewer = request.query_params.get("viewer", "")
        return JSONResponse({"orders": await orders.of_viewer(self.context.db, viewer, self.context.region)})

    async def transfer(self, request: Request) -> Response:
        told = await request.json()
        if told["destination"] != self.context.region:
            return problem(421, "Misdirected Request")
        sale = await self._sale(told["sale"])
        names = (told["id"], told["sale"]["id"], told["source"], told["destination"])
        transfer = Transfer(*names, told["quantity"], told["epoch"])
        async with self.context.db.transaction() as connection:
            await fencing.learn(connection, self.context.region, transfer.epoch)
            verdict = await transfers.receive(connection, transfer, sale)
            if told["closed"]:
                await stock.close(connection, transfer.sale)
        return JSONResponse({"verdict": verdict})

    async def _sale(self, told: dict[str, Any]) -> Sale | None:
        """Return the sale with this region's price, which its first arrival fixes; None when it cannot be sold here."""
        known = await stock.sales(self.context.db, self.context.region, told["id"])
        if known:
            price = Price(**known[0]["price"])
        else:
            found = await self.context.price(told["show"], told["sku"])
            if found is None:
                return None
            price = found
        return transfers.read_sale(told, price.minor, price.currency)

    async def close(self, request: Request) -> Response:
        async with self.context.db.transaction() as connection:
            closed = await stock.close(connection, request.path_params["sale"])
        return JSONResponse({"known": closed is not None})

    async def status(self, _: Request) -> Response:
        """What the other region's worker needs to reconcile and to rebalance."""
        return JSONResponse(await fencing.status(self.context.db, self.context.region))
