"""What Argo CD does with an object at a sync, as far as its annotations and its Application say so.

Source: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/ and /resource_hooks/.
"""

from __future__ import annotations

from typing import Protocol

from onair.core.gate.model import Body, Object

OPTIONS, HOOK, HOOK_DELETION = (f"argocd.argoproj.io/{name}" for name in ("sync-options", "hook", "hook-delete-policy"))
RESOURCES_FINALIZER = "resources-finalizer.argocd.argoproj.io"


class Application(Protocol):
    """An Application as the ApplicationSets or a leaf make it."""

    @property
    def cluster(self) -> str:
        """The cluster that it runs on."""
        ...

    @property
    def name(self) -> str:
        """Its name, e.g. ``web``."""
        ...

    @property
    def leaf(self) -> str:
        """The folder that its objects come from, e.g. ``clusters/prod-kr/apps/web``; a chart's is its Application's."""
        ...

    @property
    def body(self) -> Body:
        """Its manifest."""
        ...


def options(found: Object) -> frozenset[str]:
    """Return an object's sync options, e.g. ``Prune=false``."""
    return frozenset(part.strip() for part in _annotation(found, OPTIONS).split(",") if part.strip())


def is_hook(found: Object) -> bool:
    """Tell whether Argo CD runs the object as a hook, apart from what it keeps in sync."""
    return bool(_annotation(found, HOOK) or _annotation(found, "helm.sh/hook"))


def is_recreated(found: Object) -> bool:
    """Tell whether a sync deletes and creates the object instead of changing it."""
    if {"Force=true", "Replace=true"} <= options(found):
        return True
    # A hook without a policy has BeforeHookCreation; only HookFailed leaves one that succeeded in the way.
    return is_hook(found) and _annotation(found, HOOK_DELETION).strip() != "HookFailed"


def prunes(body: Body) -> bool:
    """Tell whether an Application, given its manifest, deletes by itself what git no longer has."""
    policy = (body.get("spec") or {}).get("syncPolicy") or {}
    return bool((policy.get("automated") or {}).get("prune"))


def _annotation(found: Object, name: str) -> str:
    return str((found.metadata.get("annotations") or {}).get(name) or "")
