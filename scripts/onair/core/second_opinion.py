"""What checkov and kubernetes-validate say of the rendered objects, and whether they looked at all of them.

Both pass in silence what they do not know: checkov sees no pod in a Rollout, kubernetes-validate warns of an unknown
kind and ends with 0. So what they looked at is compared with what was rendered.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from onair.core.finding import Finding
from onair.core.gate.model import Body, Object

_RIGHTS = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ServiceAccount")
_WORKLOADS = ("CronJob", "DaemonSet", "Deployment", "Job", "Pod", "StatefulSet")
SEEN_KINDS = frozenset((*_RIGHTS, *_WORKLOADS, "ConfigMap", "Secret", "Service"))
"""The kinds that checkov has checks for; each object of them must be in its answer."""
DEFINITIONS = "definitions.yaml"
"""The file of the CustomResourceDefinitions, which checkov has no checks for."""
DATA = "infrastructure/toolchain/checkov.yaml"

_PASSED = re.compile(r"^INFO (\S+) passed for resource ", re.MULTILINE)
_UNKNOWN = re.compile(r"^WARN (\S+) Couldn't find schema for kind (\S+) with api version (\S+) for", re.MULTILINE)
_FAILED = re.compile(r"^ERROR (\S+) ((?:did not validate for|could not be validated: ).*)$", re.MULTILINE)


class Suppression(BaseModel):
    """A check of checkov that does not count for some objects.

    Attributes
    ----------
    check
        E.g. ``CKV_K8S_11``.
    resources
        Patterns of what checkov calls an object: ``Kind.namespace.name``, or a Terraform address.
    reason
        Why it does not count; read by people.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: str = Field(pattern=r"^CKV2?_[A-Z0-9]+_\d+$")
    resources: tuple[str, ...] = Field(min_length=1)
    reason: str = Field(min_length=20)

    def covers(self, failure: Failure) -> bool:
        """Whether it takes ``failure`` away."""
        same = failure.check == self.check
        return same and any(fnmatchcase(failure.resource, pattern) for pattern in self.resources)


class Failure(NamedTuple):
    """One failed check of checkov."""

    check: str
    title: str
    resource: str
    file: str
    line: int


class Scan(NamedTuple):
    """What checkov answered: failures, the objects it looked at as (file, resource), and files it could not read."""

    failures: list[Failure]
    seen: set[tuple[str, str]]
    unread: list[str]


class Validation(NamedTuple):
    """What kubernetes-validate answered, by file: objects passed, kinds it does not know, objects that failed."""

    passed: Counter[str]
    unknown: list[tuple[str, str, str]]
    failed: list[tuple[str, str]]

    @property
    def looked(self) -> Counter[str]:
        """How many objects it looked at, by file."""
        return self.passed + Counter(file for file, *_ in self.unknown) + Counter(file for file, _ in self.failed)


def files(objects: Iterable[Object]) -> dict[str, list[Body]]:
    """Return what the scanners are given: a file an Application, a Rollout's own pods as a Deployment's.

    Definitions of kinds are nine tenths of all text, and alike on all clusters: each is given once, in a file of its
    own.
    """
    found: dict[str, list[Body]] = {}
    for each in objects:
        if each.kind == "CustomResourceDefinition":
            definitions = found.setdefault(DEFINITIONS, [])
            definitions += [] if each.body in definitions else [each.body]
            continue
        bodies = found.setdefault(f"{each.cluster}/{each.application}.yaml", [])
        bodies.append(each.body)
        if each.kind == "Rollout" and each.get("spec", "template"):
            bodies.append(_stand_in(each.body))
    return found


def _stand_in(rollout: Body) -> Body:
    spec = {key: rollout["spec"][key] for key in ("selector", "template") if key in rollout["spec"]}
    name = f"{rollout['metadata']['name']}-rollout"
    metadata = {**rollout["metadata"], "name": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def read_checkov(text: str) -> Scan:
    """Read checkov's JSON, of one framework or several.

    Raises
    ------
    ValueError
        It is not checkov's answer: no results, or no JSON.
    """
    content = json.loads(text)
    scan = Scan([], set(), [])
    for answer in content if isinstance(content, list) else [content]:
        if "results" not in answer:  # what it answers when it found no file to look at
            raise ValueError(f"checkov looked at nothing: {json.dumps(answer)[:200]}")
        results: Mapping[str, Any] = answer["results"]
        scan.unread.extend(results.get("parsing_errors") or ())
        for kind in ("passed_checks", "failed_checks", "skipped_checks"):
            scan.seen.update((_file(check), check["resource"]) for check in results.get(kind) or ())
        for check in results.get("failed_checks") or ():
            line = (check.get("file_line_range") or [1])[0]
            failure = Failure(check["check_id"], check["check_name"], check["resource"], _file(check), max(1, line))
            scan.failures.append(failure)
    return scan


def _file(check: Mapping[str, Any]) -> str:
    return str(check["file_path"]).lstrip("/")


def read_validate(text: str) -> Validation:
    """Read what kubernetes-validate printed."""
    return Validation(Counter(_PASSED.findall(text)), _UNKNOWN.findall(text), _FAILED.findall(text))


def judge_checkov(
    scan: Scan, given: Mapping[str, Sequence[Body]], suppressions: Sequence[Suppression]
) -> list[Finding]:
    """Return failures that nothing suppresses, suppressions of nothing, and objects that were not looked at."""
    findings = [
        Finding(
            rule="second-opinion/checkov",
            what=f"{failure.resource}: {failure.title} ({failure.check}), in {failure.file}",
            mend=f"mend the object, or say in {DATA} why the check does not count",
        )
        for failure in scan.failures
        if not any(suppression.covers(failure) for suppression in suppressions)
    ]
    findings += [
        Finding(
            rule="second-opinion/idle-suppression",
            what=f"{suppression.check} for {', '.join(suppression.resources)} suppresses nothing",
            mend="remove the entry",
            file=DATA,
        )
        for suppression in suppressions
        if not any(suppression.covers(failure) for failure in scan.failures)
    ]
    findings += [_unread("checkov", file, "the file") for file in scan.unread]
    wanted = {
        (file, _resource(body)) for file, bodies in given.items() for body in bodies if body["kind"] in SEEN_KINDS
    }
    return findings + [_unread("checkov", file, resource) for file, resource in sorted(wanted - scan.seen)]


def judge_validate(found: Validation, given: Mapping[str, Sequence[Body]]) -> list[Finding]:
    """Return what failed, kinds that nothing defines, and files whose objects were not all looked at."""
    defined = {
        (body["spec"]["names"]["kind"], f"{body['spec']['group']}/{version['name']}")
        for bodies in given.values()
        for body in bodies
        if body["kind"] == "CustomResourceDefinition"
        for version in body["spec"]["versions"]
    }
    findings = [
        Finding(
            rule="second-opinion/kubernetes-validate",
            what=f"{file}: {what}",
            mend="mend the object; `onair check` should have found it too: say so in an issue",
        )
        for file, what in found.failed
    ]
    for file, kind, version in found.unknown:
        if (kind, version) not in defined:
            findings.append(_unread("kubernetes-validate", file, f"{kind} of {version}"))
    looked = found.looked
    return findings + [
        _unread("kubernetes-validate", file, f"{len(bodies) - looked[file]} of {len(bodies)} objects")
        for file, bodies in sorted(given.items())
        if looked[file] != len(bodies)
    ]


def _resource(body: Body) -> str:
    """Return checkov's name of an object; what has no namespace is in ``default``."""
    metadata = body["metadata"]
    return f"{body['kind']}.{metadata.get('namespace', 'default')}.{metadata['name']}"


def _unread(tool: str, file: str, what: str) -> Finding:
    return Finding(
        rule="second-opinion/unscanned",
        what=f"{tool} did not look at {what} in {file}",
        why="what is not looked at passes in silence",
        mend=f"find out why: run {tool} on that file",
    )
