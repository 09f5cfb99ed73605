"""Rendering of pages and static files as HTTP answers."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from onair_common.settings import Settings
from web import words
from web.assets import Assets

# media-src blob: is how Media Source Extensions feed a <video>; everything else is the shop's own.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "content-security-policy": _CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "accept-language, cookie",
}
YEAR_SECONDS = 31_536_000


class Pages:
    """The templates, in every language."""

    def __init__(self, settings: Settings, files: Assets) -> None:
        self._settings = settings
        self._files = files
        self._templates = Environment(
            loader=PackageLoader("web"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
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

    def render(self, request: Request, name: str, status: int = 200, **context: Any) -> Response:
        """Return a page; a language that was asked for by address is remembered in a cookie."""
        lang = self.lang_of(request)
        body = self._templates.get_template(name).render(
            w=words.WORDS[lang],
            lang=lang,
            languages={code: w["name"] for code, w in words.WORDS.items()},
            url=self._files.url,
            path=request.url.path,
            settings=self._settings,
            **context,
        )
        response = Response(body, status, _PAGE_HEADERS, media_type="text/html; charset=utf-8")
        if request.query_params.get("lang") == lang:
            response.set_cookie("lang", lang, max_age=YEAR_SECONDS, httponly=True, samesite="lax")
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
