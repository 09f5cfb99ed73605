"""What a service refuses with: a code for programs, and words for people in Korean and English.

A service is built by `application`; its handlers raise `Refused` with a code of `COMMON` or of the service's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from onair_common.asgi import problem
from onair_common.identity import Sessions, Viewer
from onair_common.languages import preferred
from onair_common.settings import Settings

RETRY_SECONDS = "1"
_log = structlog.get_logger("refusals")


@dataclass(frozen=True)
class Words:
    """An answer's status and what it says; ``{…}`` in a detail is filled in from the refusal's values."""

    status: int
    ko: str
    en: str
    ko_detail: str = ""
    en_detail: str = ""


COMMON: dict[str, Words] = {
    "bad-request": Words(400, "요청이 올바르지 않습니다", "Bad Request"),
    "no-json": Words(400, "요청이 올바르지 않습니다", "Bad Request", "본문이 JSON이 아닙니다.", "The body is no JSON."),
    "sign-in": Words(401, "로그인이 필요합니다", "Sign in first"),
    "csrf": Words(
        403,
        "요청을 확인할 수 없습니다",
        "Request not confirmed",
        "페이지를 새로 고친 뒤 다시 시도하세요.",
        "Reload the page and try again.",
    ),
    "sellers-only": Words(403, "판매자만 할 수 있습니다", "For sellers only"),
    "unknown": Words(404, "찾을 수 없습니다", "Not Found"),
    "method": Words(405, "지원하지 않는 요청 방식입니다", "Method Not Allowed"),
    "large": Words(
        413,
        "요청이 너무 큽니다",
        "Content Too Large",
        "본문은 {limit}바이트까지입니다.",
        "The body may have {limit} bytes.",
    ),
    "media-type": Words(
        415,
        "지원하지 않는 형식입니다",
        "Unsupported Media Type",
        "application/json으로 보내세요.",
        "Send application/json.",
    ),
    "body": Words(422, "요청 내용이 올바르지 않습니다", "Unprocessable Content", "{place}: {why_ko}", "{place}: {why}"),
    "crowded": Words(
        429,
        "연결이 너무 많습니다",
        "Too Many Requests",
        "다른 창을 닫고 다시 시도하세요.",
        "Close another window and try again.",
    ),
    "fault": Words(500, "문제가 생겼습니다", "Something went wrong"),
    "away": Words(503, "잠시 뒤 다시 시도하세요", "Try again in a moment"),
    "busy": Words(503, "지금은 붐빕니다. 잠시 뒤 다시 시도하세요", "Very busy: try again in a moment"),
}
_BY_STATUS = {404: "unknown", 405: "method", 413: "large"}


class Refused(Exception):
    """A request is refused for the reason of a code.

    Parameters
    ----------
    values : object
        What fills the gaps of the detail.
    """

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code, self.values = code, values


def refusal(connection: HTTPConnection, code: str, **values: object) -> JSONResponse:
    """Return the answer of a refusal in the language of who asked; own codes has only a service of `application`."""
    state = connection.app.state
    language = preferred(connection.headers.get("accept-language", ""), getattr(state, "language", "en"))
    words: Words = getattr(state, "words", COMMON)[code]
    title, detail = (words.ko, words.ko_detail) if language == "ko" else (words.en, words.en_detail)
    headers = {"content-language": language, "vary": "accept-language"}
    if words.status in {429, 503}:
        headers["retry-after"] = RETRY_SECONDS
    return problem(words.status, title, detail.format(**values), headers, code)


def application(
    settings: Settings,
    routes: Sequence[BaseRoute],
    *,
    words: Mapping[str, Words] | None = None,
    away: Sequence[type[Exception]] = (),
    lifespan: Callable[[Any], Any] | None = None,
) -> Starlette:
    """Build a service that refuses in words, whatever happens.

    Parameters
    ----------
    words : Mapping or None
        The service's own codes.
    away : Sequence of exception types
        Raised when what the service stands on does not answer: 503.
    """

    async def gone(request: Request, error: Exception) -> Response:
        _log.warning("away", error=repr(error))
        return refusal(request, "away")

    app = Starlette(
        routes=routes,
        exception_handlers={Refused: _refused, HTTPException: _http_error, Exception: _fault}
        | dict.fromkeys(away, gone),
        lifespan=lifespan,
    )
    app.state.words, app.state.language = COMMON | dict(words or {}), settings.language
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101  registered for it
    return refusal(request, error.code, **error.values)


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer for what Starlette itself refuses: an unknown path, another method."""
    assert isinstance(error, HTTPException)  # noqa: S101  registered for it
    answer = refusal(request, _BY_STATUS.get(error.status_code, "bad-request"))
    answer.headers.update(dict(error.headers or {}))
    return answer


async def _fault(request: Request, _: Exception) -> Response:
    return refusal(request, "fault")  # the server logs the error itself


def signed_in(request: Request, sessions: Sessions, *, seller: bool = False) -> Viewer:
    """Return who asks; what changes something must bring the session's token in x-csrf-token.

    Raises
    ------
    Refused
        Without a session, without its token, or as a viewer where sellers are wanted.
    """
    viewer = sessions.of(request)
    if viewer is None:
        raise Refused("sign-in")
    if request.method not in {"GET", "HEAD"} and not sessions.csrf_valid(viewer, request.headers.get("x-csrf-token")):
        raise Refused("csrf")
    if seller and viewer.role != "seller":
        raise Refused("sellers-only")
    return viewer
