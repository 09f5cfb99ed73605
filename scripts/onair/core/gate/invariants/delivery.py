"""Blue/green: what several objects must agree on, so that a release loses no request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from onair.core.finding import Finding
from onair.core.gate.invariants.fields import mapping
from onair.core.gate.invariants.index import index
from onair.core.gate.model import Body, Estate, Object, Rule

DEFAULT_GRACE_SECONDS = 30
"""``terminationGracePeriodSeconds`` where a pod names none (Kubernetes)."""
DEFAULT_SCALE_DOWN_SECONDS = 30
"""``scaleDownDelaySeconds`` where a Rollout names none: https://argo-rollouts.readthedocs.io/en/stable/features/bluegreen/"""
DEFAULT_REQUEST_SECONDS = 15.0
"""Envoy's route timeout: envoy/config/route/v3/route_components.proto, RouteAction.timeout."""
DEFAULT_DRAIN_SECONDS = 60.0
"""``EnvoyProxy.spec.shutdown.drainTimeout`` where none is named (Envoy Gateway)."""
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def seconds(duration: object) -> float | None:
    """Return a Gateway API duration (``1h30m``, ``500ms``) in seconds; None for anything else."""
    parts = re.findall(r"(\d+)(ms|h|m|s)", duration) if isinstance(duration, str) else []
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != duration:
        return None
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def idle_template(estate: Estate) -> Iterator[Finding]:
    """Find Deployments that run beside the Rollout that runs their template."""
    for pods in index(estate).pods:
        if pods.rollout and pods.owner.kind == "Deployment" and pods.owner.get("spec", "replicas") != 0:
            what = f"Rollout {pods.rollout.name} runs this template; replicas is not 0, so its pods run twice"
            at = ("spec", "replicas")
            yield estate.finding("rollout/template", pods.owner, what, at=at, why=TEMPLATE.why, mend="set replicas: 0")


def scaled(estate: Estate) -> Iterator[Finding]:
    """Find Rollouts that no autoscaler scales, or that fix their replicas beside it."""
    have = {
        (
            each.cluster,
            each.namespace,
            str(each.get("spec", "scaleTargetRef", "kind")),
            str(each.get("spec", "scaleTargetRef", "name")),
        )
        for each in index(estate).of("HorizontalPodAutoscaler")
    }
    for rollout in index(estate).of("Rollout"):
        if (rollout.cluster, rollout.namespace, "Rollout", rollout.name) not in have:
            what = "no HorizontalPodAutoscaler scales it"
            mend = "add one whose scaleTargetRef names the Rollout, not its Deployment"
            yield estate.finding("rollout/scaler", rollout, what, why=SCALER.why, mend=mend)
        elif rollout.get("spec", "replicas") is not None:
            what = "replicas stands in git beside its HorizontalPodAutoscaler"
            at = ("spec", "replicas")
            yield estate.finding("rollout/scaler", rollout, what, at=at, why=SCALER.why, mend="remove replicas")


def colours(estate: Estate) -> Iterator[Finding]:
    """Find Rollouts whose active and preview Services do not lead to the two colours."""
    pods_of = {id(pods.rollout): pods for pods in index(estate).pods if pods.rollout}
    for rollout in index(estate).of("Rollout"):
        plan, pods = rollout.get("spec", "strategy", "blueGreen"), pods_of.get(id(rollout))
        if not isinstance(plan, dict) or pods is None:
            continue
        if plan.get("activeService") == plan.get("previewService"):
            what = f"activeService and previewService are both {plan.get('activeService')}"
            mend = "give the new colour a Service of its own"
            place = ("spec", "strategy", "blueGreen")
            yield estate.finding("rollout/colours", rollout, what, at=place, why=COLOURS.why, mend=mend)
        for field in ("activeService", "previewService"):
            service = index(estate).find(rollout.cluster, "Service", rollout.namespace, str(plan.get(field)))
            if service and pods not in index(estate).behind(service):
                what = f"{field} {service.name} does not select the Rollout's pods"
                at = ("spec", "selector")
                mend = "select the labels of the Rollout's template"
                yield estate.finding("rollout/colours", service, what, at=at, why=COLOURS.why, mend=mend)


def grace(estate: Estate) -> Iterator[Finding]:
    """Find pods of Rollouts that are killed before their longest request can end."""
    longest = _longest_requests(estate)
    for pods in index(estate).pods:
        if pods.rollout is None:
            continue
        period = pods.spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
        sleep = max((_sleep(container) for _, _, container in pods.containers), default=0)
        request = longest.get((pods.owner.cluster, pods.namespace), DEFAULT_REQUEST_SECONDS)
        if isinstance(period, int) and period <= sleep + request:
            what = f"is killed after {period} s; preStop takes {sleep} s and a request up to {request:g} s"
            mend = f"set terminationGracePeriodSeconds above {sleep + request:g}"
            at = (*pods.at, "spec", "terminationGracePeriodSeconds")
            yield estate.finding("rollout/grace", pods.owner, what, at=at, why=GRACE.why, mend=mend)


def scale_down(estate: Estate) -> Iterator[Finding]:
    """Find Rollouts whose old colour goes before the proxies have let go of it."""
    drains = {
        each.cluster: seconds(each.get("spec", "shutdown", "drainTimeout")) or DEFAULT_DRAIN_SECONDS
        for each in index(estate).of("EnvoyProxy")
    }
    for rollout in index(estate).of("Rollout"):
        plan = rollout.get("spec", "strategy", "blueGreen")
        if not isinstance(plan, dict):
            continue
        delay, drain = plan.get("scaleDownDelaySeconds", DEFAULT_SCALE_DOWN_SECONDS), drains.get(rollout.cluster, 0.0)
        if isinstance(delay, int) and delay <= drain:
            what = f"the old colour goes after {delay} s, the proxies drain for {drain:g} s"
            if delay == 0:
                what = "scaleDownDelaySeconds: 0 leaves old ReplicaSets running for ever"
            at = ("spec", "strategy", "blueGreen", "scaleDownDelaySeconds")
            mend = f"set scaleDownDelaySeconds above {drain:g}"
            yield estate.finding("rollout/scale-down", rollout, what, at=at, why=SCALE_DOWN.why, mend=mend)


def _sleep(container: Body) -> int:
    hook = mapping(mapping(container.get("lifecycle")).get("preStop"))
    found = mapping(hook.get("sleep")).get("seconds", 0)
    return found if isinstance(found, int) else 0


def _longest_requests(estate: Estate) -> dict[tuple[str, str], float]:
    """Return the longest request time-out of each namespace that has one, in seconds."""
    found: dict[tuple[str, str], float] = {}
    for each in index(estate).of("BackendTrafficPolicy"):
        key = (each.cluster, each.namespace)
        time = seconds(each.get("spec", "timeout", "http", "requestTimeout")) or DEFAULT_REQUEST_SECONDS
        found[key] = max(found.get(key, 0.0), time)
    return found


def migrations(estate: Estate) -> Iterator[Finding]:
    """Find hook Jobs that run with somebody else's account, or before their own exists."""
    users: dict[tuple[str, str, str], list[Object]] = {}
    for pods in index(estate).pods:
        account = str(pods.spec.get("serviceAccountName") or "default")
        users.setdefault((pods.owner.cluster, pods.namespace, account), []).append(pods.owner)
    for pods in index(estate).pods:
        job = pods.owner
        if job.kind != "Job" or not _annotation(job, "argocd.argoproj.io/hook"):
            continue
        account, at = str(pods.spec.get("serviceAccountName") or "default"), (*pods.at, "spec", "serviceAccountName")
        others = [each for each in users[job.cluster, pods.namespace, account] if each is not job]
        if account == "default" or others:
            with_whom = f"shares ServiceAccount {account} with {others[0].identity}" if others else "names no account"
            mend = f"give it a ServiceAccount {job.name} of its own, with an earlier sync wave"
            yield estate.finding("migration/account", job, with_whom, at=at, why=MIGRATION.why, mend=mend)
            continue
        found = index(estate).find(job.cluster, "ServiceAccount", pods.namespace, account)
        early = found is not None and (
            _annotation(found, "argocd.argoproj.io/hook") == "PreSync" or _wave(found) < _wave(job)
        )
        if found and not early:
            what = f"ServiceAccount {account} comes in wave {_wave(found)}, the Job in {_wave(job)}"
            mend = f'annotate the ServiceAccount with argocd.argoproj.io/sync-wave: "{_wave(job) - 1}"'
            yield estate.finding("migration/account", job, what, at=at, why=MIGRATION.why, mend=mend)


def _annotation(found: Object, name: str) -> str:
    return str(mapping(found.metadata.get("annotations")).get(name) or "")


def _wave(found: Object) -> int:
    text = _annotation(found, "argocd.argoproj.io/sync-wave")
    return int(text) if re.fullmatch(r"-?\d+", text) else 0


TEMPLATE = Rule(
    "rollout/template",
    "the Deployment's own pods take part in the Service beside the Rollout's: two versions serve at once",
    "kind: Deployment\nspec: {replicas: 2}",
    "kind: Deployment\nspec: {replicas: 0} # the Rollout runs the template",
    idle_template,
)
SCALER = Rule(
    "rollout/scaler",
    "replicas in git and an autoscaler undo each other at every sync; without either the Rollout does not grow",
    "kind: Rollout\nspec: {replicas: 3}",
    "kind: HorizontalPodAutoscaler\nspec: {scaleTargetRef: {kind: Rollout, name: web}}",
    scaled,
)
COLOURS = Rule(
    "rollout/colours",
    "with one Service for both colours, the new one takes traffic before it was judged",
    "blueGreen: {activeService: web, previewService: web}",
    "blueGreen: {activeService: web, previewService: web-preview}",
    colours,
)
GRACE = Rule(
    "rollout/grace",
    "kubelet kills at the end of the period, and requests under way are cut",
    "terminationGracePeriodSeconds: 10 # preStop 2 s, requests up to 15 s",
    "terminationGracePeriodSeconds: 30",
    grace,
)
SCALE_DOWN = Rule(
    "rollout/scale-down",
    "proxies send to the old colour until they have drained; what is gone by then answers with a reset",
    "blueGreen: {scaleDownDelaySeconds: 5} # proxies drain for 10 s",
    "blueGreen: {scaleDownDelaySeconds: 30}",
    scale_down,
)
MIGRATION = Rule(
    "migration/account",
    "a migration's rights are not the service's, and a hook cannot start before its account exists",
    "kind: Job # hook Sync\nspec: {template: {spec: {serviceAccountName: catalog}}}",
    "kind: Job # hook Sync, wave -1; its account: -2\nspec: {template: {spec: {serviceAccountName: catalog-migrate}}}",
    migrations,
)
RULES = (TEMPLATE, SCALER, COLOURS, GRACE, SCALE_DOWN, MIGRATION)
