"""The HTTP client of the load generator: a connection a viewer, no retries, and a name for every failure.

HTTP/1.1 by aiohttp: a kept connection that dies under a request is a failed request, as a viewer would see it.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from onair.core.finding import Finding, OnairError
from onair.core.load import Failure, forbidden
from onair.core.load_result import Answer

Network = IPv4Network | IPv6Network
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


@dataclass(frozen=True)
class Request:
    """One request, whole."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host.

    Raises
    ------
    OnairError
        If the name does not resolve.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        what = f"{host} does not resolve: {error.strerror or error}"
        mend = f"--resolve {host}:{port}:127.0.0.1"
        raise OnairError(Finding(rule="load/target", what=what, mend=mend)) from error
    return [str(entry[4][0]) for entry in found]


def allowed(url: str, addresses: Sequence[str], networks: Sequence[Network]) -> None:
    """Refuse a target outside loopback and the project's own networks.

    Raises
    ------
    OnairError
        If one of its addresses lies there.
    """
    outside = forbidden(addresses, networks)
    if outside:
        inside = ", ".join(["loopback", *map(str, networks)])
        raise OnairError(
            Finding(
                rule="load/target",
                what=f"{url}: {', '.join(outside)} is outside the project's networks ({inside})",
                why="load is only ever sent to the local platform",
                mend="give a loopback or platform address, or --resolve HOST:PORT:127.0.0.1",
            )
        )


def trust(url: str, authority: Path | None) -> ssl.SSLContext | None:
    """Return what a client of this address believes, None for http; raises OSError or SSLError for a bad file."""
    return ssl.create_default_context(cafile=authority) if url.startswith("https") else None


class _Fixed(AbstractResolver):
    # The address that was checked is the one that is used, whatever DNS says later.
    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address, flags = self._addresses[host], socket.AI_NUMERICHOST
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        return [ResolveResult(host=address, port=port, hostname=host, family=family, proto=0, flags=flags)]

    async def close(self) -> None:
        pass


@dataclass(frozen=True)
class Sessions:
    """Makes HTTP sessions that keep their own connections.

    Attributes
    ----------
    addresses
        Where connections to a host go: what was checked, whatever DNS says later.
    timeout
        Longest time for one request, seconds.
    opened
        Called for each connection that was established (TLS included).
    most
        Connections that one session may have to one target at a time; 0 for any number.
    """

    addresses: Mapping[str, str]
    tls: ssl.SSLContext | None
    timeout: float
    opened: Callable[[], None]

    most: int = 0

    def make(self, viewers: int, connections: Literal["kept", "new", "mixed"] = "kept") -> list[aiohttp.ClientSession]:
        """Return one session a viewer, each with its own connection; for ``mixed`` every other one keeps none."""
        kinds = {"kept": [False], "new": [True], "mixed": [False, True]}[connections]
        return [self._one(close) for _ in range(1 if kinds == [True] else viewers) for close in kinds]

    def _one(self, close: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0,
            limit_per_host=self.most,
            force_close=close,
            keepalive_timeout=None if close else KEPT_SECONDS,
            ssl=self.tls or True,
            resolver=_Fixed(self.addresses),
            use_dns_cache=False,
            happy_eyeballs_delay=None,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trace_configs=[_trace(self.opened)],
            timeout=aiohttp.ClientTimeout(total=self.timeout),
        )
        # aiohttp repeats a GET by itself when a kept connection turns out dead; a test holds this switch to that.
        session._retry_connection = False
        return session


async def exchange(
    session: aiohttp.ClientSession, request: Request, due: float, clock: Callable[[], float], body: bytearray | None
) -> Answer:
    """Send one request and return what became of it.

    Parameters
    ----------
    due
        When it was due, seconds on the run's clock.
    body
        Takes what the answer's body says, for who wants to read it.
    """
    state = Progress()
    answer = Answer(due, clock(), 0.0, "", ok=False)
    try:
        async with session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
            trace_request_ctx=state,
        ) as response:
            state.phase = "body"
            answer.region = response.headers.get("x-onair-region", "")
            answer.version = response.headers.get("x-onair-version", "")
            answer.edge = response.headers.get("x-onair-edge", "")
            async for chunk in response.content.iter_any():
                answer.received += len(chunk)
                if body is not None:
                    body += chunk
            if body is not None:
                set_by = response.headers.getall("set-cookie", [])
                answer.cookies = tuple(each.partition(";")[0].strip() for each in set_by)
            answer.ok = response.status < 400
            answer.outcome = f"http-{response.status}"
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        answer.outcome = classify(error, state.phase)
        answer.detail = f"{type(error).__name__}: {error}"[:200]
    answer.reused = state.reused
    answer.ended = clock()
    return answer


def _trace(opened: Callable[[], None]) -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()

    def progress(context: SimpleNamespace) -> Progress:
        return context.trace_request_ctx or Progress()  # a WebSocket's handshake brings none

    async def connecting(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        progress(context).phase = "connect"

    async def connected(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        progress(context).phase = "answer"
        opened()

    async def reused(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        progress(context).reused = True

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
