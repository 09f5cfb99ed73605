"""A fault that several clusters share is told once; one that follows from another is not told."""

from onair.core.finding import Finding
from onair.core.gate.fold import fold

CLUSTERS = ("local-kr", "local-us")
BASE = "apps/web/base/workload.yaml"


def finding(what: str, rule: str = "policy/probes", file: str = BASE) -> Finding:
    return Finding(rule=rule, what=what, file=file, line=3, mend="mend it")


def test_clusters_that_share_a_fault_share_its_finding() -> None:
    (one,) = fold([finding(f"{cluster} Rollout web: bad") for cluster in CLUSTERS], CLUSTERS)
    assert one == finding("local-kr, local-us Rollout web: bad")


def test_clusters_are_named_in_their_own_order_whoever_was_judged_first() -> None:
    (one,) = fold([finding(f"{cluster} Rollout web: bad") for cluster in reversed(CLUSTERS)], CLUSTERS)
    assert one == finding("local-kr, local-us Rollout web: bad")


def test_what_differs_stays_apart() -> None:
    listed = [finding("local-kr Rollout web: bad"), finding("local-us Rollout web: worse"), finding("tag is missing")]
    assert fold(listed, CLUSTERS) == listed


def test_a_file_that_cannot_be_read_is_not_told_again_as_one_that_does_not_render() -> None:
    syntax, failed = finding("a tab", "yaml/tab"), finding("web: bad yaml", "render/failed")
    elsewhere = finding("live: no base", "render/failed", "clusters/local-kr/apps/live/kustomization.yaml")
    assert fold([failed, syntax, elsewhere], CLUSTERS) == [syntax, elsewhere]
