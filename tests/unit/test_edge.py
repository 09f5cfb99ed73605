"""The edge's configuration and facts, without an Envoy."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from onair.adapters.facts_file import read
from onair.core.edge import EdgeFiles, arguments, bootstrap, regions, shop_host
from onair.core.edge_routes import EdgeChoice, parse_choice
from onair.core.edge_upstream import EdgeRegion, region_health
from onair.core.facts_edge import Edge

ROOT = Path(__file__).parents[2]
FILES = EdgeFiles(*(Path(p) for p in ("/c.pem", "/k.pem", "/ca.pem", "/admin.sock", "/dev/stdout")))


def raw() -> dict[str, Any]:
    platform = yaml.safe_load((ROOT / "clusters/platform/platform.yaml").read_text())
    edge: dict[str, Any] = platform["spec"]["edge"]
    return edge


@pytest.fixture
def config() -> dict[str, Any]:
    facts = read(ROOT)
    return bootstrap(facts.platform.spec.edge, regions(facts), shop_host(facts), FILES)


def listeners(config: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one for one in config["static_resources"]["listeners"]}


def routes(config: dict[str, Any], listener: str) -> list[dict[str, Any]]:
    manager = listeners(config)[listener]["filter_chains"][0]["filters"][0]["typed_config"]
    found: list[dict[str, Any]] = manager["route_config"]["virtual_hosts"][0]["routes"]
    return found


def test_only_loopback_is_listened_on(config: dict[str, Any]) -> None:
    sockets = {n: one["address"]["socket_address"] for n, one in listeners(config).items()}
    assert {s["address"] for s in sockets.values()} == {"127.0.0.1"}
    ports = {"platform": 8443, "local-kr": 8444, "local-us": 8445, "rtmp": 1935}
    assert {n: s["port_value"] for n, s in sockets.items()} == ports
    assert "pipe" in config["admin"]["address"]


def test_header_goes_before_cookie_before_the_first_region(config: dict[str, Any]) -> None:
    found = [(r["match"]["headers"][0]["name"], r["route"]["cluster"]) for r in routes(config, "platform")[::2]]
    assert found == [
        ("x-onair-geo", "nearest-kr"),
        ("x-onair-geo", "nearest-us"),
        ("cookie", "nearest-kr"),
        ("cookie", "nearest-us"),
        (":method", "nearest-kr"),
    ]


def test_a_region_has_no_fallback(config: dict[str, Any]) -> None:
    for route in routes(config, "local-us"):
        assert route["route"]["cluster"] == "region-us"
        assert "retry_priority" not in route["route"]["retry_policy"]


def test_what_may_run_twice_is_never_repeated(config: dict[str, Any]) -> None:
    for listener in ("platform", "local-kr", "local-us"):
        for route in routes(config, listener):
            safe = any(h["name"] == ":method" for h in route["match"]["headers"])
            on = route["route"]["retry_policy"]["retry_on"]
            assert on == ("reset,retriable-status-codes" if safe else "connect-failure")


def test_unsent_requests_stay_when_the_facts_say_so() -> None:
    edge = Edge.model_validate(raw() | {"failover": raw()["failover"] | {"unsentRequests": False}})
    targets = [EdgeRegion("local-kr", "kr", ["10.61.0.21"]), EdgeRegion("local-us", "us", ["10.62.0.21"])]
    config = bootstrap(edge, targets, "shop.onair.test", FILES)
    policies = [r["route"]["retry_policy"] for r in routes(config, "platform")]
    assert ["retry_priority" in p for p in policies] == [p["retry_on"] != "connect-failure" for p in policies]


def test_nodes_and_verification(config: dict[str, Any]) -> None:
    clusters = {one["name"]: one for one in config["static_resources"]["clusters"]}
    region = clusters["region-us"]
    endpoints = region["load_assignment"]["endpoints"][0]["lb_endpoints"]
    sockets = [e["endpoint"]["address"]["socket_address"] for e in endpoints]
    assert sockets == [{"address": f"10.62.0.{n}", "port_value": 30443} for n in (21, 22)]
    assert region["load_assignment"]["policy"]["overprovisioning_factor"] == 200
    tls = region["transport_socket"]["typed_config"]
    assert tls["sni"] == "shop.onair.test"
    context = tls["common_tls_context"]["validation_context"]
    assert context["match_typed_subject_alt_names"][0]["matcher"] == {"exact": "shop.onair.test"}
    assert clusters["nearest-us"]["cluster_type"]["typed_config"]["clusters"] == ["region-us", "region-kr"]


def test_publishers_go_to_the_first_region_that_is_well(config: dict[str, Any]) -> None:
    (proxy,) = listeners(config)["rtmp"]["filter_chains"][0]["filters"]
    assert proxy["typed_config"]["cluster"] == "rtmp"
    (cluster,) = [one for one in config["static_resources"]["clusters"] if one["name"] == "rtmp"]
    found = {
        (tier["priority"], e["endpoint"]["address"]["socket_address"]["address"])
        for tier in cluster["load_assignment"]["endpoints"]
        for e in tier["lb_endpoints"]
    }
    assert found == {(priority, f"10.6{1 + priority}.0.{node}") for priority in (0, 1) for node in (21, 22)}
    assert cluster["health_checks"][0]["tcp_health_check"] == {}
    assert cluster["close_connections_on_host_health_failure"]


def test_clusters_and_ports_must_match() -> None:
    edge = Edge.model_validate(raw())
    with pytest.raises(ValueError, match="differ: local-us"):
        bootstrap(edge, [EdgeRegion("local-kr", "kr", ["10.61.0.21"])], "shop.onair.test", FILES)


def test_bounds_of_detection_and_return() -> None:
    check = Edge.model_validate(raw()).health_check
    assert (check.detection_seconds, check.return_seconds) == (14, 16)


@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        ("healthCheck", {"intervalSeconds": 1}, "greater than or equal to 5"),
        ("healthCheck", {"intervalSeconds": "5s"}, "valid integer"),
        ("healthCheck", {"timeoutSeconds": 9}, "longer than intervalSeconds"),
        ("origin", {"connectionAttempts": 4}, "less than or equal to 3"),
        ("failover", {"methods": ["POST"]}, "'GET', 'HEAD' or 'OPTIONS'"),
        ("failover", {"statusCodes": [501]}, "Input should be 400"),
        ("", {"address": "0.0.0.0"}, "should match pattern"),
        ("", {"platformPort": 8444}, "share a port"),
        ("", {"rtmpPort": 8443}, "share a port"),
        ("", {"rtmpNodePort": 1935}, "greater than or equal to 30000"),
        ("", {"speed": 1}, "Extra inputs"),
    ],
)
def test_facts_outside_what_the_services_offer(section: str, change: dict[str, Any], message: str) -> None:
    facts = raw()
    facts = facts | {section: facts[section] | change} if section else facts | change
    with pytest.raises(ValidationError, match=message):
        Edge.model_validate(facts)


def test_choice_header() -> None:
    assert parse_choice("us;nearest=kr;attempts=3") == EdgeChoice("us", "kr", 3)
    assert parse_choice("us;nearest=kr;attempts=3").failed_over
    nobody = parse_choice("-;nearest=kr;attempts=4")
    assert nobody.region is None
    assert not nobody.failed_over
    with pytest.raises(ValueError, match="is not 'REGION;nearest"):
        parse_choice("us")


def test_region_health_of_the_admin_interface() -> None:
    def host(address: str, **status: object) -> dict[str, Any]:
        return {
            "address": {"socket_address": {"address": address}},
            "health_status": {"eds_health_status": "HEALTHY", **status},
        }

    statuses = [
        {"name": "region-kr", "host_statuses": [host("a", failed_active_health_check=True), host("b")]},
        {"name": "region-us", "host_statuses": [host("c", failed_outlier_check=True)]},
        {"name": "nearest-kr"},
    ]
    assert region_health({"cluster_statuses": statuses}) == {"kr": {"a": False, "b": True}, "us": {"c": False}}


def test_arguments_drain_as_long_as_the_facts_say() -> None:
    words = arguments(Path("/run/edge.json"), Edge.model_validate(raw()))
    assert words[words.index("--drain-time-s") + 1] == "10"
