"""``clusters/<cluster>/facts/outputs.yaml``: what Terraform alone knows of a region, for the manifests.

``onair cloud up`` writes it. A region that was built anew has other ids, so the file says which facts it was made from,
and the gate refuses one that is older than they are.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from onair.core.finding import Finding
from onair.core.gate.model import Body, Estate, Rule

FILE = "/facts/outputs.yaml"
FACTS = ("cloudRegion", "zones", "network", "peer")
"""Facts of a cluster that a region is built by: another one is another region's."""
FIELDS = ("account", "madeFrom", "nodeRole", "targetGroup", "queueUrl", "channels", "database", "reader", "cache")
PROD = "prod"
UNBUILT = "- ../../../infrastructure/components/unbuilt\n"
_ARN = re.compile(r"arn:aws:[a-z]+:(?P<region>[a-z0-9-]*):(?P<account>\d{12}):")


def file_of(cluster: str) -> str:
    """Return the file of a cluster."""
    return f"clusters/{cluster}{FILE}"


def made_from(platform: Mapping[str, Any], cluster: Mapping[str, Any]) -> str:
    """Return what tells whether the facts have changed, out of both ``spec`` as written."""
    facts = {"naming": platform.get("naming"), **{key: cluster.get(key) for key in FACTS}}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def write(cluster: str, account: str, made: str, values: Mapping[str, Any], channels: Mapping[str, str]) -> str:
    """Return the text of the file.

    Parameters
    ----------
    made
        See :func:`made_from`.
    values
        Output ``facts`` of the regional root.
    channels
        ARN of each region's IVS channel, by the region's name: viewers of one watch the other's.
    """
    kept = {
        "account": account,
        "madeFrom": made,
        **{key: values[key] for key in FIELDS if key in values},
        "channels": ",".join(f"{region}={arn}" for region, arn in sorted(channels.items())),
    }
    lines = [f"  {key}: {json.dumps(kept[key])}" for key in FIELDS]
    return "\n".join(
        (
            f"# What Terraform alone knows of {cluster}. Written by `onair cloud up`; not to be edited.",
            "apiVersion: onair.dev/v1",
            "kind: Outputs",
            "metadata:",
            f"  name: {cluster}",
            '  annotations: {config.kubernetes.io/local-config: "true"} # read by Kustomize, never applied',
            "spec:",
            *lines,
            "",
        )
    )


def kustomization_of(cluster: str) -> str:
    """Return the file that names a cluster's facts."""
    return f"clusters/{cluster}/facts/kustomization.yaml"


def named(text: str) -> str:
    """Return the text of such a file once the outputs are there: it names them, in the place of what leaves out."""
    return text.replace("resources: [cluster.yaml]", "resources: [cluster.yaml, outputs.yaml]").replace(UNBUILT, "")


def fresh(estate: Estate) -> Iterator[Finding]:
    """Find outputs that do not fit their cluster's facts; one that is not built has none, and nothing reads them."""
    for cluster, facts in estate.clusters_of(PROD).items():
        if file_of(cluster) in estate.data:
            for fault in _faults(estate, cluster, facts):
                mend = "write it: onair cloud up --aws ACCOUNT, then commit it"
                yield Finding(rule="facts/outputs", what=fault, why=OUTPUTS.why, mend=mend, file=file_of(cluster))


def _faults(estate: Estate, cluster: str, facts: Body) -> Iterator[str]:
    spec = estate.data[file_of(cluster)].get("spec")
    if not isinstance(spec, dict):
        yield "it has no spec"
        return
    if missing := [key for key in FIELDS if not isinstance(spec.get(key), str) or not spec[key]]:
        yield f"no text stands in {', '.join(missing)}"
        return
    if unknown := sorted(set(spec) - set(FIELDS)):
        yield f"nobody knows {', '.join(map(str, unknown))}"
    if spec["madeFrom"] != made_from(estate.platform, facts):
        yield f"it is older than the facts of {cluster} ({', '.join(FACTS)} or the naming rule changed since)"
    arn = _ARN.match(spec["targetGroup"])
    if arn is None or (arn["region"], arn["account"]) != (facts.get("cloudRegion"), spec["account"]):
        yield f"targetGroup {spec['targetGroup']} is not in {facts.get('cloudRegion')} of account {spec['account']}"


OUTPUTS = Rule(
    "facts/outputs",
    "manifests name what Terraform built by it: of a region that was built anew the old ids lead nowhere",
    "spec: {madeFrom: <of other facts>}",
    "spec: {madeFrom: <of the facts as they are>, targetGroup: arn:aws:…}",
    fresh,
)
RULES = (OUTPUTS,)
