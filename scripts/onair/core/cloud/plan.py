"""A saved plan, judged before anybody applies it: by the gate's own rule of names and tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from onair.core.cloud.names import ONCE, faults, rule_of, twice
from onair.core.cloud.roots import Root, roots
from onair.core.facts import Cluster, Environment
from onair.core.finding import Finding, OnairError
from onair.core.gate.naming import NAME, TAGS, Convention, Resource, tag_faults

Body = Mapping[str, Any]
BOTH = ("links", "global")
"""Roots that make things in both regions, named by theirs."""


def root_of(word: str, clusters: Mapping[str, Cluster]) -> Root:
    """Return the root that ``word`` names as the pipelines do: ``regional/prod-kr``, ``links/all`` or ``links``.

    Raises
    ------
    OnairError
        There is no such root.
    """
    folder, _, workspace = word.partition("/")
    wanted = Root(folder, "" if workspace in ("", "all") else workspace)
    known = roots(name for name, each in clusters.items() if each.spec.environment is Environment.PROD)
    if wanted not in known:
        names = ", ".join(f"{each.folder}/{each.workspace or 'all'}" for each in known)
        raise OnairError(Finding(rule="cloud/root", what=f"there is no root {word!r}", mend=f"name one of: {names}"))
    return wanted


def judge(plan: Body, root: Root, platform: Body, clusters: Mapping[str, Cluster]) -> Iterator[Finding]:
    """Find what a plan would make with a name or tags that the naming rule does not know.

    Parameters
    ----------
    plan
        What ``terraform show -json`` says of a saved plan.
    platform
        ``spec`` of the platform's facts.
    """
    regions = {name: str(each.spec.region) for name, each in clusters.items()}
    own = rule_of(platform, regions.get(root.workspace, ONCE))
    others = sorted(set(regions.values())) if root.folder in BOTH else []
    rules = [own, *(rule_of(platform, region) for region in others)]
    planned = [
        {**each, "values": each["change"]["after"]}
        for each in plan["resource_changes"]
        if each["mode"] == "managed" and each["change"]["after"] is not None
    ]
    for fault in twice(planned):
        yield Finding(rule=NAME.id, what=fault, why=NAME.why, mend="give one of them another role's name")
    for named in planned:
        # By the rule of the region that it comes closest to: what is wrong with its name is told once.
        for fault in min((list(faults(rule, [named])) for rule in rules), key=len):
            yield Finding(rule=NAME.id, what=fault, why=NAME.why, mend=f"call it {own.name('<role>')}")
        for fault in _untagged(own, named, named["values"]):
            mend = "leave tags to the provider's default_tags (module.facts.tags)"
            yield Finding(rule=TAGS.id, what=f"{named['address']}: {fault}", why=TAGS.why, mend=mend)


def _untagged(rule: Convention, change: Body, values: Body) -> Sequence[str]:
    if change["change"].get("after_unknown", {}).get("tags_all") is True:
        return ["its tags are not known before the apply"]
    if "tag" in values:  # an Auto Scaling group
        tags = {each["key"]: each["value"] for each in values["tag"] or []}
    elif "tags_all" in values:
        tags = values["tags_all"] or {}
    else:
        return []
    return tag_faults(rule, Resource("", None, tags))
