"""Drills on the real regions: one that holds, two at once, and one that is interrupted."""

from __future__ import annotations

import signal

from e2e.shop import Shop

INTERRUPTED = 130
TRIES = 3
"""A drill judges shares and seconds, which two busy processors miss now and then: how often is told by docs/reports."""


def test_a_pod_dies_and_viewers_hardly_notice(shop: Shop) -> None:
    for _ in range(TRIES):
        shop.settled()
        done = shop.onair("drill", "pod-kill")
        assert "all pods of web in local-kr are Ready after" in done.output
        if done.code == 0:
            break
    assert done.code == 0, done.output
    assert "pod-kill: holds" in done.output


def test_an_interrupted_drill_heals_and_a_second_one_waits_its_turn(shop: Shop) -> None:
    shop.settled()
    with shop.start("drill", "control-plane-loss") as first:
        lines = shop.lines(first)
        assert any("viewers of kr are served by kr after" in line for line in lines), "it did not come so far"
        assert not shop.local.region("local-kr").api.ready(), "the control plane was not stopped"
        second = shop.onair("drill", "pod-kill")
        assert second.code == 2, second.output
        assert "another rehearsal is under way" in second.output
        first.send_signal(signal.SIGINT)
        rest = "".join(lines)
        assert first.wait(60) == INTERRUPTED, rest
    assert "control-plane-loss: interrupted" in rest
    shop.settled()
