"""What services and edge say of who did what outlives their logs: nothing is lost or told twice as these turn over."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from onair.adapters.access.collector import Store
from onair.adapters.access.keeper import Keeper, sources
from onair.core.access.records import Record, of_edge, of_shop

TIME = "2026-11-29T06:00:00.123456Z"
PLACED = {
    "event": "access",
    "logger": "access-record",
    "time": TIME,
    "who": "a1b2",
    "what": "order.place",
    "target": "item-7",
    "result": "ok",
    "origin": "203.0.113.0/24",
}
ASKED = {
    "time": TIME,
    "listener": "platform",
    "client": "203.0.113.77",
    "method": "GET",
    "path": "/?q=kim",
    "status": 200,
}


def pod_line(number: int, **told: Any) -> str:
    return f"2026-11-29T06:00:00.1Z stdout F {json.dumps(PLACED | {'who': f'p{number}'} | told)}\n"


class World:
    """A kubelet's folder with one pod, and the edge's log."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.edge = folder, folder / "edge.log"
        self.pod = folder / "pod-logs/shop_order-1_uid/app"
        self.pod.mkdir(parents=True)
        self.log = self.pod / "0.log"
        self.store = Store(folder / "records")

    def keeper(self) -> Keeper:
        return Keeper(self.store, lambda: sources({str(self.folder / "pod-logs"): "local-kr"}, self.edge))

    def say(self, *numbers: int) -> None:
        with self.log.open("a") as log:
            log.writelines(pod_line(number) for number in numbers)

    @property
    def who(self) -> list[str]:
        assert self.store.verify() == len(list(self.store.records()))
        return [each.who for each in self.store.records()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_accesses_alone_are_kept_and_once(world: World) -> None:
    keeper = world.keeper()
    assert keeper.look() == 0, "there is nothing yet"
    world.say(1)
    with world.log.open("a") as log:
        log.write('2026-11-29T06:00:00.1Z stdout F {"event": "started", "note": "access-record"}\n')
        log.write("2026-11-29T06:00:00.1Z stderr F access-record { not JSON\n")
        log.write('2026-11-29T06:00:00.1Z stdout F {"logger": "access-record", "who": "of another form"}\n')
    world.edge.write_text('[]\n{"time": "never"}\n')
    other = world.folder / "pod-logs/argocd_server-1_uid/app"
    other.mkdir(parents=True)
    (other / "0.log").write_text(pod_line(9))
    assert (keeper.look(), keeper.look()) == (1, 0)
    assert world.who == ["p1"]


def test_a_line_is_kept_when_it_is_whole(world: World) -> None:
    keeper, line = world.keeper(), pod_line(1)
    world.log.write_text(line[:40])
    assert keeper.look() == 0
    with world.log.open("a") as log:
        log.write(line[40:])
    assert keeper.look() == 1
    assert world.who == ["p1"]


def test_what_a_pod_said_last_is_kept_though_its_log_is_put_aside_or_gone(world: World) -> None:
    keeper = world.keeper()
    world.say(1)
    keeper.look()
    world.say(2)
    world.log.rename(world.log.with_name("0.log.20261129-060000"))
    world.say(3)
    keeper.look()
    world.say(4)
    shutil.rmtree(world.pod.parent)
    keeper.look()
    assert world.who == ["p1", "p2", "p3", "p4"]


def test_a_keeper_that_is_started_again_goes_on_where_the_last_one_was(world: World) -> None:
    world.say(1, 2)
    world.keeper().look()
    world.say(3)
    world.keeper().look()
    world.log.unlink()
    world.say(4)  # another file of the same name
    world.keeper().look()
    assert world.who == ["p1", "p2", "p3", "p4"]


def test_the_edge_tells_networks_and_paths_not_people_and_questions(world: World) -> None:
    world.edge.write_text(json.dumps(ASKED) + "\n")
    world.keeper().look()
    (found,) = world.store.records()
    assert (found.source, found.origin, found.result) == ("edge", "203.0.113.0/24", "allowed")
    assert found.what == "GET / at platform from no region: 200"
    assert "kim" not in found.as_json()
    (file,) = world.store.files()
    assert not [each for each in ("kim", "203.0.113.77") if each in file.read_text()], "masked too late"
    publisher = of_edge({"time": TIME, "listener": "rtmp", "client": "2001:db8:1:2::3", "region": "kr"})
    assert (publisher.origin, publisher.what) == ("2001:db8:1::/48", "rtmp to kr")


@pytest.mark.parametrize(
    ("status", "result"),
    [(200, "allowed"), (404, "allowed"), (403, "denied"), (429, "denied"), (503, "failed"), (0, "failed")],
)
def test_an_answer_of_the_edge_is_a_result(status: int, result: str) -> None:
    assert of_edge(ASKED | {"status": status}).result == result


@pytest.mark.parametrize(
    ("said", "result", "what"),
    [
        ("ok", "allowed", "order.place item-7"),
        ("sold-out", "denied", "order.place item-7: sold-out"),
        ("fault", "failed", "order.place item-7: fault"),
    ],
)
def test_a_service_says_who_did_what(said: str, result: str, what: str) -> None:
    found = of_shop(PLACED | {"result": said}, "local-kr")
    expected = Record(found.time, "shop", "local-kr", "a1b2", "203.0.113.0/24", what, found.result)
    assert found == expected
    assert found.result == result
