"""The tree of leaves: complete, thin, and named by its folders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import yaml

from onair.core.finding import Finding
from onair.core.gate.model import Estate, Rule
from onair.core.yaml_loader import LOADER

ABSENCES = "clusters/platform/absences.yaml"
LONGEST = 12
"""Lines of a leaf."""
KEYS = {"apiVersion", "kind", "resources", "components", "images"}
BASE = re.compile(r"(apps|infrastructure)/([^/]+)/base/kustomization\.yaml")
LEAF = re.compile(r"clusters/([^/]+)/(apps|infrastructure)/([^/]+)/(.+)")
NAMED = ("Deployment", "StatefulSet", "DaemonSet", "Rollout", "Job", "CronJob", "Service", "ServiceAccount")


class Leaf(NamedTuple):
    """A folder ``clusters/<cluster>/<area>/<part>``."""

    cluster: str
    area: str
    part: str

    @property
    def file(self) -> str:
        """Its kustomization."""
        return f"clusters/{self.cluster}/{self.area}/{self.part}/kustomization.yaml"


def _leaves(estate: Estate) -> dict[Leaf, list[str]]:
    """Return the files of each leaf."""
    found: dict[Leaf, list[str]] = {}
    for file in estate.texts:
        if (match := LEAF.fullmatch(file)) and match[1] in estate.clusters:
            found.setdefault(Leaf(match[1], match[2], match[3]), []).append(match[4])
    return found


def missing(estate: Estate) -> Iterator[Finding]:
    """Find parts that a cluster neither has nor lists as absent."""
    leaves, parts = _leaves(estate), sorted(_parts(estate))
    for cluster, facts in estate.clusters.items():
        absent = _absences(estate).get(str(facts.get("environment")), {})
        for area, part in parts:
            if Leaf(cluster, area, part) not in leaves and f"{area}/{part}" not in absent:
                yield Finding(
                    rule="leaf/missing",
                    what=f"{cluster} has no {area}/{part}",
                    why=MISSING.why,
                    mend=f"add {Leaf(cluster, area, part).file}, or the reason of its absence to {ABSENCES}",
                    file=f"clusters/{cluster}/facts/cluster.yaml",
                )


def absences(estate: Estate) -> Iterator[Finding]:
    """Find listed absences that are none, or that give no reason."""
    leaves, parts = _leaves(estate), _parts(estate)
    for environment, listed in _absences(estate).items():
        for name, reason in listed.items():
            area, _, part = name.partition("/")
            there = [each for each in estate.clusters_of(environment) if Leaf(each, area, part) in leaves]
            what = f"{name} is listed as absent in {environment}, but {', '.join(there)} has it" if there else ""
            if (area, part) not in parts:
                what = f"{name} is listed as absent, but there is no such part"
            elif not isinstance(reason, str) or not reason.strip():
                what = f"{name} is listed as absent without a reason"
            if what:
                line = _line(estate.texts.get(ABSENCES, ""), f"{name}:")
                mend = "remove the entry, or write its reason"
                yield Finding(rule="leaf/absence", what=what, why=ABSENCE.why, mend=mend, file=ABSENCES, line=line)


def thin(estate: Estate) -> Iterator[Finding]:
    """Find leaves that say more than base, facts and image."""
    for leaf, files in _leaves(estate).items():
        text = estate.texts.get(leaf.file, "")
        extra = sorted(set(files) - {"kustomization.yaml"})
        unknown = sorted(map(str, set(_content(text)) - KEYS))
        for what in (
            f"{len(text.splitlines())} lines, more than {LONGEST}" if len(text.splitlines()) > LONGEST else "",
            f"{', '.join(unknown)}: a leaf has only {', '.join(sorted(KEYS))}" if unknown else "",
            f"more files than kustomization.yaml: {', '.join(extra)}" if extra else "",
        ):
            if what:
                mend = f"move it to {leaf.area}/{leaf.part}/base or a component"
                yield Finding(rule="leaf/thin", what=what, why=THIN.why, mend=mend, file=leaf.file)


def names(estate: Estate) -> Iterator[Finding]:
    """Find leaves that build something else than their folder says, and objects that are named after nothing."""
    for leaf in _leaves(estate):
        content = _content(estate.texts.get(leaf.file, ""))
        for key, want in (
            ("resources", [f"../../../../{leaf.area}/{leaf.part}/base"]),
            ("components", ["../../facts"]),
        ):
            if content.get(key) != want:
                yield _misnamed(estate, leaf, f"{key} is {content.get(key)}", f"set {key}: [{want[0]}]", f"{key}:")
        if leaf.area == "apps":
            yield from _images(estate, leaf, content.get("images"))
    for each in estate.of(*NAMED):
        match = LEAF.fullmatch(f"{each.leaf}/-")
        part = match[3] if match and match[2] == "apps" else None
        if part and each.name != part and not each.name.startswith(f"{part}-"):
            what = f"is not named after its folder: {part}, or {part}-…"
            at, mend = ("metadata", "name"), f"call it {part}-{each.name}"
            yield estate.finding("leaf/name", each, what, at=at, why=NAME.why, mend=mend)


def _images(estate: Estate, leaf: Leaf, images: object) -> Iterator[Finding]:
    environment = str(estate.clusters[leaf.cluster].get("environment"))
    registry = (estate.platform.get("registries") or {}).get(environment)
    for image in images if isinstance(images, list) else ():
        name = image.get("name") if isinstance(image, dict) else image
        new = image.get("newName") if isinstance(image, dict) else None
        if name != f"onair/{leaf.part}":
            yield _misnamed(estate, leaf, f"pins the image {name}", f"pin onair/{leaf.part}", str(name))
        elif registry and new != f"{registry}/onair/{leaf.part}":
            want = f"set newName: {registry}/onair/{leaf.part}"
            yield _misnamed(estate, leaf, f"takes its image from {new}", want, str(new))


def _misnamed(estate: Estate, leaf: Leaf, what: str, mend: str, text: str) -> Finding:
    line = _line(estate.texts.get(leaf.file, ""), text)
    return Finding(rule="leaf/name", what=what, why=NAME.why, mend=mend, file=leaf.file, line=line)


def _parts(estate: Estate) -> set[tuple[str, str]]:
    return {(match[1], match[2]) for file in estate.texts if (match := BASE.fullmatch(file))}


def _absences(estate: Estate) -> dict[str, dict[str, object]]:
    spec = estate.data.get(ABSENCES, {}).get("spec")
    return {key: value or {} for key, value in spec.items()} if isinstance(spec, dict) else {}


@cache  # two rules read each leaf
def _content(text: str) -> dict[str, Any]:
    try:
        found = yaml.load(text, Loader=LOADER)  # noqa: S506 (a safe loader)
    except yaml.YAMLError:
        return {}  # yaml_source tells of it
    return found if isinstance(found, dict) else {}


def _line(text: str, part: str) -> int | None:
    return next((i for i, line in enumerate(text.splitlines(), 1) if part in line), None)


MISSING = Rule(
    "leaf/missing",
    "a region that lacks a service cannot take the other's viewers; what is left out on purpose says why",
    "clusters/prod-kr/apps/web # and no clusters/prod-us/apps/web",
    "apps/origin: Amazon IVS takes the stream # in clusters/platform/absences.yaml",
    missing,
)
ABSENCE = Rule(
    "leaf/absence",
    "a stale entry hides the day on which the part goes missing by mistake",
    "apps/web: '' # in clusters/platform/absences.yaml",
    "apps/origin: Amazon IVS takes the stream",
    absences,
)
THIN = Rule(
    "leaf/thin",
    "what a leaf says of its own is a difference that nobody looks for; a promotion changes digests only",
    "patches: [{path: more-memory.yaml}]",
    "resources: [../../../../apps/web/base]\ncomponents: [../../facts]",
    thin,
)
NAME = Rule(
    "leaf/name",
    "the folder names the Application, the image and the objects: a person finds one by the other",
    "resources: [../../../../apps/live/base] # in clusters/prod-kr/apps/web",
    "resources: [../../../../apps/web/base]",
    names,
)
RULES = (MISSING, ABSENCE, THIN, NAME)
