"""The edge's routes: which region is nearest to a viewer, and when a request may be tried again and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onair.core.edge_upstream import (
    METADATA,
    EdgeRegion,
    Json,
    nearest_name,
    region_name,
    seconds,
    typed,
)
from onair.core.facts_edge import Edge

GEO = "x-onair-geo"
"""Request header: the viewer's region (CloudFront-Viewer-Country in the cloud). Next: cookie ``geo``."""
EDGE_HEADER = "x-onair-edge"


@dataclass(frozen=True)
class EdgeChoice:
    """What ``x-onair-edge`` says: ``region`` answered, or was tried last in vain; None: none was tried."""

    region: str | None
    nearest: str
    attempts: int

    @property
    def failed_over(self) -> bool:
        """Whether another region than the nearest answered (or was tried last)."""
        return self.region is not None and self.region != self.nearest


def parse_choice(value: str) -> EdgeChoice:
    """Read the header ``x-onair-edge: us;nearest=kr;attempts=3``.

    Raises
    ------
    ValueError
        If the value is of another form.
    """
    try:
        region, nearest, attempts = value.split(";")
        return EdgeChoice(
            None if region == "-" else region,
            nearest.removeprefix("nearest="),
            int(attempts.removeprefix("attempts=")),
        )
    except ValueError as error:
        raise ValueError(f"{EDGE_HEADER}: '{value}' is not 'REGION;nearest=REGION;attempts=N'") from error


def platform_routes(edge: Edge, host: str, regions: Sequence[EdgeRegion]) -> list[Json]:
    """Return the routes of the platform: header, then cookie, then the first region; safe methods first."""
    header = [({"name": GEO, "string_match": {"exact": r.region}}, r) for r in regions]
    cookie = [
        (
            {
                "name": "cookie",
                "string_match": {"safe_regex": {"regex": rf"(.*;\s*)?geo={r.region}(\s*;.*)?"}},
            },
            r,
        )
        for r in regions
    ]
    others = len(regions) - 1
    return [
        _route(
            edge,
            host,
            region,
            nearest_name(region),
            matches=[match] if match else [],
            safe=safe,
            others=others,
        )
        for match, region in (*header, *cookie, (None, regions[0]))
        for safe in (True, False)
    ]


def region_routes(edge: Edge, host: str, region: EdgeRegion) -> list[Json]:
    """Return the routes of one region's own address: nowhere else, whatever the viewer says."""
    return [_route(edge, host, region, region_name(region), matches=[], safe=safe, others=0) for safe in (True, False)]


def _route(
    edge: Edge, host: str, nearest: EdgeRegion, cluster: str, *, matches: list[Json], safe: bool, others: int
) -> Json:
    headers = list(matches)
    if safe:
        pattern = "|".join(edge.failover.methods)
        headers.append({"name": ":method", "string_match": {"safe_regex": {"regex": pattern}}})
    crossing = others if safe or edge.failover.unsent_requests else 0
    answered = f"%UPSTREAM_METADATA({METADATA}:region)%"
    choice = f"{answered};nearest={nearest.region};attempts=%UPSTREAM_REQUEST_ATTEMPT_COUNT%"
    return {
        "match": {"prefix": "/", "headers": headers},
        "metadata": {"filter_metadata": {METADATA: {"nearest": nearest.region}}},
        "route": {
            "cluster": cluster,
            "host_rewrite_literal": host,
            "append_x_forwarded_host": True,
            # A live stream or a chat has no longest time; what may take how long to begin is said per try.
            "timeout": "0s",
            "retry_policy": _retries(edge, safe, crossing),
        },
        "response_headers_to_add": [
            {"header": {"key": EDGE_HEADER, "value": choice}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        ],
    }


def _retries(edge: Edge, safe: bool, crossing: int) -> Json:
    attempts = edge.origin.connection_attempts
    policy: Json = {
        # Without a connection nothing was sent, so nothing can run twice; that alone holds for every method.
        "retry_on": "reset,retriable-status-codes" if safe else "connect-failure",
        "num_retries": attempts * (1 + crossing) - 1,
        "per_try_timeout": seconds(edge.origin.response_timeout_seconds),
        "retry_back_off": {"base_interval": "0.010s", "max_interval": "0.100s"},
        "retry_host_predicate": [
            typed(
                "envoy.retry_host_predicates.previous_hosts",
                "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
            )
        ],
        "host_selection_retry_max_attempts": 5,
    }
    if safe:
        policy["retriable_status_codes"] = edge.failover.status_codes
    if crossing:
        policy["retry_priority"] = typed(
            "envoy.retry_priorities.previous_priorities",
            "extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
            update_frequency=attempts,
        )
    return policy
