"""A storm's report in Markdown."""

from __future__ import annotations

import time

from onair.core.load_result import Measured
from onair.core.storm.result import StormResult


def markdown(result: StormResult, where: str) -> str:
    """Return the report.

    Parameters
    ----------
    where
        The commit and the machine, in a few words.
    """
    plan, totals = result.plan, result.totals
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(result.started_at))
    rate = result.attempts / result.arrivals.elapsed if result.arrivals.elapsed else 0.0
    settled = "not in time" if result.settled is None else f"{result.settled:.0f} s"
    orders = ", ".join(f"{count:,} {state}" for state, count in totals.orders.items())
    lines = [
        "# Storm",
        "",
        "Made by `onair storm --report`; never edited by hand. Counted from both regions' databases, the payment",
        "provider's ledgers and the buyers' own logs.",
        "",
        f"{at}, {where}.",
        "",
        f"{result.attempts:,} purchases at {rate:.0f}/s of {totals.issued:,} items",
        f"in {plan.sales} sales over both regions, by {plan.viewers} viewers; {len(result.faults)} faults.",
        f"Orders: {orders}. {totals.held:,} units were held still; {totals.moved:,} changed regions meanwhile.",
        f"Buyers lost {totals.lost:,} answers and asked the other region {totals.elsewhere:,} times, which took",
        f"{totals.forwarded:,} orders for their home while that was away. Settled at the end: {settled}.",
        "",
        "| invariant | breaches |",
        "| --- | ---: |",
        *(f"| {name} | {count:,} |" for name, count in result.verdict.counts.items()),
        "",
        *(f"- {name}: {case}" for name, cases in result.verdict.cases.items() for case in cases),
        *([""] if result.verdict.cases else []),
        "| how purchases ended | count |",
        "| --- | ---: |",
        *(f"| {name} | {seen.count:,} |" for name, seen in result.arrivals.outcomes.items()),
        "",
        "| step | sent | refused | failed | hung up | p50 ms | p90 ms | p99 ms | max ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(_row(name, step) for name, step in [("whole purchase", result.arrivals), *result.steps.items()]),
        "",
        "| s | fault | what |",
        "| ---: | --- | --- |",
        *(f"| {f.at:.1f} | {f.what} | {f.outcome}{'' if f.ok else ' (failed)'} |" for f in result.faults),
        "",
        *(f"Client: {reason}." for reason in result.arrivals.saturated),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _row(name: str, m: Measured) -> str:
    times = " | ".join(f"{value:,.0f}" for value in (m.response.p50, m.response.p90, m.response.p99, m.response.max))
    counts = " | ".join(f"{count:,}" for count in (m.sent, m.refused, m.failed - m.refused, m.not_sent))
    return f"| {name} | {counts} | {times} |"
