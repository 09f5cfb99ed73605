"""Argo CD: one Application owns an object, and its project permits it."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from onair.core.finding import Finding
from onair.core.gate.invariants.fields import mapping, mappings, texts
from onair.core.gate.invariants.index import Key, index
from onair.core.gate.model import Body, Estate, Identity, Object, Rule


def duplicates(estate: Estate) -> Iterator[Finding]:
    """Find objects that a cluster gets twice."""
    owners: dict[tuple[str, Identity], Object] = {}
    for each in estate.objects:
        if not each.name:
            continue
        first = owners.setdefault((each.cluster, each.identity), each)
        if first is not each:
            where = f"Application {first.application}"
            what = f"stands in {where} too" if first.application != each.application else f"stands twice in {where}"
            mend = "keep one, or give one of them another name"
            yield estate.finding("object/duplicate", each, what, why=DUPLICATE.why, mend=mend)


def permitted(estate: Estate) -> Iterator[Finding]:
    """Find objects that the AppProject of their Application refuses, and leaves that no Application syncs."""
    specs: dict[tuple[str, str, str], Body | None] = {}
    refusals: dict[tuple[str, ...], str] = {}  # thousands of objects, few kinds
    reported: set[tuple[str, str]] = set()
    delivered = {each.cluster for each in index(estate).of("Application", "ApplicationSet")}
    for each in (found for found in estate.objects if found.cluster in delivered):
        key = (each.cluster, each.application, each.leaf)
        if key not in specs:
            specs[key] = _application(estate, *key)
        spec = specs[key]
        if spec is None:
            what = f"no Application of {each.cluster} syncs {each.leaf}"
        else:
            name = str(spec.get("project"))
            case = (each.cluster, name, each.identity.group, each.kind, each.namespace)
            if case not in refusals:
                refusals[case] = _refusal(estate, each, name)
            what = refusals[case]
        if what and (each.cluster, what) not in reported:
            reported.add((each.cluster, what))
            mend = "move it, or widen the project (infrastructure/argocd/base/projects.yaml)"
            yield estate.finding("project/permits", each, what, why=PERMITS.why, mend=mend)
    for application in index(estate).of("Application"):
        project = index(estate).find(application.cluster, "AppProject", application.namespace, _project(application))
        url = str(application.get("spec", "source", "repoURL"))
        if project and not any(_like(url, each) for each in texts(project.get("spec", "sourceRepos"))):
            what, at = f"project {project.name} does not permit the repository {url}", ("spec", "source", "repoURL")
            mend = f"add it to sourceRepos of AppProject {project.name}"
            yield estate.finding("project/permits", application, what, at=at, why=PERMITS.why, mend=mend)


def _project(application: Object) -> str:
    return str(application.get("spec", "project"))


def _application(estate: Estate, cluster: str, name: str, leaf: str) -> Body | None:
    """Return the spec of what syncs a leaf: an Application of that name or path, or an ApplicationSet's template."""
    for each in index(estate).of("Application"):
        if each.cluster == cluster and (each.name == name or each.get("spec", "source", "path") == leaf):
            found = each.get("spec")
            return found if isinstance(found, dict) else None
    for each in index(estate).of("ApplicationSet"):
        if each.cluster == cluster and _generates(each, leaf):
            found = each.get("spec", "template", "spec")
            return found if isinstance(found, dict) else None
    return None


def _generates(applications: Object, leaf: str) -> bool:
    for generator in mappings(applications.get("spec", "generators")):
        folders = mappings(mapping(generator.get("git")).get("directories"))
        hits = [each for each in folders if _folder(leaf, str(each.get("path")))]
        if hits and not any(each.get("exclude") for each in hits):
            return True
    return False


def _folder(leaf: str, pattern: str) -> bool:
    # In Argo CD's patterns (Go's path.Match) * does not cross a slash.
    names, patterns = leaf.split("/"), pattern.split("/")
    return len(names) == len(patterns) and all(map(fnmatchcase, names, patterns))


def _refusal(estate: Estate, found: Object, name: str) -> str:
    project = index(estate).objects.get(Key(found.cluster, "AppProject", "argocd", name))
    if project is None:
        return f"its Application's project {name} does not exist"
    spec, group = mapping(project.get("spec")), found.identity.group
    if not found.namespace:
        allowed = mappings(spec.get("clusterResourceWhitelist"))
        if not any(_kind(each, group, found.kind) for each in allowed):
            return f"project {name} does not permit the cluster-wide kind {found.kind}"
        return ""
    if not any(_like(found.namespace, each.get("namespace")) for each in mappings(spec.get("destinations"))):
        return f"project {name} does not permit namespace {found.namespace}"
    allowed = mappings(spec.get("namespaceResourceWhitelist"))
    denied = mappings(spec.get("namespaceResourceBlacklist"))
    if (allowed and not any(_kind(each, group, found.kind) for each in allowed)) or any(
        _kind(each, group, found.kind) for each in denied
    ):
        return f"project {name} does not permit the kind {found.kind}"
    return ""


def _kind(entry: Body, group: str, kind: str) -> bool:
    return _like(group, entry.get("group")) and _like(kind, entry.get("kind"))


def _like(text: str, pattern: object) -> bool:
    return text == pattern or ("*" in str(pattern) and fnmatchcase(text, str(pattern)))


DUPLICATE = Rule(
    "object/duplicate",
    "two Applications undo each other's change at every sync, and either takes the object along when it is pruned",
    "metadata: {name: web, namespace: shop} # in apps/web and in apps/live",
    "metadata: {name: live, namespace: shop}",
    duplicates,
)
PERMITS = Rule(
    "project/permits",
    "Argo CD refuses the sync of the whole Application",
    "kind: ClusterRole # in apps/web: project apps permits nothing cluster-wide",
    "kind: ClusterRole # in infrastructure/…",
    permitted,
)
RULES = (DUPLICATE, PERMITS)
