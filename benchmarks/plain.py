"""The peer of a release: the same container in a Deployment with Kubernetes' defaults, behind a Service."""

from __future__ import annotations

import time
from typing import Any, Self

from onair.adapters.kube_api import KubeApi, Object
from onair.adapters.kubectl import wait

NAMESPACE = NAME = "plain"
WAIT_SECONDS = 180.0
OWN = ("lifecycle",)
"""What ours adds to a container so that nothing is cut off."""
SECURITY = "pod-security.kubernetes.io/enforce"
KEPT = {"argocd.argoproj.io/sync-options": "Prune=false"}
PORT = 30980
MANAGER = "benchmark"


class Deployment:
    """As many pods of a service's container behind a NodePort: no preStop, no drain, no gateway; probes as ours.

    Outside the namespaces that policies guard, which refuse it; they refuse a route to it as well.
    """

    def __init__(self, api: KubeApi, service: str) -> None:
        self._api, self._service = api, service
        self._spec: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        path = f"/api/v1/namespaces/{NAMESPACE}"
        if found := self._api.get(path):
            self._api.delete(path, found["metadata"]["uid"], 0)

    @property
    def address(self) -> str:
        """The first node's address, and its port."""
        (node, *_) = self._api.items("/api/v1/nodes")
        inside = next(each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")
        return f"http://{inside}:{PORT}"

    def restart(self) -> None:
        """Roll it, as `kubectl rollout restart` does, and wait until the new pods alone run."""
        self._spec["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = f"{time.time():.0f}"
        self._apply()
        self._wait()

    def _make(self) -> None:
        source = self._read(f"/apis/apps/v1/namespaces/shop/deployments/{self._service}")
        rollout = self._read(f"/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/{self._service}")
        pod: dict[str, Any] = source["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        container = {key: value for key, value in container.items() if key not in OWN}
        container["env"] = [*container["env"], {"name": "DRAIN_SECONDS", "value": "0"}]
        secrets = [each["secretRef"]["name"] for each in container.get("envFrom", [])]
        labels = {"app.kubernetes.io/name": NAME}
        self._spec = {
            "replicas": rollout["spec"]["replicas"],
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {}},
                "spec": {
                    "containers": [container],
                    "volumes": pod["volumes"],
                    "securityContext": pod["securityContext"],
                    "automountServiceAccountToken": False,
                },
            },
        }
        space = {"namespace": NAMESPACE, "name": NAME}
        self._api.apply(
            [_object("v1", "Namespace", {"name": NAMESPACE, "labels": {SECURITY: "baseline"}, "annotations": KEPT})],
            MANAGER,
        )
        self._api.apply([self._secret(name) for name in secrets], MANAGER)
        self._apply()
        port = {"name": "http", "port": 80, "targetPort": "http", "nodePort": PORT}
        service = {"type": "NodePort", "selector": labels, "ports": [port]}
        self._api.apply([_object("v1", "Service", space, service)], MANAGER)
        self._wait()

    def _apply(self) -> None:
        self._api.apply([_object("apps/v1", "Deployment", {"namespace": NAMESPACE, "name": NAME}, self._spec)], MANAGER)

    def _wait(self) -> None:
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}"
        pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
        want = self._spec["replicas"]

        def stands() -> bool | str:
            found = self._read(path)
            status = found.get("status", {})
            fresh = status.get("observedGeneration") == found["metadata"]["generation"]
            counts = {status.get(f"{word}Replicas") for word in ("updated", "available")} | {len(self._api.items(pods))}
            return (fresh and counts == {want}) or str(status)

        wait("the plain Deployment stands", WAIT_SECONDS, stands)

    def _secret(self, name: str) -> Object:
        found = self._read(f"/api/v1/namespaces/shop/secrets/{name}")
        made = _object("v1", "Secret", {"namespace": NAMESPACE, "name": name})
        return {**made, "data": found["data"]}

    def _read(self, path: str) -> Object:
        found = self._api.get(path)
        if found is None:
            raise RuntimeError(f"{path} is not there: make up")
        return found


def _object(version: str, kind: str, metadata: dict[str, Any], spec: dict[str, Any] | None = None) -> Object:
    made: Object = {"apiVersion": version, "kind": kind, "metadata": metadata}
    return made if spec is None else {**made, "spec": spec}
