"""What the service refuses with, for programs by code and for people in Korean and English."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from onair_common.asgi import problem

REFUSALS: dict[str, tuple[int, dict[str, tuple[str, str]]]] = {
    "sign-in": (401, {"ko": ("로그인이 필요합니다", ""), "en": ("Sign in first", "")}),
    "csrf": (
        403,
        {
            "ko": ("요청을 확인할 수 없습니다", "페이지를 새로 고친 뒤 다시 시도하세요."),
            "en": ("Request not confirmed", "Reload the page and try again."),
        },
    ),
    "sellers-only": (403, {"ko": ("판매자만 할 수 있습니다", ""), "en": ("For sellers only", "")}),
    "unknown": (404, {"ko": ("찾을 수 없습니다", ""), "en": ("Not Found", "")}),
    "unknown-hold": (404, {"ko": ("찜한 상품을 찾을 수 없습니다", ""), "en": ("No such hold", "")}),
    "sold-out": (
        409,
        {"ko": ("품절되었습니다", "남은 수량이 부족합니다."), "en": ("Sold out", "There are not so many left.")},
    ),
    "other-sale": (
        409,
        {"ko": ("다른 판매에 쓰인 이름입니다", ""), "en": ("This id belongs to another sale", "")},
    ),
    "closed": (410, {"ko": ("판매가 끝났습니다", ""), "en": ("The sale is over", "")}),
    "expired-hold": (
        410,
        {
            "ko": ("담아 둔 시간이 지났습니다", "다시 담아 주세요."),
            "en": ("The hold has expired", "Please choose it again."),
        },
    ),
    "bad-key": (
        422,
        {
            "ko": ("멱등 키가 올바르지 않습니다", ""),
            "en": ("Idempotency-Key: give <region>-<uuid4 in hex> of the hold's region", ""),
        },
    ),
    "other-body": (
        422,
        {"ko": ("같은 키로 다른 요청이 있었습니다", ""), "en": ("This key was used for another request", "")},
    ),
    "unknown-product": (422, {"ko": ("이 쇼에 없는 상품입니다", ""), "en": ("This show has no such product", "")}),
    "bad-sale": (
        422,
        {
            "ko": ("판매 조건이 올바르지 않습니다", ""),
            "en": ("A sale ends within the next 30 days, and its stock is of these regions", ""),
        },
    ),
    "reconciling": (
        503,
        {
            "ko": ("재고를 확인하고 있습니다", "잠시 뒤 다시 시도하세요."),
            "en": ("Stock is being checked", "Try again in a moment."),
        },
    ),
    "away": (
        503,
        {"ko": ("잠시 뒤 다시 시도하세요", ""), "en": ("Try again in a moment", "")},
    ),
}


def language(request: Request, default: str) -> str:
    """Return ``ko`` or ``en``, whichever the viewer's browser names first; `default` without either."""
    for item in request.headers.get("accept-language", "").split(","):
        tag = item.partition(";")[0].strip()[:2].lower()
        if tag in {"ko", "en"}:
            return tag
    return default if default in {"ko", "en"} else "en"


def refusal(request: Request, code: str, default: str) -> Response:
    """Return the answer of a refusal, in the viewer's language."""
    status, texts = REFUSALS[code]
    title, detail = texts[language(request, default)]
    headers = {"retry-after": "1"} if status == 503 else {}
    return problem(status, title, detail, headers, code)
