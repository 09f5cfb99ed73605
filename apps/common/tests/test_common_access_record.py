from __future__ import annotations

import pytest
from starlette.requests import Request
from structlog.testing import capture_logs

from onair_common.access_record import record


@pytest.mark.parametrize(
    ("forwarded", "client", "origin"),
    [
        ("203.0.113.77", None, "203.0.113.0/24"),
        ("10.1.1.1, 203.0.113.77", None, "203.0.113.0/24"),
        ("2001:db8:1:2::3", None, "2001:db8:1::/48"),
        ("", ("127.0.0.1", 1), "127.0.0.0/24"),
        ("<script>", None, "unknown"),
        ("", None, "unknown"),
    ],
)
def test_a_line_says_who_what_and_from_where_but_names_nobody(
    forwarded: str, client: tuple[str, int] | None, origin: str
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = Request({"type": "http", "headers": headers, "client": client, "onair.request_id": "r1"})
    with capture_logs() as lines:
        record(request, "ab12", "order.place", "kr-1", "sold-out")
    assert lines == [
        {
            "event": "access",
            "log_level": "info",
            "logger": "access-record",
            "who": "ab12",
            "what": "order.place",
            "target": "kr-1",
            "result": "sold-out",
            "origin": origin,
            "request_id": "r1",
        }
    ]
