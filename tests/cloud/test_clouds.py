"""From nothing to all clouds on an emulator, and back: interrupted, built, planned again, audited, destroyed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onair.adapters import facts_file
from onair.adapters.cloud import place

pytestmark = [pytest.mark.cloud, pytest.mark.integration]
ROOT = Path(__file__).resolve().parents[2]
FACTS = facts_file.read(ROOT)
REGIONS = sorted({each.spec.cloud_region for each in FACTS.clusters.values()})


def onair(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "onair", "cloud", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)  # the record of the run
    return done


@pytest.fixture(scope="module", autouse=True)
def nothing_before_and_after() -> Iterator[None]:
    place.stop(ROOT)
    yield
    place.stop(ROOT)


def left() -> dict[str, list[Any]]:
    """What the account still has, by AWS's own lists."""
    where = place.emulator(ROOT, start=False)
    found: dict[str, list[Any]] = {
        "buckets": where.client("s3", REGIONS[0]).list_buckets()["Buckets"],
        "roles": where.client("iam", REGIONS[0]).list_roles()["Roles"],
        "distributions": where.client("cloudfront", REGIONS[0]).list_distributions()["DistributionList"]["Items"],
    }
    for region in REGIONS:
        vpcs = where.client("ec2", region).describe_vpcs()["Vpcs"]
        found[f"networks {region}"] = [each for each in vpcs if not each["IsDefault"]]
        found[f"databases {region}"] = where.client("rds", region).describe_db_clusters()["DBClusters"]
        found[f"clusters {region}"] = where.client("eks", region).list_clusters()["clusters"]
        found[f"queues {region}"] = where.client("sqs", region).list_queues().get("QueueUrls", [])
    return {kind: listed for kind, listed in found.items() if listed}


def test_the_clouds_are_built_interrupted_planned_audited_and_destroyed() -> None:
    with subprocess.Popen([sys.executable, "-m", "onair", "cloud", "up"], cwd=ROOT, start_new_session=True) as started:
        plans = ROOT / place.DATA / "plans"
        until = time.monotonic() + 600
        while not list(plans.glob("regional-*.json")) and time.monotonic() < until and started.poll() is None:
            time.sleep(0.5)
        time.sleep(5)  # the regions are being built now
        os.kill(started.pid, signal.SIGINT)
        assert started.wait(180) == 130, "stopped on request"
    assert onair("up").returncode == 0, "goes on from there"
    again = onair("plan")
    assert (again.returncode, "would change: nothing" in again.stdout) == (0, True)
    audit = onair("audit")
    assert (audit.returncode, audit.stdout.strip().splitlines()[-1]) == (0, "0 findings")
    # a hand-made hole, that no state knows
    where = place.emulator(ROOT, start=False)
    where.client("s3", REGIONS[0]).create_bucket(
        Bucket="made-by-hand", CreateBucketConfiguration={"LocationConstraint": REGIONS[0]}
    )
    assert "cloud/bucket-public" in onair("audit").stdout
    where.client("s3", REGIONS[0]).delete_bucket(Bucket="made-by-hand")
    assert onair("down", "--keep-emulator").returncode == 0
    assert left() == {}
