"""The root modules in the order that they depend on each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Root(NamedTuple):
    """A root module with one state.

    Attributes
    ----------
    folder
        Below ``terraform/``.
    workspace
        The cluster that the state is for; empty where there is one state only.
    """

    folder: str
    workspace: str = ""

    @property
    def name(self) -> str:
        """Name of the state, e.g. ``regional-prod-kr``."""
        return f"{self.folder}-{self.workspace}" if self.workspace else self.folder


BOOTSTRAP = Root("bootstrap")
"""Makes the bucket that all other states lie in."""


def roots(clusters: Iterable[str]) -> list[Root]:
    """Return every root module with a state, that of the organisation too."""
    return [*(each for wave in waves(clusters) for each in wave), Root("org")]


def waves(clusters: Iterable[str]) -> list[list[Root]]:
    """Return what can be built at once, wave after wave; the organisation is none, as a lab has none of its own."""
    regional = [Root("regional", name) for name in sorted(clusters)]
    return [[BOOTSTRAP], [Root("account")], regional, [Root("links"), Root("global")]]
