"""Asks a service whatever its OpenAPI document allows or forbids, and holds every answer against the document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

import httpx
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok
from threaded_loop import Loop

JUDGED = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
"""Not those that expect every allowed body to succeed: what is asked about must be there, and be the asker's."""
CASES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def checks() -> Any:  # noqa: ANN401  schemathesis' own type is wider than what it takes
    """Return the checks of an answer; schemathesis knows them once a document was read."""
    return [CHECKS.get_one(name) for name in JUDGED]


def operations(package: str) -> dict[str, Any]:
    """Return the operations of a package's document, by method and path."""
    content = yaml.safe_load((resources.files(package) / "openapi.yaml").read_text("utf-8"))
    found = openapi.from_dict(content).get_all_operations()
    return {one.ok().label: one.ok() for one in found if isinstance(one, Ok)}


def cases(operation: Any) -> st.SearchStrategy[Case[Any]]:  # noqa: ANN401  schemathesis' own type is generic
    """Return questions that the document allows, and ones that it does not."""
    modes = st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    return modes.flatmap(lambda mode: operation.as_strategy(generation_mode=mode))


def headers_of(request: Mapping[str, Any]) -> dict[bytes, bytes]:
    """Return a case's headers as bytes: not all of them are text."""
    found = dict(request.get("headers") or {})
    return {name.lower().encode(): value.encode("utf-8", "surrogatepass") for name, value in found.items()}


def judge(
    operation: Any,  # noqa: ANN401  as above
    ask: Callable[[Case[Any]], Any],
    known: Mapping[str, Sequence[str]],
) -> set[int]:
    """Ask, most often about something `known` by a path's parameters; return the statuses that were answered."""
    seen: set[int] = set()

    @CASES
    @given(case=cases(operation), about=st.integers(0, 3), which=st.integers(0, 99))
    def one(case: Case[Any], about: int, which: int) -> None:
        if about:
            case.path_parameters.update(
                {name: known[name][which % len(known[name])] for name in case.path_parameters if name in known}
            )
        answer = ask(case)
        seen.add(answer.status_code)
        case.validate_response(answer, checks=checks())

    one()
    return seen


def reader(client: httpx.AsyncClient, loop: Loop) -> Callable[[Case[Any]], httpx.Response]:
    """Return what asks a service in this process, by a client of `loop`."""

    def ask(case: Case[Any]) -> httpx.Response:
        request = case.as_transport_kwargs(base_url=str(client.base_url))
        work = client.request(
            request["method"], request["url"], headers=headers_of(request), params=request.get("params")
        )
        answer: httpx.Response = loop(work)
        return answer

    return ask
