"""A leaf's image pin: reading and changing the digest in ``clusters/<cluster>/apps/<service>/kustomization.yaml``."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from onair.core.finding import Finding, OnairError

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Leaf(NamedTuple):
    """One service on one cluster."""

    cluster: str
    service: str

    @property
    def path(self) -> str:
        """The leaf's file, relative to the repository's root."""
        return f"clusters/{self.cluster}/apps/{self.service}/kustomization.yaml"


def digest(leaf: Leaf, text: str) -> str:
    """Return the digest that a leaf pins.

    Raises
    ------
    OnairError
        If it pins none, or more than one.
    """
    found = DIGEST.findall(text)
    if len(found) == 1:
        return str(found[0])
    raise OnairError(
        Finding(
            rule="leaf/digest",
            file=leaf.path,
            what=f"{len(found)} image digests, not one",
            mend=f"pin the image onair/{leaf.service} with one `digest: sha256:…`",
        )
    )


def with_digest(leaf: Leaf, text: str, new: str) -> str:
    """Return the leaf's text with the digest ``new``; all else, comments too, stays as it is."""
    return text.replace(digest(leaf, text), new)


def pins(leaves: Mapping[Leaf, str], built: Mapping[str, str], stored: Collection[tuple[str, str]]) -> dict[Leaf, str]:
    """Return the leaves that must change before a fresh registry can serve them.

    Parameters
    ----------
    leaves
        The text of each leaf.
    built
        The digest of each service's image as built from the same commit.
    stored
        Services and their digests that the registry has: a leaf that pins one of its own service stays.
    """
    return {
        leaf: built[leaf.service] for leaf, text in leaves.items() if (leaf.service, digest(leaf, text)) not in stored
    }
