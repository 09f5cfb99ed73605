"""One cluster over a kept connection.

A look costs a few requests and no process, so it can be had often. Objects are applied server-side without the API's
whole schema, which kubectl reads first (6 MB; more than 10 s from a server that is just starting): the server itself
refuses unknown fields.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import yaml

from onair.core.finding import Finding, OnairError

Object = dict[str, Any]
APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
APPLICATION_SETS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applicationsets"
ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts"
NODES, PODS, SECRETS = "/api/v1/nodes", "/api/v1/pods", "/api/v1/secrets"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
FIELD_MANAGER = "argocd-controller"
"""Argo CD's own name: it finds what is applied here as it would have applied it. Under another name it would apply each
kind again, and read the API's whole schema (6 MB) after every one."""
APPLY_SECONDS = 60
"""How long a request that met a server still starting (no answer, 429, 5xx, a kind not yet served) is repeated."""


class KubeApi:
    """The API server that a kubeconfig with a client certificate names.

    Parameters
    ----------
    kubeconfig
        Written by ``onair up``.
    timeout
        Seconds that a request may take.
    """

    def __init__(self, kubeconfig: Path, timeout: float = 10) -> None:
        settings = yaml.safe_load(kubeconfig.read_text())
        cluster, user = settings["clusters"][0]["cluster"], settings["users"][0]["user"]
        context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        context.load_cert_chain(user["client-certificate"], user["client-key"])
        self._http = httpx.Client(base_url=cluster["server"], verify=context, timeout=timeout, trust_env=False)
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}

    def ready(self) -> bool:
        """Tell whether the API server answers and is ready."""
        try:
            return self._http.get("/readyz").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def get(self, path: str) -> Object | None:
        """Return the object at ``path``, or None where it (or its kind) does not exist.

        Raises
        ------
        OnairError
            If the API server does not answer, or refuses.
        """
        try:
            answer = self._http.get(path)
        except httpx.HTTPError as error:
            what = f"{self._http.base_url} does not answer: {error or type(error).__name__}"
            raise OnairError(Finding(rule="kubernetes/unreachable", what=what, mend="make up repairs it")) from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.is_error:
            raise OnairError(Finding(rule="kubernetes/request", what=f"GET {path}: {answer.text.strip()[:300]}"))
        found: Object = answer.json()
        return found

    def items(self, path: str) -> list[Object]:
        """Return the items of the list at ``path``; none where the kind does not exist."""
        found = self.get(path)
        return list(found.get("items", [])) if found else []

    def delete(self, path: str, uid: str, grace_seconds: int) -> bool:
        """Delete the object at ``path`` if it is still the one with this ``uid``; False when it was gone.

        Raises
        ------
        OnairError
            If the API server does not answer, or refuses.
        """
        body = {"gracePeriodSeconds": grace_seconds, "preconditions": {"uid": uid}}
        try:
            answer = self._http.request("DELETE", path, json=body)
        except httpx.HTTPError as error:
            what = f"{self._http.base_url} does not answer: {error or type(error).__name__}"
            raise OnairError(Finding(rule="kubernetes/unreachable", what=what, mend="make up repairs it")) from error
        if answer.status_code in {httpx.codes.NOT_FOUND, httpx.codes.CONFLICT}:
            return False
        if answer.is_error:
            raise OnairError(Finding(rule="kubernetes/request", what=f"DELETE {path}: {answer.text.strip()[:300]}"))
        return True

    def apply(self, objects: Iterable[Object], manager: str = FIELD_MANAGER) -> None:
        """Apply objects server-side as ``manager``; fields that another manager holds are taken over.

        Raises
        ------
        OnairError
            If the API server refuses one (an unknown field, a denied admission), or does not take it within a minute.
        """
        settings = {"fieldManager": manager, "force": "true", "fieldValidation": "Strict"}
        for each in objects:
            deadline = time.monotonic() + APPLY_SECONDS
            while trouble := self._patch(each, settings, final=time.monotonic() > deadline):
                time.sleep(trouble)

    def _patch(self, body: Object, settings: dict[str, str], *, final: bool) -> float:
        """Apply one object; return the seconds to wait before another try, 0 when it is done."""
        name = f"{body['kind']} {body['metadata']['name']}"
        try:
            path = self._path(body)
            if path is None:
                reason = f"the API server does not know the kind {body['apiVersion']} {body['kind']}"
            else:
                answer = self._http.patch(
                    path, params=settings, content=json.dumps(body),
                    headers={"Content-Type": "application/apply-patch+yaml"},  # JSON is YAML
                )  # fmt: skip
                if not answer.is_error:
                    return 0
                reason = answer.json().get("message", answer.text[:300])
                final = final or not (answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error)
        except (httpx.HTTPError, ValueError) as error:
            reason = f"no answer: {error or type(error).__name__}"
        if final:
            raise OnairError(Finding(rule="kubernetes/apply", what=f"{name}: {reason}", mend="make up tries again"))
        return 0.5

    def _path(self, body: Object) -> str | None:
        version, kind, metadata = body["apiVersion"], body["kind"], body["metadata"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if kind not in self._kinds.get(version, {}):
            answer = self._http.get(root)
            if answer.is_success:
                listed = [each for each in answer.json()["resources"] if "/" not in each["name"]]
                self._kinds[version] = {each["kind"]: (each["name"], each["namespaced"]) for each in listed}
        plural, namespaced = self._kinds.get(version, {}).get(kind, (None, False))
        if plural is None:
            return None
        space = f"/namespaces/{metadata['namespace']}" if namespaced else ""
        return f"{root}{space}/{plural}/{metadata['name']}"
