"""The naming rule and the tags, as manifests and Terraform plans use them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onair.core.gate.naming import LIMITS, Convention, Resource, convention, name_faults, tag_faults

RULE = Convention("onair-{environment}-{region}-{role}", "prod", "kr", {"owner": "platform", "region": "kr"})
ROLES = st.from_regex(r"\A[a-z][a-z0-9]{0,7}(-[a-z0-9]{1,8}){0,1}\Z")


@given(ROLES, st.sampled_from(sorted(LIMITS)))
def test_every_name_that_the_rule_makes_passes_it(role: str, kind: str) -> None:
    name = RULE.name(role)
    faults = name_faults(RULE, Resource(kind, name, None))
    assert bool(faults) == (len(name) > LIMITS[kind])


@pytest.mark.parametrize(
    "name",
    ["", "web", "onair-prod-us-web", "onair-local-kr-web", "onair-prod-kr-", "onair-prod-kr-Web", "onair-prod-kr-a--b"],
)
def test_other_names_do_not(name: str) -> None:
    assert name_faults(RULE, Resource("bucket", name, None))


def test_a_resource_without_a_name_or_tags_of_its_own_is_not_judged() -> None:
    assert not name_faults(RULE, Resource("node", None, {}))
    assert not tag_faults(RULE, Resource("node", None, None))


def test_tags_must_be_there_with_their_values() -> None:
    assert not tag_faults(RULE, Resource("node", None, {"owner": "platform", "region": "kr", "more": "x"}))
    assert tag_faults(RULE, Resource("node", None, {"owner": "me"})) == [
        "no tag region (want kr)",
        "tag owner is me, not platform",
    ]


def test_the_convention_comes_from_the_facts() -> None:
    platform = {"naming": {"resource": "x-{environment}-{region}-{role}"}, "tags": {"owner": "platform"}}
    rule = convention(platform, {"environment": "prod", "region": "us"})
    assert rule.name("db") == "x-prod-us-db"
    assert rule.tags == {"owner": "platform", "environment": "prod", "region": "us"}
