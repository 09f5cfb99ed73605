"""Times in histograms: how long answers took, without the error of averages."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from hdrh.histogram import HdrHistogram
from pydantic import BaseModel, ConfigDict

LONGEST_MICROSECONDS = 3_600_000_000
DIGITS = 3


class Quantiles(BaseModel):
    """Times in milliseconds; ``encoded`` is the whole HdrHistogram (V2, base64, microseconds)."""

    model_config = ConfigDict(extra="forbid")

    count: int = 0
    mean: float = 0.0
    p50: float = 0.0
    p90: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    p99_9: float = 0.0
    max: float = 0.0
    encoded: str = ""


def middle_and_tail(times: array[float]) -> tuple[float, float]:
    """Return p50 and p99 of some times."""
    ordered = sorted(times)
    return round(ordered[len(ordered) // 2], 3), round(ordered[int(len(ordered) * 0.99)], 3)


@dataclass
class Histogram:
    """Times as counts; ``total`` is their exact sum, which the library would find by a walk over all its buckets."""

    counts: HdrHistogram
    total: int = 0


def histogram() -> Histogram:
    """Return an empty histogram of microseconds, to three digits and up to an hour."""
    return Histogram(HdrHistogram(1, LONGEST_MICROSECONDS, DIGITS))


def record(histogram: Histogram, seconds: float) -> None:
    """Put a time in."""
    microseconds = min(LONGEST_MICROSECONDS, max(1, round(seconds * 1e6)))
    histogram.counts.record_value(microseconds)
    histogram.total += microseconds


def quantiles(histogram: Histogram) -> Quantiles:
    """Read a histogram."""
    counts = histogram.counts
    count = counts.get_total_count()
    if not count:
        return Quantiles()
    marks = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "p99_9": 99.9, "max": 100}
    times = {name: round(counts.get_value_at_percentile(p) / 1000, 3) for name, p in marks.items()}
    text = counts.encode().decode()
    return Quantiles(count=count, mean=round(histogram.total / count / 1000, 3), encoded=text, **times)
