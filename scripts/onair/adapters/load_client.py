"""The HTTP client of the load generator: a connection a viewer, no retries, and a name for every failure."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from types import SimpleNamespace

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from onair.core.finding import Finding, OnairError
from onair.core.load import Failure, LoadPlan

KEPT_SECONDS = 300.0
BY_NUMBER = {
    errno.ECONNREFUSED: Failure.REFUSED,
    errno.EHOSTUNREACH: Failure.UNREACHABLE,
    errno.ENETUNREACH: Failure.UNREACHABLE,
    errno.EADDRNOTAVAIL: Failure.UNREACHABLE,
}


@dataclass
class Progress:
    """How far one request came: phase ``connect``, ``answer`` (waiting for it) or ``body``."""

    phase: str = ""
    reused: bool = False


def resolve(plan: LoadPlan) -> list[str]:
    """Return the addresses of the target.

    Raises
    ------
    OnairError
        If the name does not resolve.
    """
    fixed = plan.override()
    if fixed:
        return [fixed]
    host, port = plan.target
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        what = f"{host} does not resolve: {error.strerror or error}"
        mend = f"--resolve {host}:{port}:127.0.0.1"
        raise OnairError(Finding(rule="load/target", what=what, mend=mend)) from error
    return [str(entry[4][0]) for entry in found]


class _Fixed(AbstractResolver):
    # The address that was checked is the one that is used, whatever DNS says later.
    def __init__(self, address: str) -> None:
        self._address = address
        self._family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        flags = socket.AI_NUMERICHOST
        return [ResolveResult(host=self._address, port=port, hostname=host, family=self._family, proto=0, flags=flags)]

    async def close(self) -> None:
        pass


def sessions(
    plan: LoadPlan, address: str, tls: ssl.SSLContext | None, opened: Callable[[], None]
) -> list[aiohttp.ClientSession]:
    """Return one session a viewer, each with its own connection; for ``mixed`` every other one keeps none.

    Parameters
    ----------
    address
        Where every connection goes, whatever the host of the URL.
    opened
        Called for each connection that was established (TLS included).
    """
    kinds = {"kept": [False], "new": [True], "mixed": [False, True]}[plan.connections]
    viewers = 1 if kinds == [True] else plan.viewers
    return [_session(plan, address, tls, opened, close) for _ in range(viewers) for close in kinds]


def _session(
    plan: LoadPlan, address: str, tls: ssl.SSLContext | None, opened: Callable[[], None], close: bool, /
) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=0,
        force_close=close,
        keepalive_timeout=None if close else KEPT_SECONDS,
        ssl=tls or True,
        resolver=_Fixed(address),
        use_dns_cache=False,
        happy_eyeballs_delay=None,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trace_configs=[_trace(opened)],
        timeout=aiohttp.ClientTimeout(total=plan.timeout),
    )
    # aiohttp repeats a GET by itself when a kept connection turns out dead; a test holds this switch to that.
    session._retry_connection = False
    return session


def _trace(opened: Callable[[], None]) -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()

    async def connecting(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.phase = "connect"

    async def connected(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.phase = "answer"
        opened()

    async def reused(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.reused = True

    trace.on_connection_create_start.append(connecting)
    trace.on_connection_create_end.append(connected)
    trace.on_connection_reuseconn.append(reused)
    return trace


def classify(error: BaseException, phase: str) -> Failure:
    """Name a failure by the exception and by how far the request came."""
    cause = getattr(error, "os_error", error)
    number = getattr(cause, "errno", None)
    if isinstance(error, aiohttp.ClientSSLError) or isinstance(cause, ssl.SSLError):
        return Failure.TLS
    if isinstance(error, TimeoutError) or (number == errno.ETIMEDOUT and phase == "connect"):
        return Failure.CONNECT_TIMEOUT if phase == "connect" else Failure.TIMEOUT
    if phase == "body":
        return Failure.INCOMPLETE
    if number in BY_NUMBER:
        return BY_NUMBER[number]
    gone = isinstance(error, (aiohttp.ServerDisconnectedError, OSError))
    return Failure.RESET if gone else Failure.PROTOCOL
