"""The edge's way in for publishers: plain TCP, as an NLB listener of that protocol passes it on.

A connection goes to the first region of the facts while that is well, else to the next. One that lasts stays where it
is: a region that comes back takes no publisher away from the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from onair.core.edge_upstream import (
    METADATA,
    EdgeRegion,
    Json,
    balancing,
    endpoint,
    health_check,
    limits,
    seconds,
    typed,
)
from onair.core.facts_edge import Edge

NAME = "rtmp"


def rtmp_listener(edge: Edge, access_log: str) -> Json:
    """Return the listener: on loopback, bytes in and out, nothing read."""
    fields = {
        "time": "%START_TIME%",
        "listener": NAME,
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "flags": "%RESPONSE_FLAGS%",
        "region": f"%UPSTREAM_METADATA({METADATA}:region)%",
        "node": "%UPSTREAM_HOST%",
        "milliseconds": "%DURATION%",
        "received": "%BYTES_RECEIVED%",
        "bytes": "%BYTES_SENT%",
    }
    log = typed(
        "envoy.access_loggers.file",
        "extensions.access_loggers.file.v3.FileAccessLog",
        path=access_log,
        log_format={"json_format": fields},
    )
    proxy = typed(
        "envoy.filters.network.tcp_proxy",
        "extensions.filters.network.tcp_proxy.v3.TcpProxy",
        stat_prefix=NAME,
        cluster=NAME,
        idle_timeout=seconds(edge.origin.idle_stream_timeout_seconds),
        max_connect_attempts=edge.origin.connection_attempts * len(edge.region_ports),
        access_log=[log],
    )
    return {
        "name": NAME,
        "address": {"socket_address": {"address": edge.address, "port_value": edge.rtmp_port}},
        "per_connection_buffer_limit_bytes": 1 << 20,
        "filter_chains": [{"filters": [proxy]}],
    }


def rtmp_cluster(edge: Edge, regions: Sequence[EdgeRegion]) -> Json:
    """Return the cluster: each region's nodes at a priority of their own, checked by connecting."""
    endpoints = [
        {"priority": priority, "lb_endpoints": [endpoint(node, edge.rtmp_node_port, region) for node in region.nodes]}
        for priority, region in enumerate(regions)
    ]
    return {
        "name": NAME,
        "type": "STATIC",
        "connect_timeout": seconds(edge.origin.connection_timeout_seconds),
        "lb_policy": "ROUND_ROBIN",
        "load_assignment": {
            "cluster_name": NAME,
            # A region is well while one node is, as for viewers.
            "policy": {"overprovisioning_factor": 100 * max(len(region.nodes) for region in regions)},
            "endpoints": endpoints,
        },
        "common_lb_config": balancing(),
        # A publisher in a region that is lost is cut off, or it would send into the void: it comes back elsewhere.
        "close_connections_on_host_health_failure": True,
        "circuit_breakers": limits(),
        "health_checks": [health_check(edge) | {"tcp_health_check": {}}],
    }
