"""Asking an OCI registry what it has (distribution spec, https://github.com/opencontainers/distribution-spec)."""

from __future__ import annotations

import httpx

from onair.core.finding import Finding, OnairError

MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)


class Registry:
    """The registry at ``url`` (plain HTTP inside the platform's own networks)."""

    def __init__(self, url: str) -> None:
        self.address = url.partition("://")[2]
        self._http = httpx.Client(base_url=url, timeout=10, headers={"Accept": MANIFESTS})

    def ready(self) -> bool:
        """Tell whether the registry answers."""
        try:
            return self._http.get("/v2/").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def digest(self, repository: str, reference: str) -> str | None:
        """Return the digest of a tag or digest, or None where the registry has no such image.

        Raises
        ------
        OnairError
            If the registry does not answer as one.
        """
        try:
            answer = self._http.head(f"/v2/{repository}/manifests/{reference}")
        except httpx.HTTPError as error:
            raise OnairError(
                Finding(
                    rule="registry/unreachable",
                    what=f"the registry does not answer: {error}",
                    mend="onair up",
                )
            ) from error
        return answer.headers["Docker-Content-Digest"] if answer.status_code == httpx.codes.OK else None
