"""Reading one cluster over a kept connection: a look costs a few requests and no process, so it can be had often."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx
import yaml

from onair.core.finding import Finding, OnairError

Object = dict[str, Any]
APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts"
NODES, PODS, SECRETS = "/api/v1/nodes", "/api/v1/pods", "/api/v1/secrets"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


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
