"""Rendering of pages and static files as HTTP answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from onair_common.settings import Settings
from web import texts, words
from web.assets import Assets
from web.shared import Shared
from web.visitors import Visit

# media-src blob: is how Media Source Extensions feed a <video>; everything else is the shop's own, its WebSocket
# included ('self' matches wss: of the same host: CSP level 3, 6.7.2.8), and the video, which may come from elsewhere.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{video}; "
    "media-src 'self' blob:{video}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_IVS = ".live-video.net"
_ELSEWHERE = re.compile(r"https://([a-z0-9.-]+)/")
_PAGE_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
    "vary": "accept-language, cookie",
}
YEAR_SECONDS = 31_536_000


def policy(playback: str | None) -> str:
    """Return the content security policy of a page that plays the video of an address (None: of the shop alone)."""
    found = _ELSEWHERE.match(playback or "")
    if not found:
        return _CSP.format(video="")
    # Amazon IVS serves playlists and segments from several hosts of this domain.
    host = "*" + _IVS if found[1].endswith(_IVS) else found[1]
    return _CSP.format(video=f" https://{host}")


class Pages:
    """The templates, in every language."""

    def __init__(self, settings: Settings, files: Assets) -> None:
        self._settings = settings
        self._files = files
        self._shared = Shared()
        self._templates = Environment(
            loader=PackageLoader("web"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters["data"] = _data
        for name in self._templates.list_templates():
            self._templates.get_template(name)  # compiled now, so that no viewer waits for it

    def lang_of(self, request: Request) -> str:
        """Return the language of the answer to a request."""
        return words.choose(
            request.query_params.get("lang"),
            request.cookies.get("lang"),
            request.headers.get("accept-language", ""),
            self._settings.language,
        )

    def render(
        self, request: Request, name: str, status: int = 200, *, visit: Visit | None = None, **context: Any
    ) -> Response:
        """Return a page; a language that was asked for by address is remembered in a cookie.

        Parameters
        ----------
        visit : Visit or None
            Who looks at it; their session goes with the answer when it is new.
        """
        text, rules = self._text(request, name, visit, context)
        return self._answer(request, text, rules, status, visit)

    def render_shared(
        self,
        request: Request,
        name: str,
        visit: Visit | None,
        *,
        key: Hashable,
        sources: tuple[object, ...],
        context: Callable[[], dict[str, Any]],
    ) -> Response:
        """Return a page that differs between viewers by their name and token only; see `Shared.page`."""
        role = visit.viewer.role if visit else None
        whole = (name, self.lang_of(request), request.url.path, role, key)
        page = self._shared.page(whole, sources, role, lambda anybody: self._text(request, name, anybody, context()))
        return self._answer(request, page.of(visit), page.policy, 200, visit)

    def _text(self, request: Request, name: str, visit: Visit | None, context: dict[str, Any]) -> tuple[str, str]:
        lang = self.lang_of(request)
        text = self._templates.get_template(name).render(
            w=texts.WORDS[lang],
            said=texts.SCRIPT_WORDS[lang],
            lang=lang,
            languages={code: w["name"] for code, w in texts.WORDS.items()},
            url=self._files.url,
            needs=self._files.needs,
            path=request.url.path,
            settings=self._settings,
            visit=visit,
            **({"stale": False, "away": ()} | context),
        )
        return text, policy(getattr(context.get("show"), "playback", None))

    def _answer(self, request: Request, text: str, rules: str, status: int, visit: Visit | None) -> Response:
        headers = _PAGE_HEADERS | {"content-security-policy": rules}
        if self._settings.environment == "prod":  # a name of our own: not localhost, which others use by plain HTTP
            headers["strict-transport-security"] = f"max-age={YEAR_SECONDS}"
        response = Response(text, status, headers, media_type="text/html; charset=utf-8")
        lang = self.lang_of(request)
        if request.query_params.get("lang") == lang:
            response.set_cookie("lang", lang, max_age=YEAR_SECONDS, secure=True, httponly=True, samesite="lax")
        if visit is not None:
            visit.keep(response)
        return response

    def message(self, request: Request, status: int, words_key: str = "", **headers: str) -> Response:
        """Return a page that says what is wrong, by the status or the key of its words."""
        known = str(status) in texts.WORDS["en"]
        key = words_key or (str(status) if known else "500" if status >= 500 else "400")
        response = self.render(request, "message.html", status, code=status, message=key)
        response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return response

    async def static(self, request: Request) -> Response:
        """Answer with a static file: for a year under its present name, else not to be kept."""
        found = self._files.find(request.path_params["name"])
        if found is None:
            return PlainTextResponse("not found\n", 404)
        asset, current = found
        headers = {
            "cache-control": f"public, max-age={YEAR_SECONDS}, immutable" if current else "no-cache",
            "vary": "accept-encoding",
            "x-content-type-options": "nosniff",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(asset.compressed, headers=headers, media_type=asset.media_type)
        return Response(asset.body, headers=headers, media_type=asset.media_type)


def _data(value: object) -> str:
    """Return a value as JSON for a data attribute (escaped like any text; a script element would be inline)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
