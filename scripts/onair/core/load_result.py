"""What a run of the load generator found: every outcome, when, and how long answers took."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from onair.core.load import LATE_SECONDS, NOT_SENT, OVERLOAD, LoadPlan
from onair.core.load_times import Quantiles, histogram, middle_and_tail, quantiles, record

KEPT_FAILURES = 1_000
LATE_SHARE = 0.01
BUSY_CORES = 0.9


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Seen(_Model):
    """How often, and when first and last (seconds from the start, by due time)."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0
    reused: int = 0
    """Of ``count``, those on a connection that had served a request before."""

    def add(self, due: float, reused: bool) -> None:
        """Count one more."""
        self.first = min(self.first, due) if self.count else due
        self.last = max(self.last, due)
        self.count += 1
        self.reused += reused


class FailureRecord(_Model):
    """One failed request; ``due`` and ``took`` in seconds, ``took`` from the due time."""

    due: float
    took: float
    outcome: str
    reused: bool
    detail: str = ""


class Step(_Model):
    """One step of the timeline, by due time; ``p50`` and ``p99`` are response times in milliseconds."""

    at: float
    ok: int = 0
    failed: int = 0
    not_sent: int = 0
    p50: float | None = None
    p99: float | None = None
    failures: dict[str, int] = {}
    regions: dict[str, int] = {}
    versions: dict[str, int] = {}


class Measured(_Model):
    """What was measured of one kind of thing that was due: requests, arrivals, or one step of them.

    Attributes
    ----------
    started_at
        Unix time of second 0 of every other time in here.
    ok, failed, not_sent
        Complete answers below 400; everything else that was sent; what the client itself did not manage or
        was stopped before.
    response, service
        Times of all that was sent, failures included: from the due time (free of coordinated omission), and
        from the time of sending.
    ok_response
        ``response`` of the good answers alone.
    lag
        How late the client itself sent.
    """

    started_at: float
    elapsed: float
    due: int
    sent: int
    ok: int
    failed: int
    not_sent: int
    opened: int
    received_bytes: int
    outcomes: dict[str, Seen]
    regions: dict[str, Seen]
    versions: dict[str, Seen]
    edges: dict[str, Seen]
    response: Quantiles
    service: Quantiles
    ok_response: Quantiles
    lag: Quantiles
    timeline: list[Step]
    failures: list[FailureRecord]
    failures_left_out: int
    client_cores: float
    saturated: list[str]
    interrupted: bool

    @property
    def refused(self) -> int:
        """Of ``failed``, the complete answers 4xx: the target decided, against the request."""
        return sum(seen.count for name, seen in self.outcomes.items() if name.startswith("http-4"))

    @property
    def clean(self) -> bool:
        """Whether every request that was due got a good answer."""
        return self.failed == 0 and self.not_sent == 0 and self.ok > 0


class LoadResult(Measured):
    """A finished run of single requests."""

    plan: LoadPlan


@dataclass
class Answer:
    """What happened to one request; times are seconds on the run's own clock."""

    due: float
    sent: float
    ended: float
    outcome: str
    ok: bool
    reused: bool = False
    region: str = ""
    version: str = ""
    edge: str = ""
    received: int = 0
    detail: str = ""
    cookies: tuple[str, ...] = ()


@dataclass
class _Bucket:
    ok: int = 0
    failed: int = 0
    not_sent: int = 0
    times: array[float] = field(default_factory=lambda: array("f"))
    failures: Counter[str] = field(default_factory=Counter)
    regions: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)


class Recorder:
    """Takes answers as they come and makes the result; knows nothing of clocks or sockets.

    Parameters
    ----------
    interval
        Width of a step of the timeline, in seconds.
    """

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.due = self.ok = self.failed = self.not_sent = self.late = self.opened = self.received = 0
        self.failures: list[FailureRecord] = []
        self._seen: dict[str, dict[str, Seen]] = {k: {} for k in ("outcome", "region", "version", "edge")}
        self._histograms = {k: histogram() for k in ("response", "service", "ok", "lag")}
        self._buckets: dict[int, _Bucket] = {}

    def connected(self) -> None:
        """Count a connection that was opened."""
        self.opened += 1

    def add(self, answer: Answer) -> None:
        """Record one that was due."""
        self.due += 1
        bucket = self._buckets.setdefault(int(answer.due / self.interval), _Bucket())
        for kind in self._seen:
            name = getattr(answer, kind)
            if name:
                self._seen[kind].setdefault(name, Seen()).add(answer.due, answer.reused)
        if answer.outcome in NOT_SENT:
            self.not_sent += 1
            bucket.not_sent += 1
            bucket.failures[answer.outcome] += 1
            return
        took, lag = answer.ended - answer.due, answer.sent - answer.due
        self.late += lag > LATE_SECONDS
        self.received += answer.received
        record(self._histograms["response"], took)
        record(self._histograms["service"], answer.ended - answer.sent)
        record(self._histograms["lag"], lag)
        bucket.times.append(took * 1000)
        if answer.region:
            bucket.regions[answer.region] += 1
        if answer.version:
            bucket.versions[answer.version] += 1
        if answer.ok:
            self.ok += 1
            bucket.ok += 1
            record(self._histograms["ok"], took)
            return
        self.failed += 1
        bucket.failed += 1
        bucket.failures[answer.outcome] += 1
        if len(self.failures) < KEPT_FAILURES:
            failure = FailureRecord(
                due=answer.due, took=took, outcome=answer.outcome, reused=answer.reused, detail=answer.detail
            )
            self.failures.append(failure)

    def outcomes(self) -> dict[str, int]:
        """Return counts by outcome so far."""
        return {name: seen.count for name, seen in sorted(self._seen["outcome"].items())}

    def latest(self, elapsed: float) -> tuple[float, float]:
        """Return p50 and p99 of the response times of the last whole step, in milliseconds (0 when it had none)."""
        bucket = self._buckets.get(int(elapsed / self.interval) - 1)
        return middle_and_tail(bucket.times) if bucket and bucket.times else (0.0, 0.0)

    def measured(self, started_at: float, elapsed: float, cpu_seconds: float, interrupted: bool) -> Measured:
        """Return what was measured.

        Parameters
        ----------
        started_at
            Unix time of second 0.
        elapsed, cpu_seconds
            Wall time and processor time of the client, in seconds.
        interrupted
            Whether the run was stopped before its end.
        """
        sent = self.ok + self.failed
        cores = cpu_seconds / elapsed if elapsed else 0.0
        return Measured(
            started_at=started_at,
            elapsed=elapsed,
            due=self.due,
            sent=sent,
            ok=self.ok,
            failed=self.failed,
            not_sent=self.not_sent,
            opened=self.opened,
            received_bytes=self.received,
            outcomes=dict(sorted(self._seen["outcome"].items())),
            regions=self._seen["region"],
            versions=self._seen["version"],
            edges=self._seen["edge"],
            response=quantiles(self._histograms["response"]),
            service=quantiles(self._histograms["service"]),
            ok_response=quantiles(self._histograms["ok"]),
            lag=quantiles(self._histograms["lag"]),
            timeline=[self._step(i) for i in sorted(self._buckets)],
            failures=self.failures,
            failures_left_out=self.failed - len(self.failures),
            client_cores=round(cores, 3),
            saturated=self._saturated(sent, cores),
            interrupted=interrupted,
        )

    def _saturated(self, sent: int, cores: float) -> list[str]:
        reasons = []
        overload = self._seen["outcome"].get(OVERLOAD)
        if overload:
            reasons.append(f"{overload.count} requests were never sent: too many in flight or the client too late")
        if sent and self.late / sent > LATE_SHARE:
            reasons.append(f"{self.late} of {sent} requests were sent over {LATE_SECONDS * 1000:g} ms late")
        if cores > BUSY_CORES:
            reasons.append(f"the client used {cores:.2f} of its one core")
        return reasons

    def _step(self, index: int) -> Step:
        bucket = self._buckets[index]
        step: dict[str, Any] = {k: dict(getattr(bucket, k)) for k in ("failures", "regions", "versions")}
        if bucket.times:
            step["p50"], step["p99"] = middle_and_tail(bucket.times)
        at = round(index * self.interval, 6)
        return Step(at=at, ok=bucket.ok, failed=bucket.failed, not_sent=bucket.not_sent, **step)
