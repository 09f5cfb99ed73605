"""Load as a plan (open model): when each request is due, and what may become of it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_RATE, MAX_SECONDS, MAX_REQUESTS, MAX_IN_FLIGHT, MAX_BODY = 5_000.0, 3_600.0, 1_000_000, 2_000, 1 << 20
DEFAULT_SECONDS = 60.0
MAX_LAG_SECONDS = 1.0
"""Later than this, what is measured is the client."""
LATE_SECONDS = 0.05
"""A request sent later than this counts as late; more than 1 % of them and the client is called saturated."""
STARTED = "started"
"""What ``onair load --quiet`` prints when its first request is about to be due."""
LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


class Failure(StrEnum):
    """What became of a request that got no complete answer."""

    REFUSED = "connect-refused"
    UNREACHABLE = "connect-unreachable"
    CONNECT_TIMEOUT = "connect-timeout"
    TLS = "tls"
    RESET = "reset"
    TIMEOUT = "timeout"
    INCOMPLETE = "incomplete-body"
    PROTOCOL = "protocol"


OVERLOAD = "client-overload"
UNFINISHED = "unfinished"
HUNG_UP = "hung-up"
NOT_SENT = (OVERLOAD, UNFINISHED, HUNG_UP)
"""Outcomes that say nothing of the target: never sent, cut off because the person stopped the run, or by a scenario
that did not want to wait."""
FAULT = "scenario-fault"
"""An arrival that ended in an error of the scenario's own."""


class ArrivalPlan(BaseModel):
    """When arrivals come and how many there may be; times in seconds.

    Attributes
    ----------
    rate
        Arrivals a second, independent of how quickly the target answers.
    duration, requests
        The run ends at whichever comes first; without both it lasts 60 s.
    arrivals
        ``constant`` spacing or a ``poisson`` process with ``seed``.
    viewers
        Kept connections in use by turns, so that all of them live through a release.
    interval
        Width of a step of the timeline.
    max_lag
        An arrival that the client itself is later for does not happen: it is counted as the client's overload.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate: Annotated[float, Field(gt=0, le=MAX_RATE)] = 100.0
    duration: Annotated[float | None, Field(gt=0, le=MAX_SECONDS)] = None
    requests: Annotated[int | None, Field(ge=1, le=MAX_REQUESTS)] = None
    arrivals: Literal["constant", "poisson"] = "constant"
    seed: int = 1
    viewers: Annotated[int, Field(ge=1, le=500)] = 20
    timeout: Annotated[float, Field(gt=0, le=60)] = 10.0
    ca_certificate: Path | None = None
    interval: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    max_in_flight: Annotated[int, Field(ge=1, le=MAX_IN_FLIGHT)] = 1_000
    max_lag: Annotated[float, Field(gt=0, le=MAX_SECONDS)] = MAX_LAG_SECONDS

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.requests is not None and self.requests / self.rate > MAX_SECONDS:
            raise ValueError(f"{self.requests} requests at {self.rate:g}/s last longer than {MAX_SECONDS:g} s")
        if self.rate * self.seconds > MAX_REQUESTS:
            raise ValueError(f"{self.rate:g}/s for {self.seconds:g} s is more than {MAX_REQUESTS:,} requests")
        return self

    @property
    def seconds(self) -> float:
        """Longest time over which requests arrive."""
        if self.duration is not None:
            return self.duration
        return DEFAULT_SECONDS if self.requests is None else self.requests / self.rate


class LoadPlan(ArrivalPlan):
    """One run of the load generator in which each arrival is one request.

    Attributes
    ----------
    connections
        ``kept``: a pool of ``viewers``, each keeping its connection; ``new``: one connection a request;
        ``mixed``: in turns.
    headers
        ``{uuid}`` in a value becomes a version 4 UUID in hex, a new one for each request.
    resolve
        ``host:port:address``, as curl's option.
    """

    url: str
    connections: Literal["kept", "new", "mixed"] = "kept"
    method: Annotated[str, Field(pattern=r"^[A-Z]{3,10}$")] = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body_file: Path | None = None
    resolve: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_address(self.url)
        if self.resolve is not None:
            self.override()
        return self

    @property
    def target(self) -> tuple[str, int]:
        """Host and port of the URL."""
        return host_and_port(self.url)

    def override(self) -> str | None:
        """Return the address that ``resolve`` gives for the target, if any.

        Raises
        ------
        ValueError
            If ``resolve`` is malformed or names another host and port than the URL.
        """
        if self.resolve is None:
            return None
        host, port = self.target
        match = re.fullmatch(r"([^:\s]+):(\d+):(\S+)", self.resolve)
        if not match:
            raise ValueError(f"--resolve '{self.resolve}' is not host:port:address")
        if (match[1], int(match[2])) != (host, port):
            raise ValueError(f"--resolve '{self.resolve}' is not for {host}:{port}, the target of the URL")
        return str(ip_address(match[3].strip("[]")))

    def argv(self) -> list[str]:
        """Return the arguments of ``onair load`` that make the same plan."""
        names = {"ca_certificate": "cacert"}
        words = [self.url]
        for name in self.model_fields_set - {"url", "headers"}:
            value = getattr(self, name)
            if value is not None:
                words += [f"--{names.get(name, name).replace('_', '-')}", str(value)]
        return words + [word for key, value in self.headers for word in ("--header", f"{key}: {value}")]


def check_address(url: str) -> None:
    """Raise ValueError unless this is an http(s) address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"'{url}' is no http(s) address")


def host_and_port(url: str) -> tuple[str, int]:
    """Return host and port of an http(s) address."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def schedule(plan: ArrivalPlan) -> Iterator[float]:
    """Yield when each arrival is due, in seconds from the start, never decreasing."""
    limit = plan.requests if plan.requests is not None else MAX_REQUESTS
    if plan.arrivals == "constant":
        # The small addition keeps 0.1 s at 10/s at one request in spite of binary fractions.
        yield from (i / plan.rate for i in range(min(limit, int(plan.rate * plan.seconds + 1e-6))))
        return
    randomness = random.Random(plan.seed)  # noqa: S311  (a repeatable schedule, no secret)
    due, bounded = 0.0, plan.duration is not None or plan.requests is None
    for _ in range(limit):
        due += randomness.expovariate(plan.rate)
        if due >= (plan.seconds if bounded else MAX_SECONDS):
            return
        yield due


def seconds_of(text: str) -> float:
    """Read a duration: ``500ms``, ``60s``, ``2m`` or plain seconds.

    Raises
    ------
    ValueError
        If the text is of another form.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", text.strip())
    if not match:
        raise ValueError(f"'{text}' is no duration (e.g. 500ms, 60s, 2m)")
    return float(match[1]) * {"ms": 0.001, "m": 60.0, "h": 3600.0}.get(match[2] or "s", 1.0)


def forbidden(addresses: Sequence[str], networks: Sequence[IPv4Network | IPv6Network]) -> list[str]:
    """Return the addresses that are neither loopback nor in one of the project's own networks."""
    allowed = (*LOOPBACK, *networks)
    return [a for a in addresses if not any(ip_address(a) in network for network in allowed)]
