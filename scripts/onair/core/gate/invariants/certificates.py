"""Certificates in the clouds: a public authority's, got by cert-manager into the Secret that a listener names."""

from __future__ import annotations

from collections.abc import Iterator

from onair.core.cloud.outputs import PROD
from onair.core.finding import Finding
from onair.core.gate.invariants.fields import mapping, texts
from onair.core.gate.invariants.index import index
from onair.core.gate.invariants.secrets import DECLARATIONS, declarations
from onair.core.gate.model import Estate, Object, Rule

KIND = "Certificate"
PLACE = "infrastructure/certificates/base"


def issued(estate: Estate) -> Iterator[Finding]:
    """Find declared certificates that nothing asks for, or for other names, and Certificates of nothing declared."""
    domain = mapping(estate.platform.get("domains")).get(PROD)
    wanted = {
        secret: {f"{name}.{domain}" for name in texts(entry["certificate"])}
        for secret, entry in declarations(estate, PROD).items()
        if entry.get("certificate")
    }
    for cluster in estate.clusters_of(PROD):
        asked = [each for each in index(estate).of(KIND) if each.cluster == cluster]
        into = [(each.namespace, str(each.get("spec", "secretName"))) for each in asked]
        for namespace, name in wanted.keys() - set(into):
            what = f"{cluster} has no {KIND} that makes Secret {namespace}/{name}"
            mend = f"add it to {PLACE}, or correct {DECLARATIONS}"
            yield Finding(rule="certificate/issued", what=what, why=ISSUED.why, mend=mend, file=DECLARATIONS)
        for found, secret in zip(asked, into, strict=True):
            if secret not in wanted:
                what = f"{DECLARATIONS} declares no certificate {'/'.join(secret)} for {cluster}"
                yield _wrong(estate, found, what, "correct secretName, or declare the certificate", "secretName")
            elif into.count(secret) > 1:
                what = f"another {KIND} makes the same Secret: each would undo the other's"
                yield _wrong(estate, found, what, "leave one of them", "secretName")
            elif (names := {*texts(found.get("spec", "dnsNames"))}) != wanted[secret]:
                what = f"dnsNames: {_told(names)}, not {_told(wanted[secret])}"
                yield _wrong(estate, found, what, f"write what {DECLARATIONS} says, or correct it there", "dnsNames")


def _told(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _wrong(estate: Estate, found: Object, what: str, mend: str, field: str) -> Finding:
    return estate.finding("certificate/issued", found, what, at=("spec", field), why=ISSUED.why, mend=mend)


ISSUED = Rule(
    "certificate/issued",
    "a listener whose certificate nobody gets, or which lacks a name, refuses every viewer",
    "certificate: [shop, argocd] # in clusters/platform/secrets.yaml\n\ndnsNames: [shop.onair.example]",
    "dnsNames: [shop.onair.example, argocd.onair.example]",
    issued,
)
RULES = (ISSUED,)
