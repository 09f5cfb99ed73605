"""The pages about somebody: their orders, their name, sellers' sign-in."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, TypedDict

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from onair_common.access_record import record
from onair_common.asgi import problem
from onair_common.identity import COOKIE, valid_nickname
from onair_common.sign_in import FLOW_COOKIE, FLOW_SECONDS, Reason, SignInError
from onair_common.upstream import Unavailable
from web import forms, shop
from web.site import Site
from web.texts import WORDS
from web.visitors import Visit


class _Attributes(TypedDict):
    path: str
    secure: bool
    httponly: bool
    samesite: Literal["lax"]


_log = structlog.get_logger("account")
_COOKIE: _Attributes = {"path": "/", "secure": True, "httponly": True, "samesite": "lax"}
_KEY = re.compile(r"[a-z]{2}-[0-9a-f]{32}\Z")
_BACK = re.compile(r"/(?:shows/[a-z0-9-]{1,40}|orders|sell)?\Z")
_FAILED: dict[Reason, tuple[int, str]] = {
    "refused": (403, "sign_in_refused"),
    "stale": (400, "sign_in_stale"),
    "invalid": (400, "sign_in_failed"),
    "away": (502, "502"),
}
"""What a page answers when a sign-in did not succeed: status and words."""


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of orders, nickname and sign-in."""
    account = Account(site)
    return [
        Route("/orders", account.orders),
        Route("/orders/{key}", account.order),
        Route("/nickname", account.nickname, methods=["POST"]),
        Route("/sign-in", account.sign_in),
        Route("/sign-in/begin", account.begin),
        Route("/auth/callback", account.callback),
        Route("/sign-out", account.sign_out, methods=["POST"]),
    ]


class Account:
    """The handlers."""

    def __init__(self, site: Site) -> None:
        self._site, self._pages, self._visitors = site, site.pages, site.visitors

    async def orders(self, request: Request) -> Response:
        """Show the viewer's own orders."""
        lang = self._pages.lang_of(request)
        visit = self._visitors.visit(request, lang)
        away: list[str] = []
        found: list[shop.Bought] = []
        try:
            body = await self._site.orders.get("/api/order/orders", request.cookies, visit, lang)
            listed = (body or {}).get("orders", [])
            products = await self._site.products(lang) if listed else []
            found = [shop.bought(o, products, timezone=self._site.settings.timezone, lang=lang) for o in listed]
            away = [] if (body or {}).get("complete", True) else ["orders_part"]
        except Unavailable:
            away = ["orders_away"]
        return self._pages.render(request, "orders.html", visit=visit, orders=found, away=away)

    async def order(self, request: Request) -> Response:
        """Show one of the viewer's own orders; somebody else's is not there."""
        lang, key = self._pages.lang_of(request), request.path_params["key"]
        visit = self._visitors.visit(request, lang)
        if not _KEY.match(key):
            raise HTTPException(404)
        try:
            body = await self._site.orders.get(f"/api/order/orders/{key}", request.cookies, visit, lang)
        except Unavailable:
            return self._pages.render(request, "message.html", 503, visit=visit, code=503, message="order_away")
        if body is None:
            raise HTTPException(404)
        products = await self._site.products(lang) if "sku" in body else []
        order = shop.bought(body, products, timezone=self._site.settings.timezone, lang=lang)
        return self._pages.render(request, "order.html", visit=visit, order=order)

    async def nickname(self, request: Request) -> Response:
        """Take a new nickname: from the page's script, or from the form alone."""
        lang, scripted = self._pages.lang_of(request), "application/json" in request.headers.get("accept", "")
        given = await forms.fields(request)
        visit = self._confirmed(request, given)
        wanted = unicodedata.normalize("NFC", given.get("nickname", "").strip())
        if not valid_nickname(wanted):
            words = WORDS[lang]["nickname_bad"]
            return problem(422, words) if scripted else self._pages.message(request, 422, "nickname_bad")
        record(request, visit.viewer.id, "viewer.rename", visit.viewer.id, "ok")
        renamed = self._visitors.rename(visit, wanted)
        back = given.get("back", "/")
        answer = JSONResponse({"nickname": wanted}) if scripted else _go(back if _BACK.match(back) else "/")
        renamed.keep(answer)
        return answer

    async def sign_in(self, request: Request) -> Response:
        """Offer sellers to sign in."""
        visit = self._visitors.known(request)
        if visit and visit.viewer.role == "seller":
            return _go("/sell")
        words = "sign_in_note" if self._site.sellers else "sign_in_off"
        return self._pages.render(request, "sign-in.html", visit=visit, offered=bool(self._site.sellers), words=words)

    async def begin(self, request: Request) -> Response:
        """Send the browser to the provider. A link, not a form: form-action 'self' would forbid the way there."""
        sellers = self._site.sellers
        if sellers is None:
            raise HTTPException(404)
        try:
            address, flow = await sellers.issuer.begin(_callback(request), "/sell")
        except SignInError as error:
            return self._failed(request, error)
        answer = _go(address)
        answer.set_cookie(FLOW_COOKIE, sellers.flows.seal(flow), FLOW_SECONDS, **_COOKIE)
        return answer

    async def callback(self, request: Request) -> Response:
        """Take who comes back from the provider."""
        sellers = self._site.sellers
        if sellers is None:
            raise HTTPException(404)
        flow = sellers.flows.open(request.cookies.get(FLOW_COOKIE))
        try:
            account = await sellers.issuer.finish(flow, request.query_params)
        except SignInError as error:
            answer = self._failed(request, error)
        else:
            answer = _go(flow.after if flow else "/sell")
            self._visitors.begin(account.nickname, "seller", account.id).keep(answer)
            record(request, account.id, "seller.sign-in", account.id, "ok")
        answer.delete_cookie(FLOW_COOKIE, **_COOKIE)
        return answer

    def _failed(self, request: Request, error: SignInError) -> Response:
        _log.warning("sign-in failed", error=str(error))
        record(request, "nobody", "seller.sign-in", "", error.reason)
        status, words = _FAILED[error.reason]
        return self._pages.message(request, status, words, **({"retry_after": "5"} if status == 502 else {}))

    async def sign_out(self, request: Request) -> Response:
        """Forget the session."""
        visit = self._confirmed(request, await forms.fields(request))
        record(request, visit.viewer.id, "viewer.sign-out", visit.viewer.id, "ok")
        answer = _go("/")
        answer.delete_cookie(COOKIE, **_COOKIE)
        return answer

    def _confirmed(self, request: Request, given: dict[str, str]) -> Visit:
        visit = self._visitors.known(request)
        if visit is None or not self._visitors.confirmed(visit, given.get("csrf")):
            raise HTTPException(403)
        return visit


def _go(address: str) -> Response:
    return RedirectResponse(address, 303, {"cache-control": "no-store"})


def _callback(request: Request) -> str:
    # The edge ends TLS and asks by another name; it adds the host that the browser asked for.
    host = request.headers.get("x-forwarded-host", "").partition(",")[0].strip() or request.headers.get("host", "")
    return f"https://{host}/auth/callback"
