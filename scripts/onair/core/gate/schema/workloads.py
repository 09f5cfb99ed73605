"""What must fit together in workloads, autoscalers and budgets."""

from __future__ import annotations

from collections.abc import Iterator

from onair.core.gate.model import Body
from onair.core.gate.schema.parts import mapping, mappings, template
from onair.core.gate.schema.pods import pod, resources
from onair.core.gate.schema.problem import Problem, dotted, shown
from onair.core.gate.schema.values import quantity, schedule, whole

_ENDING = {"Job", "CronJob"}
_LASTING = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"}


def workload(body: Body) -> Iterator[Problem]:
    """Find what does not fit together in anything that makes pods."""
    found = template(body)
    if found is None:
        return
    yield from pod(found)
    kind, path = str(body.get("kind")), (*found.path, "spec", "restartPolicy")
    restart = mapping(found.body.get("spec")).get("restartPolicy", "Always")
    if kind in _ENDING and restart == "Always":
        what = f"restartPolicy Always: the pods of a {kind} must end"
        yield Problem(path, "schema/pod", what, "set `restartPolicy: Never` or `OnFailure`")
    if kind in _LASTING and restart != "Always":
        what = f"restartPolicy {restart}: the pods of a {kind} must go on"
        yield Problem(path, "schema/pod", what, "remove restartPolicy")
    if kind in _LASTING:
        yield from selector(body, mapping(mapping(found.body.get("metadata")).get("labels")))


def selector(body: Body, labels: Body) -> Iterator[Problem]:
    """Find a selector that does not select its own template's pods."""
    spec, path = mapping(body.get("spec")), ("spec", "selector")
    wanted = mapping(spec.get("selector"))
    if "selector" in spec and not wanted.get("matchLabels") and not wanted.get("matchExpressions"):
        yield Problem(path, "schema/selector", "spec.selector is empty", "select the template's labels by matchLabels")
    for key, value in mapping(wanted.get("matchLabels")).items():
        if labels.get(key) != value:
            has = f"the template has {shown(labels[key])}" if key in labels else "the template has no such label"
            what = f"spec.selector wants {key}: {value}, {has}"
            mend = f"add `{key}: {value}` to spec.template.metadata.labels"
            yield Problem((*path, "matchLabels", key), "schema/selector", what, mend)
    for position, each in mappings(wanted.get("matchExpressions")):
        if not _matches(each, labels):
            what = f"spec.selector's expression on {each.get('key')} does not match the template's labels"
            yield Problem((*path, "matchExpressions", position), "schema/selector", what, "make them match")


def _matches(each: Body, labels: Body) -> bool:
    key, operator = str(each.get("key")), each.get("operator")
    values = each.get("values")
    inside = key in labels and isinstance(values, list) and labels[key] in values
    return {"In": inside, "NotIn": not inside, "Exists": key in labels, "DoesNotExist": key not in labels}.get(
        str(operator), True
    )


def expressions(body: Body) -> Iterator[Problem]:
    """Find selector expressions whose values do not suit their operator, anywhere in an object's spec."""
    waiting: list[tuple[tuple[str | int, ...], object]] = [(("spec",), body.get("spec"))]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            for position, each in mappings(value.get("matchExpressions")):
                yield from _operands(each, (*path, "matchExpressions", position))
            waiting += (((*path, key), below) for key, below in value.items() if isinstance(below, (dict, list)))
        elif isinstance(value, list):
            waiting += (((*path, key), below) for key, below in enumerate(value) if isinstance(below, (dict, list)))


def _operands(each: Body, path: tuple[str | int, ...]) -> Iterator[Problem]:
    operator, values = each.get("operator"), each.get("values")
    if operator in {"In", "NotIn"} and not values:
        yield Problem(path, "schema/selector", f"{dotted(path)}: operator {operator} needs values", "add `values:`")
    if operator in {"Exists", "DoesNotExist"} and values:
        what = f"{dotted(path)}: operator {operator} takes no values"
        yield Problem(path, "schema/selector", what, "remove `values:`, or use operator In")


def rolling_update(body: Body) -> Iterator[Problem]:
    """Find an update that could never begin, and a deadline that no pod can keep."""
    spec = mapping(body.get("spec"))
    strategy = mapping(spec.get("strategy"))
    update = mapping(strategy.get("rollingUpdate"))
    if strategy.get("type") == "Recreate" and update:
        what = "spec.strategy: Recreate takes no rollingUpdate"
        yield Problem(("spec", "strategy"), "schema/value", what, "remove rollingUpdate, or use type RollingUpdate")
    if {update.get("maxSurge"), update.get("maxUnavailable")} <= {0, "0%"} and len(update) == 2:
        what = "spec.strategy.rollingUpdate: maxSurge and maxUnavailable are both 0, so no pod may be replaced"
        yield Problem(("spec", "strategy", "rollingUpdate"), "schema/min-max", what, "raise one of them")
    ready, deadline = whole(spec.get("minReadySeconds")), whole(spec.get("progressDeadlineSeconds"))
    if ready and ready >= (600 if deadline is None else deadline):
        what = f"spec.minReadySeconds {ready} is not below progressDeadlineSeconds {deadline or 600}"
        yield Problem(("spec", "minReadySeconds"), "schema/min-max", what, "raise progressDeadlineSeconds")


def cron_job(body: Body) -> Iterator[Problem]:
    """Find a schedule that the CronJob controller cannot read."""
    text = mapping(body.get("spec")).get("schedule")
    wrong = schedule(text) if isinstance(text, str) else ""
    if wrong:
        what = f"spec.schedule {shown(text)}: {wrong}"
        yield Problem(("spec", "schedule"), "schema/schedule", what, 'for example "15 3 * * *"')


def autoscaler(body: Body) -> Iterator[Problem]:
    """Find bounds that cross, and metrics without a target."""
    spec = mapping(body.get("spec"))
    low, high = whole(spec.get("minReplicas", 1)), whole(spec.get("maxReplicas"))
    if low is not None and high is not None and low > high:
        what = f"spec.minReplicas {low} is above maxReplicas {high}"
        yield Problem(("spec", "minReplicas"), "schema/min-max", what, "lower minReplicas or raise maxReplicas")
    for position, metric in mappings(spec.get("metrics")):
        kind, path = str(metric.get("type")), ("spec", "metrics", position)
        field = kind[:1].lower() + kind[1:]
        if field not in metric:
            yield Problem(path, "schema/value", f"{dotted(path)}: type {kind} needs `{field}:`", f"add `{field}:`")
        target = mapping(mapping(metric.get(field)).get("target"))
        wanted = {"Utilization": "averageUtilization", "Value": "value", "AverageValue": "averageValue"}
        needed = wanted.get(str(target.get("type")))
        if needed and needed not in target:
            where = (*path, field, "target")
            what = f"{dotted(where)}: type {target['type']} needs `{needed}:`"
            yield Problem(where, "schema/value", what, f"add `{needed}:`")


def budget(body: Body) -> Iterator[Problem]:
    """Find a disruption budget that says both, or nothing."""
    spec = mapping(body.get("spec"))
    given = [key for key in ("minAvailable", "maxUnavailable") if key in spec]
    if len(given) != 1:
        what = "spec has both minAvailable and maxUnavailable" if given else "spec has no maxUnavailable"
        yield Problem(("spec",), "schema/min-max", what, "keep maxUnavailable alone")


def claim(body: Body) -> Iterator[Problem]:
    """Find a volume claim without a size."""
    wanted = mapping(mapping(body.get("spec")).get("resources"))
    if "storage" not in mapping(wanted.get("requests")):
        path = ("spec", "resources")
        what = "spec.resources.requests.storage is missing"
        yield Problem(path, "schema/missing", what, "add it, e.g. `storage: 10Gi`")
    yield from resources(wanted, ("spec", "resources"))


def claims(body: Body) -> Iterator[Problem]:
    """Find volume claims without a size in a StatefulSet."""
    for position, each in mappings(mapping(body.get("spec")).get("volumeClaimTemplates")):
        where = ("spec", "volumeClaimTemplates", position)
        yield from (problem._replace(path=(*where, *problem.path)) for problem in claim(each))


def volume(body: Body) -> Iterator[Problem]:
    """Find a volume without a size or with other than one source."""
    spec = mapping(body.get("spec"))
    size = quantity(mapping(spec.get("capacity")).get("storage"))
    if size is None or size <= 0:
        what = "spec.capacity.storage is missing or no size"
        yield Problem(("spec", "capacity"), "schema/missing", what, "add it, e.g. `storage: 10Gi`")
