"""Where the edge sends viewers, how quickly it notices a loss, and what it never repeats."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from edge_world import HOST, NODES, SLACK_SECONDS, World, choice, edge_facts, run_world, seconds_until

from onair.adapters.edge import EdgeAdmin, envoy_program, write_config
from onair.adapters.load_http import run_load
from onair.core.edge_routes import EdgeChoice
from onair.core.finding import OnairError
from onair.core.load import LoadPlan

pytestmark = pytest.mark.integration


@pytest.fixture
def world(certificate: tuple[Path, Path], tmp_path: Path) -> Iterator[World]:
    """Checks every second: what is tested here is where requests go, not how long it takes."""
    yield from run_world(edge_facts(interval_seconds=1, timeout_seconds=1), certificate, tmp_path)


@pytest.fixture
def real_world(certificate: tuple[Path, Path], tmp_path: Path) -> Iterator[World]:
    """The platform's own intervals and thresholds."""
    yield from run_world(edge_facts(), certificate, tmp_path)


def test_geography(world: World) -> None:
    assert world.region() == "kr"
    assert world.region(**{"x-onair-geo": "us"}) == "us"
    assert world.region(cookie="geo=us") == "us"
    assert world.region(cookie="a=1; geo=us; b=2") == "us"
    assert world.region(cookie="mygeo=us") == "kr"
    assert world.region(cookie="geo=usa") == "kr"
    assert world.region(**{"x-onair-geo": "kr", "cookie": "geo=us"}) == "kr"
    assert world.region(**{"x-onair-geo": "mars", "cookie": "geo=us"}) == "us"
    first = world.ask(headers={"x-onair-geo": "us"})
    assert choice(first) == EdgeChoice("us", "us", 1)
    assert not choice(first).failed_over
    assert first.json()["host"] == HOST
    us_port = world.edge.region_ports["local-us"]
    assert world.ask(port=us_port, headers={"x-onair-geo": "kr"}).headers["x-onair-region"] == "us"


def test_protocols(world: World, certificate: tuple[Path, Path]) -> None:
    context = ssl.create_default_context(cafile=certificate[0])
    for offered in ("h2", "http/1.1"):
        context.set_alpn_protocols([offered])
        address = (world.edge.address, world.edge.platform_port)
        with context.wrap_socket(socket.create_connection(address), server_hostname="localhost") as tls:
            assert tls.selected_alpn_protocol() == offered


async def test_chat_and_stream(world: World, certificate: tuple[Path, Path]) -> None:
    context = ssl.create_default_context(cafile=certificate[0])
    base = f"https://localhost:{world.edge.platform_port}"
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.ws_connect(f"{base}/chat", headers={"x-onair-geo": "us"}) as chat,
    ):
        await chat.send_str("hello")
        assert await chat.receive_str() == "us hello"
        began, arrived = time.monotonic(), list[float]()
        async with session.get(f"{base}/stream") as response:
            async for _ in response.content:
                arrived.append(time.monotonic() - began)
        await chat.send_str("still here")  # silent for longer than an answer may take
        assert await chat.receive_str() == "us still here"
    assert len(arrived) == 5
    assert arrived[0] < arrived[-1] - 3, "the edge must pass a stream on as it comes"
    assert arrived[-1] > world.edge.origin.response_timeout_seconds


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_refused_connection_goes_to_the_other_region_at_once(world: World, method: str) -> None:
    world.lose("kr")
    response = world.ask(method=method)
    assert response.status_code == 200
    assert choice(response).region == "us"
    assert choice(response).failed_over
    us_port, kr_port = world.edge.region_ports["local-us"], world.edge.region_ports["local-kr"]
    assert world.ask(port=us_port).status_code == 200
    assert world.ask(port=kr_port).status_code == 503, "a region's own address has no fallback"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_black_hole_costs_the_connect_attempts_and_no_more(world: World, method: str) -> None:
    world.freeze("kr")
    origin = world.edge.origin
    began = time.monotonic()
    response = world.ask(method=method)
    took = time.monotonic() - began
    assert choice(response).region == "us"
    assert took < origin.connection_attempts * origin.connection_timeout_seconds + SLACK_SECONDS


def test_only_safe_methods_are_sent_twice(world: World) -> None:
    everywhere = world.ask("/?status=503")
    assert everywhere.status_code == 503
    assert choice(everywhere).attempts == 2 * world.edge.origin.connection_attempts
    before = {port: world.ask(port=port).json()["posts"] for port in world.edge.region_ports.values()}
    answered = world.ask("/?status=503", method="POST")
    assert answered.status_code == 503
    assert choice(answered) == EdgeChoice("kr", "kr", 1)
    slow = world.ask("/slow?seconds=6", method="POST")
    assert slow.status_code == 504
    after = {port: world.ask(port=port).json()["posts"] for port in world.edge.region_ports.values()}
    kr, us = world.edge.region_ports.values()
    assert (after[kr] - before[kr], after[us] - before[us]) == (2, 0)


def test_status_for_failover_goes_to_the_other_region(world: World) -> None:
    kr = world.edge.region_ports["local-kr"]
    world.ask("/ready-becomes?status=503", port=kr)
    seconds_until(lambda: world.all_lost("kr"), 10)
    response = world.ask()
    assert choice(response) == EdgeChoice("us", "kr", 1)
    assert world.ask(port=kr).status_code == 200, "with nothing healthy a region's address fails open, as NLB does"
    world.ask("/ready-becomes?status=200", port=kr)
    seconds_until(lambda: world.all_well("kr"), 10)
    assert world.region() == "kr"


def test_one_lost_zone_keeps_the_region(world: World) -> None:
    half = {"kr": NODES["kr"][:1]}
    world.lose("kr")
    whole = NODES["kr"]
    NODES["kr"] = half["kr"]
    try:
        world.up("kr")
    finally:
        NODES["kr"] = whole
    seconds_until(lambda: sorted(world.admin.region_health()["kr"].values()) == [False, True], 15)
    assert {world.region() for _ in range(40)} == {"kr"}


def test_viewers_see_no_error_while_a_region_is_lost_and_returns(world: World) -> None:
    port = world.edge.platform_port
    plan = LoadPlan(
        url=f"https://localhost:{port}/",
        rate=50,
        duration=14,
        connections="mixed",
        ca_certificate=world.files.certificate,
    )

    def drill() -> None:
        time.sleep(3)
        world.lose("kr")
        time.sleep(4)
        world.up("kr")

    thread = threading.Thread(target=drill)
    thread.start()
    result = run_load(plan)
    thread.join()
    assert result.failed == 0, result.failures[:5]
    assert result.regions["us"].count > 100
    assert result.regions["kr"].last > result.regions["us"].last, "back in the nearest region after the heal"


def test_detection_and_return_within_the_facts(real_world: World) -> None:
    check = real_world.edge.health_check
    real_world.freeze("kr")
    lost = seconds_until(lambda: real_world.all_lost("kr"), check.detection_seconds + SLACK_SECONDS)
    assert lost > (check.unhealthy_threshold - 1) * check.interval_seconds, "quicker than the stood-in service"
    assert choice(real_world.ask()) == EdgeChoice("us", "kr", 1)
    real_world.thaw("kr")
    back = seconds_until(lambda: real_world.all_well("kr"), check.return_seconds + SLACK_SECONDS)
    assert back > (check.healthy_threshold - 1) * check.interval_seconds
    assert real_world.region() == "kr"


def test_access_log_names_the_region(world: World) -> None:
    world.ask("/products?x=1", headers={"x-onair-geo": "us"})
    log = world.files.access_log
    seconds_until(lambda: "products" in log.read_text(), 5)
    entry = next(e for e in map(json.loads, log.read_text().splitlines()) if "products" in e["path"])
    assert (entry["region"], entry["nearest"], entry["status"], entry["attempts"]) == ("us", "us", 200, 1)
    assert entry["version"] == "v1"


def test_a_refused_configuration_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "edge.json"
    path.write_text("old")
    with pytest.raises(OnairError, match="refuses"):
        write_config({"static_resources": {"listeners": [{"no": "such"}]}}, path, envoy_program())
    assert path.read_text() == "old"


def test_admin_of_an_edge_that_is_down(tmp_path: Path) -> None:
    with pytest.raises(OnairError, match="does not answer"):
        EdgeAdmin(tmp_path / "none.sock").ready()
