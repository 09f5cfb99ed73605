"""Parity: what facts tell apart is the same, what anything else tells apart is not."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from onair.core.gate.invariants.normalise import NOTHING, Normaliser, alike, differences
from onair.core.gate.model import Estate, Object, Place
from onair.core.gate.parity import pairs, same

KR = {"name": "prod-kr", "region": "kr", "cloudRegion": "ap-northeast-2", "currency": "KRW", "environment": "prod"}
US = {"name": "prod-us", "region": "us", "cloudRegion": "us-west-2", "currency": "USD", "environment": "prod"}
HOSTS = ["registry.onair.example"]
LEFT, RIGHT = Normaliser(KR, US, HOSTS), Normaliser(US, KR, HOSTS)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="abkrus-= .", max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "a", "b"]), inner, max_size=3),
    max_leaves=8,
)


def test_each_fact_of_a_cluster_is_named_and_the_peers_too() -> None:
    for own, peer in (("prod-kr", "prod-us"), ("kr", "us"), ("KRW", "USD"), ("region=kr,a=b", "region=us,a=b")):
        assert LEFT(own) == RIGHT(peer) != LEFT(peer)
    assert LEFT("http://x.prod-us.y") == RIGHT("http://x.prod-kr.y"), "each names its peer"
    assert LEFT("clusters/prod-kr/apps") == RIGHT("clusters/prod-us/apps")
    assert LEFT("prod-krypton") == "prod-krypton", "a fact is a whole word"


def test_ordinary_words_are_no_regions() -> None:
    assert LEFT("let us know") == RIGHT("let us know") == "let us know"


def test_what_both_share_stays() -> None:
    assert LEFT("prod") == RIGHT("prod") == "prod"


def test_images_are_compared_without_registry_and_digest() -> None:
    digest = "@sha256:" + "0" * 64
    assert LEFT(f"registry.onair.example/onair/web{digest}") == "onair/web"
    assert LEFT("quay.io/argoproj/argocd:v3.6.1") == "quay.io/argoproj/argocd:v3.6.1"


@given(TREES, TREES)
def test_differences_are_none_exactly_for_equal_trees(one: Any, other: Any) -> None:  # noqa: ANN401
    assert not list(differences(one, one))
    found = list(differences(one, other))
    strict = repr(one) == repr(other)  # 1 and True are not the same here
    assert bool(found) or strict or _as_sets(one) == _as_sets(other)
    assert not (found and strict)


@given(TREES)
def test_alike_agrees_with_the_normalised_copies(tree: Any) -> None:  # noqa: ANN401
    normalised = LEFT(tree) == RIGHT(tree)
    assert alike(tree, tree, LEFT, RIGHT) == normalised


def _as_sets(found: Any) -> Any:  # noqa: ANN401
    """The order of keys, and of named entries, means nothing."""
    if isinstance(found, dict):
        return sorted((key, repr(_as_sets(value))) for key, value in found.items())
    if isinstance(found, list):
        parts = [_as_sets(each) for each in found]
        named = all(isinstance(each, dict) and isinstance(each.get("name"), str) for each in found)
        return sorted(map(repr, parts)) if named else parts
    return repr(found)


def test_named_entries_are_matched_by_name() -> None:
    one = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    other = {"env": [{"name": "B", "value": "3"}, {"name": "A", "value": "1"}]}
    assert list(differences(one, other)) == [(("env", "B", "value"), "2", "3")]
    assert list(differences({"a": 1}, {})) == [(("a",), 1, NOTHING)]


def test_only_clusters_that_name_each_other_are_pairs() -> None:
    clusters = {"a": {"peer": "b"}, "b": {"peer": "a"}, "c": {"peer": "a"}, "d": {"peer": "d"}}
    assert pairs(Estate([], clusters)) == [("a", "b")]


def test_a_difference_is_placed_in_the_manifest() -> None:
    def body(value: str) -> dict[str, Any]:
        env = [{"name": "A", "value": "1"}, {"name": "B", "value": value}]
        return {"kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [{"name": "app", "env": env}]}}

    places: list[Any] = []

    def locate(_: Object, path: Any = ()) -> Any:  # noqa: ANN401
        places.append(path)
        return Place("x.yaml", 1)

    clusters = {"a": {"peer": "b"}, "b": {"peer": "a"}}
    objects = [Object("a", "x", "clusters/a/apps/x", body("1")), Object("b", "x", "clusters/b/apps/x", body("2"))]
    (found,) = same(Estate(objects, clusters, locate=locate))
    assert "spec.containers.app.env.B.value is '1', in b '2'" in found.what
    assert places == [("spec", "containers", 0, "env", 1, "value")]
