"""The edge: facts of platform and clusters in, the bootstrap of one Envoy out.

One listener for the platform sends a viewer to the nearest healthy region, one listener for each region goes
to that region only. TLS ends here and begins again towards the region's gateway. One more passes publishers on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onair.core.edge_routes import platform_routes, region_routes
from onair.core.edge_rtmp import rtmp_cluster, rtmp_listener
from onair.core.edge_upstream import (
    MAX_CONNECTIONS,
    METADATA,
    EdgeRegion,
    Json,
    nearest_cluster,
    region_cluster,
    seconds,
    typed,
)
from onair.core.facts import Facts
from onair.core.facts_edge import Edge


@dataclass(frozen=True)
class EdgeFiles:
    """Paths where the edge runs; ``admin`` is a Unix socket, ``access_log`` may be ``/dev/stdout``."""

    certificate: Path
    key: Path
    upstream_ca: Path
    admin: Path
    access_log: Path


def regions(facts: Facts) -> list[EdgeRegion]:
    """Return the local clusters as the edge sees them."""
    return [EdgeRegion(c.name, c.spec.region, [str(n.address) for n in c.nodes]) for c in facts.local()]


def shop_host(facts: Facts) -> str:
    """Return the server name of the shop towards the local gateways, e.g. ``shop.onair.test``."""
    return f"shop.{facts.platform.spec.domains.local}"


def bootstrap(edge: Edge, targets: Sequence[EdgeRegion], host: str, files: EdgeFiles) -> Json:
    """Compute Envoy's v3 bootstrap.

    Parameters
    ----------
    edge
        ``spec.edge`` of the platform.
    targets
        The clusters that run here; the order of ``edge.region_ports`` decides the default region.
    host
        Server name and authority towards the gateways, e.g. ``shop.onair.test``.
    files
        Certificate and key for viewers, the authority that signs the gateways, socket and log.

    Raises
    ------
    ValueError
        If a cluster has no port in ``edge.region_ports``, or a port no cluster.
    """
    by_cluster = {region.cluster: region for region in targets}
    if by_cluster.keys() != edge.region_ports.keys():
        odd = ", ".join(sorted(by_cluster.keys() ^ edge.region_ports.keys()))
        raise ValueError(f"spec.edge.regionPorts and the clusters to run differ: {odd}")
    ordered = [by_cluster[name] for name in edge.region_ports]
    listeners = [_listener(edge, files, "platform", edge.platform_port, platform_routes(edge, host, ordered))]
    listeners += [
        _listener(edge, files, r.cluster, edge.region_ports[r.cluster], region_routes(edge, host, r)) for r in ordered
    ]
    listeners.append(rtmp_listener(edge, str(files.access_log)))
    clusters = [region_cluster(edge, r, host, files.upstream_ca) for r in ordered]
    clusters += [nearest_cluster(r, ordered) for r in ordered]
    clusters.append(rtmp_cluster(edge, ordered))
    return {
        "node": {"id": "edge", "cluster": "onair"},
        "admin": {"address": {"pipe": {"path": str(files.admin), "mode": 0o600}}},
        "static_resources": {"listeners": listeners, "clusters": clusters},
        "overload_manager": {
            "resource_monitors": [
                typed(
                    "envoy.resource_monitors.global_downstream_max_connections",
                    "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                    max_active_downstream_connections=MAX_CONNECTIONS,
                )
            ]
        },
    }


def arguments(config: Path, edge: Edge) -> list[str]:
    """Return Envoy's arguments: one worker, no hot restart, access log written every second."""
    return [
        *(
            "--config-path",
            str(config),
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--log-level",
            "warning",
        ),
        *("--drain-time-s", str(edge.drain_seconds), "--drain-strategy", "immediate"),
        *("--file-flush-interval-msec", "1000"),
    ]


def _listener(edge: Edge, files: EdgeFiles, name: str, port: int, routes: list[Json]) -> Json:
    certificate = {
        "certificate_chain": {"filename": str(files.certificate)},
        "private_key": {"filename": str(files.key)},
    }
    manager = typed(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=name,
        codec_type="AUTO",
        use_remote_address=True,
        # No client is trusted to steer retries and timeouts by x-envoy-* headers: loopback is not internal.
        internal_address_config={"unix_sockets": False},
        normalize_path=True,
        merge_slashes=True,
        stream_idle_timeout=seconds(edge.origin.idle_stream_timeout_seconds),
        request_headers_timeout="10s",
        drain_timeout=seconds(edge.drain_seconds),
        upgrade_configs=[{"upgrade_type": "websocket"}],
        # No WebSocket inside HTTP/2, as at CloudFront: a service speaks HTTP/1.1, and its handshake needs a key.
        http2_protocol_options={"max_concurrent_streams": 256},
        access_log=[_access_log(name, files.access_log)],
        route_config={
            "name": name,
            "virtual_hosts": [
                {"name": name, "domains": ["*"], "include_attempt_count_in_response": True, "routes": routes}
            ],
        },
        http_filters=[typed("envoy.filters.http.router", "extensions.filters.http.router.v3.Router")],
    )
    tls = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificates": [certificate],
        "alpn_protocols": ["h2", "http/1.1"],
    }
    socket = typed(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context=tls,
    )
    return {
        "name": name,
        "address": {"socket_address": {"address": edge.address, "port_value": port}},
        "per_connection_buffer_limit_bytes": 1 << 20,
        "filter_chains": [{"transport_socket": socket, "filters": [manager]}],
    }


def _access_log(listener: str, path: Path) -> Json:
    fields = {
        "time": "%START_TIME%",
        "listener": listener,
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "method": "%REQUEST_HEADER(:METHOD)%",
        "path": "%REQUEST_HEADER(X-ENVOY-ORIGINAL-PATH?:PATH)%",
        "protocol": "%PROTOCOL%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "region": f"%UPSTREAM_METADATA({METADATA}:region)%",
        "nearest": f"%METADATA(ROUTE:{METADATA}:nearest)%",
        "node": "%UPSTREAM_HOST%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "version": "%RESPONSE_HEADER(X-ONAIR-VERSION)%",
        "milliseconds": "%DURATION%",
        "bytes": "%BYTES_SENT%",
        "request_id": "%REQUEST_HEADER(X-REQUEST-ID)%",
    }
    return typed(
        "envoy.access_loggers.file",
        "extensions.access_loggers.file.v3.FileAccessLog",
        path=str(path),
        log_format={"json_format": fields},
    )
