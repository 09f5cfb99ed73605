"""Whatever the document allows or forbids, the service answers as it says, and never with a 5xx."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from order_world import Loop, Regions
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core import NOT_SET
from schemathesis.core.result import Ok

from order import app, payment

pytestmark = pytest.mark.integration
WITH_DOCUMENT = app.__file__.replace("app.py", "openapi.yaml")
with open(WITH_DOCUMENT, encoding="utf-8") as _file:  # noqa: PTH123  beside a module
    SCHEMA = schemathesis.openapi.from_dict(yaml.safe_load(_file))
OPERATIONS: dict[str, Any] = {r.ok().label: r.ok() for r in SCHEMA.get_all_operations() if isinstance(r, Ok)}
JUDGED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


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
    given = {name.lower(): value for name, value in dict(request.get("headers") or {}).items()}
    # The session is the client's own, and most keys are at home here: else nothing goes further than the door.
    headers = {k: v.encode("utf-8", "surrogatepass") for k, v in given.items() if k not in {"cookie", "x-csrf-token"}}
    if known and "idempotency-key" in headers:
        headers["idempotency-key"] = b"kr" + headers["idempotency-key"][2:]
    body = {name: request[name] for name in ("json", "data") if request.get(name) is not None}
    if isinstance(body.get("data"), bytes | str):
        body = {"content": body["data"]}
    if known and "callback" in request["url"] and case.body is not NOT_SET:
        raw = made_up if isinstance(made_up, bytes) else json.dumps(made_up).encode()
        body = {"content": raw}
        headers[payment.SIGNATURE] = payment.sign("c" * 32, raw, int(time.time())).encode()
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
    modes = st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    cases = modes.flatmap(lambda mode: operation.as_strategy(generation_mode=mode))
    seen: set[int] = set()
    checks: Any = [CHECKS.get_one(name) for name in JUDGED]

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(case=cases, role=st.sampled_from(["viewer", "seller"]), about=st.integers(0, 3))
    def judge(case: Case[Any], role: str, about: int) -> None:
        answer = loop_in_thread(_send(clients[role], case, world if about else {}))
        seen.add(answer.status_code)
        case.validate_response(answer, checks=checks)

    try:
        judge()
        assert seen & {200, 201, 202, 204}, "nothing came through the door"
    finally:
        for region in regions.values():
            loop_in_thread(region.db.close())
