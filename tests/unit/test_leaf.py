from hypothesis import given, settings
from hypothesis import strategies as st
from support import findings_of

from onair.core.leaf import Leaf, digest, pins, with_digest

DIGESTS = [f"sha256:{x * 64}" for x in "0123456789"]
TEXT = """# who may change this
kind: Kustomization
images:
- {name: onair/web, newName: registry.onair.test/onair/web, digest: "DIGEST"} # by onair release
"""
WEB = Leaf("local-kr", "web")
some_digest = st.sampled_from(DIGESTS)


def text(found: str) -> str:
    return TEXT.replace("DIGEST", found)


def test_a_release_changes_the_digest_and_nothing_else() -> None:
    assert with_digest(WEB, text(DIGESTS[0]), DIGESTS[1]) == text(DIGESTS[1])
    assert digest(WEB, text(DIGESTS[1])) == DIGESTS[1]


def test_a_leaf_without_one_digest_is_told_with_its_file() -> None:
    for broken in (text("none"), text(DIGESTS[0]) * 2, text(DIGESTS[0][:-1])):
        (found,) = findings_of(lambda broken=broken: with_digest(WEB, broken, DIGESTS[1]))  # type: ignore[misc]
        assert found.file == "clusters/local-kr/apps/web/kustomization.yaml"
        assert "onair/web" in found.mend


@settings(deadline=None)
@given(
    st.dictionaries(st.builds(Leaf, st.sampled_from(["local-kr", "local-us"]), st.sampled_from("abc")), some_digest),
    st.fixed_dictionaries(dict.fromkeys("abc", some_digest)),
    st.sets(st.tuples(st.sampled_from("abc"), some_digest)),
)
def test_only_leaves_whose_image_the_registry_lacks_are_pinned(
    pinned: dict[Leaf, str], built: dict[str, str], stored: set[tuple[str, str]]
) -> None:
    found = pins({leaf: text(one) for leaf, one in pinned.items()}, built, stored)
    assert found.keys() == {leaf for leaf, one in pinned.items() if (leaf.service, one) not in stored}
    assert all(new == built[leaf.service] for leaf, new in found.items())
