"""Secrets: declared where they are used, and never written in git."""

from __future__ import annotations

from collections.abc import Iterator

from onair.core.finding import Finding
from onair.core.gate.invariants.fields import mapping, mappings, values
from onair.core.gate.invariants.index import index
from onair.core.gate.invariants.pod_references import all_references
from onair.core.gate.model import Body, Estate, Object, Path, Rule

DECLARATIONS = "clusters/platform/secrets.yaml"
MADE_BY_PROGRAMS = {
    ("argocd", "argocd-redis"): "an init container of Argo CD draws it (argocd admin redis-initial-password)",
    ("envoy-gateway-system", "envoy-gateway"): "Envoy Gateway's certgen Job signs it",
}
"""Secrets that upstream's own programs make, by namespace and name."""
FIELDS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Gateway", ("spec", "listeners", "*", "tls", "certificateRefs", "*"), "name"),
    ("Ingress", ("spec", "tls", "*"), "secretName"),
    ("ServiceAccount", ("imagePullSecrets", "*"), "name"),
    ("ServiceAccount", ("secrets", "*"), "name"),
    ("SecurityPolicy", ("spec", "oidc", "clientSecret"), "name"),
    ("SecurityPolicy", ("spec", "basicAuth", "users"), "name"),
    ("SecurityPolicy", ("spec", "apiKeyAuth", "credentialRefs", "*"), "name"),
)
"""Fields of other kinds that name a Secret: kind, path of the reference, and the field in it."""

Key = tuple[str, str]


def declarations(estate: Estate, environment: object) -> dict[Key, Body]:
    """Return what ``secrets.yaml`` declares for an environment, by namespace and name."""
    return {
        (str(each.get("namespace")), str(each.get("name"))): each
        for each in mappings(estate.data.get(DECLARATIONS, {}).get("spec"))
        if environment not in (each.get("absent") or ())
    }


def declared(estate: Estate) -> Iterator[Finding]:
    """Find Secrets that something names and ``secrets.yaml`` does not declare for the environment."""
    declared_for = {cluster: _declared(estate, cluster) for cluster in estate.by_cluster}
    for owner, namespace, name, keys, at in _used(estate):
        have = declared_for[owner.cluster]
        if (namespace, name) in MADE_BY_PROGRAMS or index(estate).find(owner.cluster, "Secret", namespace, name):
            continue
        if (namespace, name) not in have:
            what = f"names Secret {namespace}/{name}, which {DECLARATIONS} does not declare for {owner.cluster}"
            mend = f"correct the name, or declare it in {DECLARATIONS}"
            yield estate.finding("secret/declared", owner, what, at=at, why=DECLARED.why, mend=mend)
            continue
        for key in keys:
            if key not in have[namespace, name]:
                known = ", ".join(sorted(have[namespace, name])) or "none"
                what = f"Secret {namespace}/{name} has no key {key} (declared: {known})"
                mend = f"name one of its keys, or declare {key} in {DECLARATIONS}"
                yield estate.finding("secret/declared", owner, what, at=at, why=DECLARED.why, mend=mend)


def without_data(estate: Estate) -> Iterator[Finding]:
    """Find Secrets that carry values."""
    for secret in index(estate).of("Secret"):
        for field in ("data", "stringData"):
            if secret.get(field):
                what = f"{field} stands in git: {', '.join(sorted(map(str, mapping(secret.get(field))))) or 'a value'}"
                mend = f"take it out, change the value wherever it is used, and declare the Secret in {DECLARATIONS}"
                yield estate.finding("secret/data", secret, what, at=(field,), why=DATA.why, mend=mend)


def _used(estate: Estate) -> Iterator[tuple[Object, str, str, tuple[str, ...], Path]]:
    for pods, named in all_references(estate):
        if named.kind == "Secret" and not named.optional:
            yield pods.owner, pods.namespace, named.name, named.keys, named.at
    for kind, path, field in FIELDS:
        for owner in index(estate).of(kind):
            for at, found in values(owner.body, path):
                if isinstance(found, dict) and found.get(field) and found.get("kind", "Secret") == "Secret":
                    yield owner, str(found.get("namespace") or owner.namespace), str(found[field]), (), at


def _declared(estate: Estate, cluster: str) -> dict[Key, set[str]]:
    environment = estate.clusters.get(cluster, {}).get("environment")
    return {
        secret: {*(entry.get("keys") or ()), *(("tls.crt", "tls.key") if entry.get("certificate") else ())}
        for secret, entry in declarations(estate, environment).items()
    }


DECLARED = Rule(
    "secret/declared",
    "nothing makes an undeclared Secret: pods wait in CreateContainerConfigError, a listener has no certificate",
    "envFrom: [{secretRef: {name: catalog-bd}}]",
    "envFrom: [{secretRef: {name: catalog-db}}]",
    declared,
)
DATA = Rule(
    "secret/data",
    "base64 is no encryption, and git never forgets: whoever reads the repository has the value",
    "kind: Secret\nstringData: {password: secret}",
    "kind: Secret # without data: Argo CD leaves the keys alone that others put in",
    without_data,
)
RULES = (DECLARED, DATA)
