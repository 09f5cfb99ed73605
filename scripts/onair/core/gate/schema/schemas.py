"""The schemas of every kind that the clusters know, each made when an object of its kind is first met."""

from __future__ import annotations

import hashlib
import json
import marshal
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from onair.core.gate.model import Object
from onair.core.gate.schema import lists
from onair.core.gate.schema.kinds import CLUSTER_WIDE, DEPRECATED, REMOVED, REQUESTS, beta
from onair.core.gate.schema.messages import told
from onair.core.gate.schema.problem import Problem, nearest

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

    from onair.core.gate.schema.strict import Gvk, Schema


class Store(Protocol):
    """Keeps what was compiled between runs."""

    def read(self, key: str) -> str | None:
        """Return what was written under this key; None where there is nothing whole."""
        ...

    def write(self, key: str, text: str) -> None:
        """Keep a text; failing to is no error."""
        ...


@dataclass
class Kind:
    """What is known of one kind in one version.

    Attributes
    ----------
    compiled
        Its strict schema and its keyed lists, as JSON, a line each (:func:`compiled`).
    namespaced
        Whether its objects belong to a namespace.
    deprecated
        What to use instead; None where it is current.
    """

    compiled: str
    namespaced: bool
    deprecated: str | None = None

    @cached_property
    def _schema(self) -> Schema:
        schema: Schema = json.loads(self.compiled.partition("\n")[0])
        return schema

    @cached_property
    def _lists(self) -> lists.Tree | None:
        tree: lists.Tree | None = json.loads(self.compiled.partition("\n")[2])
        return tree

    @cached_property
    def _validator(self) -> Draft202012Validator:
        from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - 10 ms that a run without changes saves

        return Draft202012Validator(self.compiled.partition("\n")[0], validate_formats=True)

    def problems(self, body: Mapping[str, Any], *, masked: bool) -> Iterator[Problem]:
        """Find what is wrong with an object by its kind's schema; ``masked`` hides its values."""
        try:
            if not self._validator.is_valid(body):
                for error in self._validator.iter_errors(body):
                    yield from told(error, self._schema, masked=masked)
        except ValueError as error:  # a value that JSON cannot hold: a date, a key that is no text
            what = f"holds a value that is no JSON: {error}"
            yield Problem((), "schema/type", what, "quote dates and keys that are no text")
            return
        if self._lists:
            yield from lists.doubles(self._lists, body)


class _Crd(NamedTuple):
    found: Object
    versions: Mapping[str, Any]


def as_it_is(found: Object) -> Object:
    """Return a definition that is whole already."""
    return found


class Schemas:
    """All kinds of all clusters."""

    def __init__(
        self,
        load: Callable[[], Mapping[str, Schema]],
        crds: Iterable[Object],
        store: Store,
        whole: Callable[[Object], Object] = as_it_is,
    ) -> None:
        """Bind the sources.

        Parameters
        ----------
        load
            Reads Kubernetes' definitions; called only when the store lacks something.
        crds
            The CustomResourceDefinitions of every cluster: a kind that none of a cluster's defines is unknown there.
        store
            Keeps compiled schemas; its keys must depend on the version of the definitions and of this package.
        whole
            See :attr:`onair.core.gate.model.Estate.whole`; called only when the store lacks something.
        """
        self._load, self._store, self._whole = load, store, whole
        self._crds: dict[str, dict[tuple[str, str], _Crd]] = {}
        for crd in crds:
            self._define(crd)
        self._found: dict[tuple[str, str, str], Kind | Problem] = {}
        self._made: dict[str, Kind] = {}

    def _define(self, crd: Object) -> None:
        group, kind, versions = (crd.get("spec", *path) for path in (("group",), ("names", "kind"), ("versions",)))
        # A broken definition defines nothing; its own schema says what is wrong with it.
        if isinstance(group, str) and isinstance(kind, str) and isinstance(versions, list):
            self._crds.setdefault(crd.cluster, {})[group, kind] = _Crd(crd, _by_name(versions))

    @cached_property
    def _definitions(self) -> Mapping[str, Schema]:
        return self._load()

    @cached_property
    def _index(self) -> dict[Gvk, str]:
        text = self._kept("index", lambda: json.dumps([[*gvk, name] for gvk, name in self._of_kubernetes()]))
        return {(group, version, kind): name for group, version, kind, name in json.loads(text)}

    def _of_kubernetes(self) -> Iterable[tuple[Gvk, str]]:
        from onair.core.gate.schema import strict  # noqa: PLC0415 - as below

        return strict.index(self._definitions).items()

    def _kept(self, key: str, make: Callable[[], str]) -> str:
        text = self._store.read(key)
        if text is None:
            text = make()
            self._store.write(key, text)
        return text

    def kind(self, cluster: str, api_version: str, kind: str) -> Kind | Problem:
        """Return a kind as a cluster knows it, or what is wrong with asking for it."""
        key = (cluster, api_version, kind)
        if key not in self._found:
            self._found[key] = self._kind(*key)
        return self._found[key]

    def problems(self, found: Object) -> Iterator[Problem]:
        """Find what is wrong with an object by its kind's schema."""
        kind = self.kind(found.cluster, found.api_version, found.kind)
        if isinstance(kind, Problem):
            yield kind
            return
        if kind.deprecated is not None:
            what = f"{found.api_version} {found.kind} is deprecated"
            yield Problem(("apiVersion",), "schema/deprecated", what, kind.deprecated)
        yield from _scope(found, namespaced=kind.namespaced)
        yield from kind.problems(found.body, masked=found.kind == "Secret")

    def _kind(self, cluster: str, api_version: str, kind: str) -> Kind | Problem:
        group, _, version = api_version.rpartition("/")
        custom = self._crds.get(cluster, {}).get((group, kind))
        if custom:
            return self._custom(custom, version, kind)
        name = self._index.get((group, version, kind))
        if name is None or kind in REQUESTS:
            return self._unknown(cluster, api_version, kind)
        if beta(version):
            what = f"{api_version} {kind} is not served: such versions are off unless the API server is told otherwise"
            return Problem(("apiVersion",), "schema/not-served", what, "use a version that is stable")
        key = f"core-{group}-{version}-{kind}"
        if key not in self._made:
            text = self._kept(key, lambda: self._core(name, kind))
            self._made[key] = Kind(text, kind not in CLUSTER_WIDE, DEPRECATED.get((api_version, kind)))
        return self._made[key]

    def _custom(self, crd: _Crd, version: str, kind: str) -> Kind | Problem:
        found = crd.versions.get(version)
        if found is None or not found.get("served"):
            served = ", ".join(name for name, one in crd.versions.items() if one.get("served"))
            what = f"{kind} is not served in version {version}"
            return Problem(("apiVersion",), "schema/not-served", what, f"served: {served}")
        schema = (found.get("schema") or {}).get("openAPIV3Schema") or {}
        old = (found.get("deprecationWarning") or "use a newer version") if found.get("deprecated") else None
        namespaced = crd.found.get("spec", "scope") == "Namespaced"
        # marshal is five times as quick as json here; its version 2 writes equal values alike
        key = f"custom-{hashlib.sha256(marshal.dumps([kind, schema, namespaced, old], 2)).hexdigest()}"
        if key not in self._made:
            text = self._kept(key, lambda: self._structural(crd, version, kind))
            self._made[key] = Kind(text, namespaced, old)
        return self._made[key]

    def _core(self, name: str, kind: str) -> str:
        from onair.core.gate.schema import strict  # noqa: PLC0415 - its tables are not needed where all is compiled

        return compiled(strict.core(self._definitions, name, kind))

    def _structural(self, crd: _Crd, version: str, kind: str) -> str:
        from onair.core.gate.schema import strict  # noqa: PLC0415 - as above

        found = _by_name(self._whole(crd.found).get("spec", "versions"))[version]
        schema = (found.get("schema") or {}).get("openAPIV3Schema") or {}
        return compiled(strict.custom(self._definitions, schema, kind))

    def _unknown(self, cluster: str, api_version: str, kind: str) -> Problem:
        removed = REMOVED.get((api_version, kind))
        if removed:
            what = f"{api_version} {kind} was removed in Kubernetes {removed.since}"
            return Problem(("apiVersion",), "schema/deprecated", what, f"use {removed.use}")
        if kind in REQUESTS:
            what = f"{kind} is a question to the API server and cannot be synced"
            return Problem(("kind",), "schema/unknown-kind", what, "remove it")
        custom = self._crds.get(cluster, {})
        known = {f"{group}/{version}".lstrip("/"): None for group, version, one in self._index if one == kind}
        known |= {
            f"{group}/{name}": None for (group, one), crd in custom.items() if one == kind for name in crd.versions
        }
        if known:
            mend = f"{kind} is known in {', '.join(known)}"
        else:
            meant = nearest(kind, {one for _, _, one in self._index} | {one for _, one in custom})
            mend = f"did you mean {meant}?" if meant else "install its CustomResourceDefinition on this cluster"
        what = f"{api_version or 'no apiVersion,'} {kind or 'no kind'} is no kind that {cluster} knows"
        return Problem(("kind",), "schema/unknown-kind", what, mend)


def _by_name(versions: Iterable[Any]) -> dict[str, Any]:
    return {str(one["name"]): one for one in versions if isinstance(one, dict) and "name" in one}


def _scope(found: Object, *, namespaced: bool) -> Iterator[Problem]:
    """Find a namespace that is missing, or one too many."""
    if namespaced and found.metadata and not found.namespace:
        what = f"a {found.kind} belongs to a namespace, and none is named"
        yield Problem(("metadata",), "schema/scope", what, "add `metadata.namespace:`, or `namespace:` in the leaf")
    elif not namespaced and found.namespace:
        what = f"a {found.kind} belongs to no namespace, {found.namespace} is named"
        yield Problem(("metadata", "namespace"), "schema/scope", what, "remove `metadata.namespace`")


def compiled(schema: Schema) -> str:
    """Return a schema and its keyed lists as text to keep: JSON, a line each."""
    return "\n".join(json.dumps(part, separators=(",", ":")) for part in (schema, lists.tree(schema)))
