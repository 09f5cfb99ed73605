"""The access record: who did what, when, from where, and with what result; for the audit, apart from the request log.

One JSON line an action on the logger ``access-record``, so that a collector can keep it elsewhere and longer. Nobody is
named: a person is a session's random id, an address only its network.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from ipaddress import ip_address, ip_network

import structlog
from starlette.requests import HTTPConnection

from onair_common.refusals import Refused

_log = structlog.get_logger("access-record")
_PREFIX = {4: 24, 6: 48}
"""Bits of an address that are kept: a network, not a household."""


def origin(connection: HTTPConnection) -> str:
    """Return the network that a request came from, as the gateway saw it; ``unknown`` when that is no address."""
    hops = connection.headers.get("x-forwarded-for", "").split(",")
    return _network(hops[-1].strip() or (connection.client.host if connection.client else ""))


@lru_cache(4096)
def _network(given: str) -> str:
    try:
        address = ip_address(given)
    except ValueError:
        return "unknown"
    return str(ip_network((address, _PREFIX[address.version]), strict=False))


def record(connection: HTTPConnection, who: str, what: str, target: str, result: str) -> None:
    """Write one line about a request.

    Parameters
    ----------
    who : str
        Random id of a session, or the name of a part of the platform; never a nickname or an address.
    what : str
        The action, such as ``order.place``.
    target : str
        What it was done to: an id.
    result : str
        ``ok`` or why not, such as ``sold-out``.
    """
    _write(
        who, what, target, result, origin=origin(connection), request_id=connection.scope.get("onair.request_id", "")
    )


def record_from(address: str, who: str, what: str, target: str, result: str) -> None:
    """Write one line about what came by another protocol than HTTP, from an address; the rest is as `record` has it."""
    _write(who, what, target, result, origin=_network(address), request_id="")


def _write(who: str, what: str, target: str, result: str, *, origin: str, request_id: str) -> None:
    _log.info(
        "access",
        logger="access-record",
        who=who,
        what=what,
        target=target,
        result=result,
        origin=origin,
        request_id=request_id,
    )


@contextmanager
def recorded(connection: HTTPConnection, who: str, what: str, target: str) -> Iterator[None]:
    """Write one line when the block has ended: ``ok``, the code of what refused it, or ``fault``."""
    result = "fault"
    try:
        yield
        result = "ok"
    except Refused as refused:
        result = refused.code
        raise
    finally:
        record(connection, who, what, target, result)
