"""Whatever the document allows or forbids, the service answers as it says, and never with a 5xx."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_cases import CASES, cases, checks, headers_of, operations
from order_world import Regions
from schemathesis import Case
from schemathesis.core import NOT_SET
from threaded_loop import Loop

from order import payment

pytestmark = pytest.mark.integration
OPERATIONS = operations("order")
Known = dict[str, object]
"""What there is in the world, by the names that the document has for it."""


async def _world(regions: Regions) -> Known:
    kr = regions["kr"]
    await kr.open(kr=1000)
    holds = [(await kr.hold()).json()["hold"] for _ in range(2)]
    order = (await kr.order(holds[0])).json()["order"]
    closes = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    facts = {"sale": "tea", "show": "seoul-table", "sku": "TEA-40", "closes": closes}
    return facts | {"hold": holds[1], "key": order, "order": order}


async def _send(client: httpx.AsyncClient, case: Case[Any], known: Known) -> httpx.Response:
    """Send a case as a signed-in browser would, about what is `known` in place of what was made up."""
    opens = case.operation.label == "POST /api/order/sales"
    made_up: Any = case.body
    if isinstance(made_up, dict):
        # A sale that is opened has an id of its own, and stock in these regions.
        made_up.update({n: v for n, v in known.items() if n in made_up and not (opens and n == "sale")})
        if known and opens and isinstance(made_up.get("quantity"), dict):
            made_up["quantity"] = dict(zip(("kr", "us"), made_up["quantity"].values(), strict=False))
    case.path_parameters.update({n: v for n, v in known.items() if n in case.path_parameters})
    request = case.as_transport_kwargs(base_url="http://order")
    # The session is the client's own, and most keys are at home here: else nothing goes further than the door.
    headers = {k: v for k, v in headers_of(request).items() if k not in {b"cookie", b"x-csrf-token"}}
    if known and b"idempotency-key" in headers:
        headers[b"idempotency-key"] = b"kr" + headers[b"idempotency-key"][2:]
    body = {name: request[name] for name in ("json", "data") if request.get(name) is not None}
    if isinstance(body.get("data"), bytes | str):
        body = {"content": body["data"]}
    if known and "callback" in request["url"] and case.body is not NOT_SET:
        raw = made_up if isinstance(made_up, bytes) else json.dumps(made_up).encode()
        body = {"content": raw}
        headers[payment.SIGNATURE.encode()] = payment.sign("c" * 32, raw, int(time.time())).encode()
    return await client.request(
        request["method"], request["url"], headers=headers, params=request.get("params"), **body
    )


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_answers_are_what_the_document_says(
    label: str, make_regions: Callable[[], Awaitable[Regions]], loop_in_thread: Loop
) -> None:
    operation = OPERATIONS[label]
    regions: Regions = loop_in_thread(make_regions())  # type: ignore[arg-type]
    kr = regions["kr"]
    world: Known = loop_in_thread(_world(regions))
    clients = {role: kr.client(role=role) for role in ("viewer", "seller")}
    seen: set[int] = set()

    @CASES
    @given(case=cases(operation), role=st.sampled_from(["viewer", "seller"]), about=st.integers(0, 3))
    def judge(case: Case[Any], role: str, about: int) -> None:
        answer = loop_in_thread(_send(clients[role], case, world if about else {}))
        seen.add(answer.status_code)
        case.validate_response(answer, checks=checks())

    try:
        judge()
        assert seen & {200, 201, 202, 204}, "nothing came through the door"
    finally:
        for region in regions.values():
            loop_in_thread(region.db.close())
