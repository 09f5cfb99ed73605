"""``onair viewers`` against a shop of one process, over real sockets."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_shop import SmallShop

from onair.adapters.load_process import ViewersProcess
from onair.adapters.viewers import run_viewers
from onair.core.finding import OnairError
from onair.core.viewer.plan import Habits, ViewersPlan, ViewersResult

pytestmark = pytest.mark.integration
QUICK = Habits(stays=1, thinks=0.05, talks=1, buys=1, patience=1, bound=2)


@pytest.fixture
def shop() -> Iterator[SmallShop]:
    shop = SmallShop()
    shop.start()
    yield shop
    shop.stop()


def plan(shop: SmallShop, requests: int = 4, **changes: object) -> ViewersPlan:
    fields = {"geo": "kr", "show": "seoul-table", "rate": 4.0, "requests": requests, "habits": QUICK} | changes
    return ViewersPlan.at(shop.url, **fields)


def test_viewers_browse_watch_chat_and_buy(shop: SmallShop) -> None:
    result = run_viewers(plan(shop))
    assert {name: seen.count for name, seen in result.sessions.outcomes.items()} == {"left": 4}
    assert set(result.activities) == {"browse", "watch", "chat", "buy"}
    assert all(found.failed == 0 for found in result.activities.values()), result.activities
    assert result.activities["browse"].ok == 8
    assert result.activities["watch"].ok >= 4 * 3
    assert result.activities["buy"].outcomes["paid"].count == 4
    assert result.activities["chat"].ok == shop.messages >= 4
    assert result.steps["socket"].outcomes["http-101"].count == 4
    assert all(found.regions["kr"].count for found in result.activities.values())
    assert {attempt.order for attempt in result.purchases} == set(shop.orders)
    assert [attempt.told for attempt in result.purchases] == [["paying", "paid"]] * 4
    assert "geo=kr" in shop.cookies, "who comes in has no session"
    assert "__Host-onair=s3; geo=kr" in shop.cookies


@pytest.mark.parametrize(
    ("broken", "activity", "outcome"),
    [
        ("/video", "watch", "no-video"),
        ("/api/chat", "chat", "unanswered"),
        ("/api/order/shows", "buy", "no-sales"),
        ("/api/order/holds", "buy", "undecided"),
    ],
)
def test_trouble_shows_where_viewers_notice_it_and_nowhere_else(
    shop: SmallShop, broken: str, activity: str, outcome: str
) -> None:
    shop.broken = (broken,)
    result = run_viewers(plan(shop, requests=2))
    assert list(result.steps[activity].outcomes) == [outcome]
    assert result.steps[activity].failed >= 1, "how many of the two sessions come to it is a matter of their draw"
    others = {name: found for name, found in result.activities.items() if name != activity}
    assert all(found.failed == 0 for found in others.values())


def test_a_front_page_that_does_not_come_ends_the_visit(shop: SmallShop) -> None:
    shop.broken = ("/",)
    result = run_viewers(plan(shop, requests=1))
    assert result.sessions.outcomes["no-front-page"].count == 1
    assert result.activities["browse"].failed == 3


def test_a_page_without_a_player_is_noticed_by_who_came_to_watch(shop: SmallShop) -> None:
    shop.player = False
    result = run_viewers(plan(shop, requests=2))
    assert {name: seen.count for name, seen in result.activities["watch"].outcomes.items()} == {"no-player": 2}
    assert result.activities["chat"].failed == 0


def test_as_a_process_that_is_stopped(shop: SmallShop) -> None:
    with ViewersProcess(plan(shop, requests=400, rate=2.0)) as viewers:
        time.sleep(4)
        assert viewers.running
    found = viewers.result
    assert found.plan == viewers.plan
    assert found.sessions.interrupted
    assert found.activities["browse"].ok >= 8


def test_the_command_tells_what_viewers_noticed(shop: SmallShop, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    words = [shop.url, "--geo", "kr", "--rate", "2", "--duration", "1s", "--stays", "1", "--json", str(file)]
    command = [sys.executable, "-m", "onair", "viewers", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "watch" in done.stdout
    assert ViewersResult.model_validate(json.loads(file.read_text())).plan.geo == "kr"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["http://198.51.100.7/", "--geo", "kr"], "outside the project's networks"),
        (["http://127.0.0.1/", "--geo", "kr", "--buys", "2"], "buys: Input should be less than or equal to 1"),
        (["http://127.0.0.1/", "--geo", "kr", "--show", "No Show"], "show: String should match pattern"),
        (["http://127.0.0.1/", "--geo", "kr", "--duration", "soon"], "--duration: 'soon' is no duration"),
    ],
)
def test_bad_input_is_one_clear_message(words: list[str], message: str) -> None:
    command = [sys.executable, "-m", "onair", "viewers", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_no_viewer_goes_outside(shop: SmallShop) -> None:
    outside = ViewersPlan.at("http://192.0.2.1:80", geo="kr", show="seoul-table", requests=1)
    with pytest.raises(OnairError, match="outside the project's networks"):
        run_viewers(outside)
