"""What must fit together inside of a pod."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onair.core.gate.model import Body
from onair.core.gate.schema.parts import Template, mapping, mappings
from onair.core.gate.schema.problem import Problem, dotted, nearest, shown
from onair.core.gate.schema.values import quantity, whole

Where = tuple[str | int, ...]
HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_GROUPS = ("initContainers", "containers", "ephemeralContainers")
_GRACE_SECONDS = 30  # what the API server sets where a pod says nothing
_ONE_MEBIBYTE = 2**20


def pod(found: Template) -> Iterator[Problem]:
    """Find what does not fit together in a pod template."""
    spec, path = mapping(found.body.get("spec")), (*found.path, "spec")
    volumes = {str(volume.get("name")) for _, volume in mappings(spec.get("volumes"))} | found.claims
    containers = [
        ((*path, group, position), container) for group in _GROUPS for position, container in mappings(spec.get(group))
    ]
    yield from _volumes(spec, path)
    yield from _unique(((where, "name", each.get("name")) for where, each in containers), "container", path)
    ports = (
        ((*where, "ports", position), "name", port.get("name"))
        for where, each in containers
        for position, port in mappings(each.get("ports"))
    )
    yield from _unique(ports, "port", path)
    yield from _tolerations(spec, path)
    grace = whole(spec.get("terminationGracePeriodSeconds"))
    for where, each in containers:
        yield from _container(each, where, volumes, _GRACE_SECONDS if grace is None else grace)
        yield from _security(each, spec, where)
        if spec.get("hostNetwork") is True:
            yield from _host_ports(each, where)


def _unique(named: Iterable[tuple[Where, str, object]], what: str, path: Where) -> Iterator[Problem]:
    seen: dict[str, Where] = {}
    for where, key, name in named:
        if name is None:
            continue
        first = seen.setdefault(str(name), where)
        # within one list of containers the schema's own keys find it
        if first != where and (what == "port" or first[len(path)] != where[len(path)]):
            said = f"{dotted((*where, key))}: {what} {name} is also {dotted(first)}"
            yield Problem((*where, key), "schema/duplicate", said, f"name one {what} otherwise")


def _volumes(spec: Body, path: Where) -> Iterator[Problem]:
    for position, volume in mappings(spec.get("volumes")):
        sources = [key for key in volume if key != "name"]
        if len(sources) != 1:
            said = f"has {len(sources)} sources ({', '.join(sources)})" if sources else "has no source"
            where = (*path, "volumes", position)
            mend = "keep one source" if sources else "give it one, e.g. `emptyDir: {}`"
            yield Problem(where, "schema/pod", f"volume {volume.get('name')} {said}", mend)


def _tolerations(spec: Body, path: Where) -> Iterator[Problem]:
    for position, each in mappings(spec.get("tolerations")):
        where = (*path, "tolerations", position)
        if each.get("operator") == "Exists" and each.get("value"):
            what = f"{dotted(where)}: operator Exists takes no value"
            yield Problem(where, "schema/pod", what, "remove `value:`, or use operator Equal")
        if each.get("operator", "Equal") == "Equal" and not each.get("key"):
            what = f"{dotted(where)}: operator Equal needs a key"
            yield Problem(where, "schema/pod", what, "add `key:`, or use operator Exists")
        if "tolerationSeconds" in each and each.get("effect") != "NoExecute":
            what = f"{dotted(where)}: tolerationSeconds counts for effect NoExecute alone"
            yield Problem(where, "schema/pod", what, "set `effect: NoExecute`, or remove tolerationSeconds")


def _container(each: Body, where: Where, volumes: set[str], grace: int) -> Iterator[Problem]:
    ports = {str(port.get("name")) for _, port in mappings(each.get("ports")) if port.get("name")}
    yield from _environment(each, where)
    yield from _mounts(each, where, volumes)
    yield from resources(mapping(each.get("resources")), (*where, "resources"))
    sidecar = each.get("restartPolicy") == "Always"
    for name in (*PROBES, "lifecycle"):
        if name in each and where[-2] == "initContainers" and not sidecar:
            what = f"{dotted((*where, name))}: an init container that ends takes no {name}"
            mend = "remove it, or set `restartPolicy: Always` (a sidecar)"
            yield Problem((*where, name), "schema/probe", what, mend)
    for name in PROBES:
        if isinstance(each.get(name), dict):
            yield from _probe(each[name], name, (*where, name), ports)
    for name, handler in mapping(each.get("lifecycle")).items():
        if name in {"preStop", "postStart"} and isinstance(handler, dict):
            yield from _handler(handler, (*where, "lifecycle", name), ports)
            seconds = whole(mapping(handler.get("sleep")).get("seconds"))
            if seconds is not None and seconds > grace:
                what = f"{dotted((*where, 'lifecycle', name))} sleeps {seconds} s, the pod is killed after {grace} s"
                mend = "raise terminationGracePeriodSeconds above the sleep and the longest request"
                yield Problem((*where, "lifecycle", name), "schema/min-max", what, mend)


def _environment(each: Body, where: Where) -> Iterator[Problem]:
    for position, variable in mappings(each.get("env")):
        path, sources = (*where, "env", position), variable.get("valueFrom")
        if sources is not None and variable.get("value"):
            what = f"{dotted(path)} ({variable.get('name')}) has a value and a valueFrom"
            yield Problem(path, "schema/pod", what, "keep one of them")
        if isinstance(sources, dict) and len(sources) != 1:
            what = f"{dotted(path)} ({variable.get('name')}): valueFrom names {len(sources)} sources"
            yield Problem(path, "schema/pod", what, "name one source")


def _mounts(each: Body, where: Where, volumes: set[str]) -> Iterator[Problem]:
    for position, mount in mappings(each.get("volumeMounts")):
        name = str(mount.get("name"))
        if name not in volumes:
            path, meant = (*where, "volumeMounts", position, "name"), nearest(name, volumes)
            mend = f"did you mean `{meant}`?" if meant else "declare it in volumes"
            yield Problem(path, "schema/pod", f"{dotted(path)}: no volume is named {name}", mend)


def resources(found: Body, where: Where) -> Iterator[Problem]:
    """Find requests above limits, and memory that was meant to be something else."""
    requests, limits = mapping(found.get("requests")), mapping(found.get("limits"))
    for name, value in requests.items():
        asked, most = quantity(value), quantity(limits[name]) if name in limits else None
        if asked is not None and most is not None and asked > most:
            what = f"{dotted(where)}: {name} request {value} is above its limit {limits[name]}"
            yield Problem((*where, "requests", name), "schema/min-max", what, "lower the request or raise the limit")
    for part, values in (("requests", requests), ("limits", limits)):
        amount = quantity(values.get("memory"))
        if amount is not None and 0 < amount < _ONE_MEBIBYTE:
            path = (*where, part, "memory")
            what = f"{dotted(path)}: {shown(values['memory'])} is {float(amount):g} bytes"
            yield Problem(path, "schema/quantity", what, "bytes are meant: write Mi or Gi, e.g. 256Mi")


def _probe(probe: Body, name: str, where: Where, ports: set[str]) -> Iterator[Problem]:
    yield from _handler(probe, where, ports)
    if name != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        what = f"{dotted(where)}: successThreshold of a {name} must be 1"
        yield Problem((*where, "successThreshold"), "schema/probe", what, "remove successThreshold")


def _handler(found: Body, where: Where, ports: set[str]) -> Iterator[Problem]:
    handlers = [name for name in HANDLERS if name in found]
    if len(handlers) != 1:
        said = f"has {len(handlers)} handlers ({', '.join(handlers)})" if handlers else "has no handler"
        yield Problem(where, "schema/probe", f"{dotted(where)} {said}", f"give it one of {', '.join(HANDLERS)}")
    for handler in handlers:
        port = mapping(found[handler]).get("port")
        if isinstance(port, str) and port not in ports:
            path, meant = (*where, handler, "port"), nearest(port, ports)
            mend = f"did you mean `{meant}`?" if meant else "add the name to one of the container's ports"
            yield Problem(path, "schema/probe", f"{dotted(path)}: the container has no port named {port}", mend)


def _security(each: Body, spec: Body, where: Where) -> Iterator[Problem]:
    own, of_pod = mapping(each.get("securityContext")), mapping(spec.get("securityContext"))
    path = (*where, "securityContext")
    if own.get("privileged") is True and own.get("allowPrivilegeEscalation") is False:
        what = f"{dotted(path)}: privileged and allowPrivilegeEscalation: false contradict each other"
        yield Problem(path, "schema/pod", what, "remove `privileged: true`")
    if (
        own.get("runAsNonRoot", of_pod.get("runAsNonRoot")) is True
        and own.get("runAsUser", of_pod.get("runAsUser")) == 0
    ):
        what = f"{dotted(path)}: runAsNonRoot and runAsUser 0 contradict each other"
        yield Problem(path, "schema/pod", what, "give it a user other than 0: the kubelet starts no such container")


def _host_ports(each: Body, where: Where) -> Iterator[Problem]:
    for position, port in mappings(each.get("ports")):
        if "hostPort" in port and port["hostPort"] != port.get("containerPort"):
            path = (*where, "ports", position, "hostPort")
            what = f"{dotted(path)}: with hostNetwork it must equal containerPort {port.get('containerPort')}"
            yield Problem(path, "schema/port", what, "remove hostPort, or make them equal")
