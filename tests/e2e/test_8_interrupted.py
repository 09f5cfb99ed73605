"""Everything killed at once, and the repairing `up` interrupted: `up` goes on where things stand."""

from __future__ import annotations

import signal

from e2e.shop import Shop

from onair.adapters.local import cgroups, network

STEP = "regions"


def test_up_goes_on_after_a_crash_of_everything_and_an_interruption(shop: Shop, disposable: None) -> None:
    shop.catch_up()
    commit = shop.git("ls-remote", "regions", "main")
    uids = {at: shop.read(at, "/api/v1/namespaces/shop")["metadata"]["uid"] for at in shop.clusters}
    databases = {at: shop.local.paths.region(at) / "volumes/postgres" for at in shop.clusters}
    made = {at: next(x.rglob("PG_VERSION")).stat().st_ino for at, x in databases.items()}
    version = shop.fetch().headers["x-onair-version"]

    count = len(cgroups.processes())
    cgroups.kill()
    shop.say(f"killed all {count} processes; namespaces left behind: {len(network.namespaces())}")
    assert not cgroups.processes()
    assert shop.onair("status").code == 1

    with shop.start("up") as process:
        for line in shop.lines(process):
            if f"… {STEP}" in line:
                process.send_signal(signal.SIGINT)
                shop.say(f"interrupted in the step '{STEP}'")
        code = process.wait(120)
    assert code == 130, f"an interrupted up ends with {code}"

    done = shop.onair("up")
    assert done.code == 0, done.output
    shop.say(f"up after the crash and the interruption: {done.seconds:.0f} s")
    shop.settled()
    for at in shop.clusters:
        assert shop.read(at, "/api/v1/namespaces/shop")["metadata"]["uid"] == uids[at], f"{at} was started from zero"
        assert next(databases[at].rglob("PG_VERSION")).stat().st_ino == made[at], f"{at}: the database is a new one"
        answer = shop.fetch(cluster=at)
        assert (answer.status_code, answer.headers["x-onair-version"]) == (200, version)
    assert shop.git("ls-remote", "regions", "main") == commit
