"""Reading a form: bounded, of one media type, and confirmed by the session's token."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

MAX_FORM = 8 * 1024
"""Bytes; the longest form has a nickname, a token and an address."""


async def fields(request: Request) -> dict[str, str]:
    """Return a form's fields.

    Raises
    ------
    HTTPException
        400 when it is no form, 413 when it is too large.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise HTTPException(400)
    raw = bytearray()
    try:
        async for part in request.stream():
            raw += part
            if len(raw) > MAX_FORM:
                raise HTTPException(413)
        return dict(parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=bool(raw), max_num_fields=16))
    except (ValueError, ClientDisconnect) as error:
        raise HTTPException(400) from error
