"""The edge upstream: an Envoy cluster for each region, and one that prefers a region and falls back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onair.core.facts_edge import Edge

MAX_CONNECTIONS = 20_000
METADATA = "onair"
TYPE = "type.googleapis.com/envoy."
PANIC_PERCENT = 1
"""Panic threshold. Nothing healthy at all: send to all the same, as NLB and Global Accelerator fail open.

0 would answer 503 until the checks have counted to healthy again. One healthy node of two is far above 1, so
a sick node or region gets no traffic while another is well. Nodes are static: a blue/green switch adds none.
"""
Json = dict[str, Any]


@dataclass(frozen=True)
class EdgeRegion:
    """A region as the edge sees it: the targets of its load balancer."""

    cluster: str
    region: str
    nodes: Sequence[str]


def typed(name: str, kind: str, **fields: object) -> Json:
    """Return an Envoy extension: name and typed configuration."""
    return {"name": name, "typed_config": {"@type": TYPE + kind, **fields}}


def seconds(value: int) -> str:
    """Return a protobuf duration."""
    return f"{value}s"


def region_name(region: EdgeRegion) -> str:
    """Return the name of the cluster that reaches this region only."""
    return f"region-{region.region}"


def nearest_name(region: EdgeRegion) -> str:
    """Return the name of the cluster that prefers this region."""
    return f"nearest-{region.region}"


def region_cluster(edge: Edge, region: EdgeRegion, host: str, authority: Path) -> Json:
    """Return the cluster of a region: its nodes, their health, TLS to the gateway."""
    tls = {
        "validation_context": {
            "trusted_ca": {"filename": str(authority)},
            "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": host}}],
        },
        "alpn_protocols": ["http/1.1"],
    }
    return {
        "name": region_name(region),
        "type": "STATIC",
        "connect_timeout": seconds(edge.origin.connection_timeout_seconds),
        "lb_policy": "ROUND_ROBIN",
        "load_assignment": {
            "cluster_name": region_name(region),
            # A region is well while one node is: the overprovisioning factor keeps all its traffic there.
            "policy": {"overprovisioning_factor": 100 * len(region.nodes)},
            "endpoints": [{"lb_endpoints": [endpoint(node, edge.gateway_node_port, region) for node in region.nodes]}],
        },
        "common_lb_config": balancing(),
        "close_connections_on_host_health_failure": True,
        "transport_socket": typed(
            "envoy.transport_sockets.tls",
            "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            sni=host,
            common_tls_context=tls,
        ),
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": TYPE + "extensions.upstreams.http.v3.HttpProtocolOptions",
                # CloudFront speaks HTTP/1.1 to an origin.
                "explicit_http_config": {"http_protocol_options": {}},
                "common_http_protocol_options": {"idle_timeout": seconds(edge.origin.keepalive_timeout_seconds)},
            }
        },
        "circuit_breakers": limits(),
        "health_checks": [
            health_check(edge)
            | {
                "http_health_check": {
                    "path": edge.health_check.path,
                    "host": host,
                    # NLB's matcher; a status outside it counts towards the threshold like any failure.
                    "expected_statuses": [{"start": 200, "end": 400}],
                    "retriable_statuses": [{"start": 400, "end": 600}],
                },
            }
        ],
        "outlier_detection": {
            # As NLB, which sees connections and not answers: only failures to reach a node count.
            "split_external_local_origin_errors": True,
            "consecutive_local_origin_failure": edge.passive_check.consecutive_connect_failures,
            "enforcing_consecutive_local_origin_failure": 100,
            "enforcing_consecutive_5xx": 0,
            "enforcing_consecutive_gateway_failure": 0,
            "enforcing_success_rate": 0,
            "enforcing_local_origin_success_rate": 0,
            "interval": "1s",
            "base_ejection_time": seconds(edge.passive_check.ejection_seconds),
            "max_ejection_time": seconds(edge.passive_check.ejection_seconds),
            # One zone's node at most: to leave a region is for the active checks to decide, at their pace.
            "max_ejection_percent": 100 // len(region.nodes) if len(region.nodes) > 1 else 0,
            "always_eject_one_host": False,
        },
    }


def nearest_cluster(nearest: EdgeRegion, regions: Sequence[EdgeRegion]) -> Json:
    """Return the cluster that prefers ``nearest``; the other regions follow in the order of the facts."""
    order = [nearest, *(r for r in regions if r != nearest)]
    return {
        "name": nearest_name(nearest),
        "connect_timeout": "1s",
        "lb_policy": "CLUSTER_PROVIDED",
        "common_lb_config": balancing(),
        "circuit_breakers": limits(),
        "cluster_type": typed(
            "envoy.clusters.aggregate",
            "extensions.clusters.aggregate.v3.ClusterConfig",
            clusters=[region_name(r) for r in order],
        ),
    }


def region_health(clusters: Mapping[str, Any]) -> dict[str, dict[str, bool]]:
    """Read the admin interface's ``/clusters?format=json``: region → node → whether it gets traffic."""
    health: dict[str, dict[str, bool]] = {}
    for cluster in clusters.get("cluster_statuses", []):
        if cluster["name"].startswith("region-"):
            nodes = health.setdefault(cluster["name"].removeprefix("region-"), {})
            for host in cluster.get("host_statuses", []):
                status = host.get("health_status", {})
                nodes[host["address"]["socket_address"]["address"]] = not any(v is True for v in status.values())
    return health


def health_check(edge: Edge) -> Json:
    """Return how often a node is asked, and how many answers count; what it is asked is the cluster's."""
    check = edge.health_check
    return {
        "interval": seconds(check.interval_seconds),
        # Envoy slows the checks of an idle cluster to one a minute unless told otherwise.
        "no_traffic_interval": seconds(check.interval_seconds),
        "timeout": seconds(check.timeout_seconds),
        "unhealthy_threshold": check.unhealthy_threshold,
        "healthy_threshold": check.healthy_threshold,
        "reuse_connection": False,
    }


def endpoint(node: str, port: int, region: EdgeRegion) -> Json:
    """Return a node of a region, labelled with it for the access log."""
    return {
        "endpoint": {"address": {"socket_address": {"address": node, "port_value": port}}},
        "metadata": {"filter_metadata": {METADATA: {"region": region.region}}},
    }


def balancing() -> Json:
    """Return when health counts: at once, and not at all once nothing is healthy."""
    # Envoy holds changes of health back for a second to merge them, so the second node would linger.
    return {"healthy_panic_threshold": {"value": PANIC_PERCENT}, "update_merge_window": "0s"}


def limits() -> Json:
    """Return a cluster's circuit breakers: out of the way."""
    # Envoy's default of 3 retries at a time would cut most requests off while a region is being lost.
    names = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
    return {"thresholds": [{"priority": "DEFAULT", **dict.fromkeys(names, MAX_CONNECTIONS)}]}
