"""Wrong commands on a running platform: one clear message each, exit code 2, and nothing lost."""

from __future__ import annotations

import pytest
from e2e.shop import Shop
from e2e.test_0_refusals import refused

SOURCE = "apps/live/src/live/playback.py"
LEAF = "clusters/local-kr/apps/live/kustomization.yaml"


@pytest.mark.parametrize(
    ("words", "rule", "told"),
    [
        (("release", "nosuch"), "release/unknown-service", ("nosuch", "catalog, chat, live, order, origin")),
        (("release", "live", "--to", "local-jp"), "facts/unknown-cluster", ("local-jp", "local-kr", "prod-us")),
        (("load", "https://192.0.2.1/"), "load/target", ("192.0.2.1",)),
        (("load", "https://localhost:8443/", "--duration", "soon"), "load/plan", ("'soon' is no duration",)),
    ],
    ids=["unknown service", "unknown cluster", "foreign target", "no duration"],
)
def test_wrong_words(shop: Shop, words: tuple[str, ...], rule: str, told: tuple[str, ...]) -> None:
    head = shop.git("rev-parse", "HEAD")
    done = shop.onair(*words)
    refused(done, rule, *told)
    assert shop.git("rev-parse", "HEAD") == head


def test_a_service_with_uncommitted_changes_is_not_released(shop: Shop) -> None:
    head = shop.git("rev-parse", "HEAD")
    with shop.edited(SOURCE, 'kind = "origin"', 'kind = "origin"  # unfinished'):
        refused(shop.onair("release", "live"), "release/uncommitted", SOURCE, "git commit")
        assert "# unfinished" in (shop.path / SOURCE).read_text(), "the edit was lost"
    assert shop.git("rev-parse", "HEAD") == head


def test_a_release_never_overwrites_an_edited_leaf(shop: Shop) -> None:
    shop.catch_up()
    shop.edit(SOURCE, 'kind = "origin"', 'kind = "origin"  # finished')
    head = shop.commit("A change of live")
    line = "kind: Kustomization"
    try:
        with shop.edited(LEAF, line, f"{line} # an edit of mine"):
            refused(shop.onair("release", "live"), "release/uncommitted", LEAF, "stash")
            assert "# an edit of mine" in (shop.path / LEAF).read_text(), "the edit was lost"
        assert shop.git("rev-parse", "HEAD") == head, "the refused release moved the branch"
    finally:
        shop.git("reset", "--quiet", "--hard", "HEAD~1")


def test_a_push_that_would_lose_commits_is_refused_by_git(shop: Shop) -> None:
    shop.catch_up()
    head = shop.git("rev-parse", "HEAD")
    with pytest.raises(AssertionError, match=r"non-fast-forward|rejected|fetch first"):
        shop.git("push", "regions", "HEAD~1:main")
    assert shop.git("ls-remote", "regions", "main").split()[0] == head
