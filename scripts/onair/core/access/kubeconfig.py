"""How kubectl comes to a cluster through the bastion: by a proxy that ssh opens, as one person."""

from __future__ import annotations

import base64
import json

PROXY = "socks5://127.0.0.1:1080"
"""What ``ssh -N -D 1080 PERSON@BASTION`` opens; the bastion forwards to nothing but the API servers."""


def kubeconfig(cluster: str, server: str, authority: bytes, credential: list[str], proxy: str) -> str:
    """Return a kubeconfig without a secret in it, as JSON, which is YAML too.

    Parameters
    ----------
    cluster
        Its name; the context has it too.
    server
        The API server's address where the bastion stands.
    authority
        Certificate of the authority that signed the API server's, as PEM.
    credential
        Command and arguments of the exec plugin that says who asks:
        https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    proxy
        Where ssh listens.
    """
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": credential[0],
        "args": credential[1:],
        "interactiveMode": "Never",
    }
    reached = {
        "server": server,
        "proxy-url": proxy,
        "certificate-authority-data": base64.b64encode(authority).decode("ascii"),
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": cluster,
            "clusters": [{"name": cluster, "cluster": reached}],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": "person"}}],
            "users": [{"name": "person", "user": {"exec": plugin}}],
        },
        indent=1,
    )
