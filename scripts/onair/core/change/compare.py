"""The semantic difference of two renderings: objects matched by identity, list items by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from onair.core.gate.model import Body, Identity, Object

Kind = Literal["added", "removed", "changed", "moved"]
Step = str | int

GENERATED = re.compile(r"(.+)-[2456789bcdfghkmt]{10}")
"""A name with Kustomize's content hash: hexadecimal digits with 0, 1, 3, a, e spelled g, h, k, m, t.

Source: https://github.com/kubernetes-sigs/kustomize/blob/master/api/hasher/hasher.go (encode).
"""
DEFINITION = "CustomResourceDefinition"
GENERATED_KINDS = frozenset({"ConfigMap", "Secret"})
NAMES = ("name", "containerPort", "port", "mountPath", "topologyKey", "key", "ip", "path")
"""Keys that tell a list's items apart, in order of preference.

The API server merges most lists by these (``x-kubernetes-list-map-keys``).
"""


class Field(NamedTuple):
    """One value that differs.

    Attributes
    ----------
    path
        Where it stands in ``Difference.shown``, so that it can be found in git.
    label
        The same for people, with names in place of positions: ``spec.containers[web].image``.
    keys
        The keys alone, lists stepped over: ``("spec", "containers", "image")``.
    old, new
        The values; None where there is none.
    """

    path: tuple[Step, ...]
    label: str
    keys: tuple[str, ...]
    old: Any
    new: Any


@dataclass(frozen=True)
class ObjectChange:
    """What happens to one object.

    Attributes
    ----------
    kind
        ``moved`` is an object that another Application of the same cluster brings from now on; an object whose
        generated name changed with its content is ``changed``.
    before, after
        The object; None where it does not exist.
    fields
        What differs; empty for what is added or removed.
    """

    kind: Kind
    before: Object | None
    after: Object | None
    fields: tuple[Field, ...] = ()

    @property
    def shown(self) -> Object:
        """The object that findings and reports speak of: as it will be, or as it was where it goes."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a change has an object before or after it")
        return found

    @property
    def cluster(self) -> str:
        """The cluster that it happens on."""
        return self.shown.cluster

    @property
    def application(self) -> str:
        """The Application that would bring it about; the earlier one's for what is removed."""
        return self.shown.application

    @property
    def identity(self) -> Identity:
        """What the object is called."""
        return self.shown.identity


def compare(before: Iterable[Object], after: Iterable[Object]) -> list[ObjectChange]:
    """Return what differs, by cluster, Application and object.

    Parameters
    ----------
    before, after
        The rendered objects; two of one identity in a cluster are another rule's finding, the last one counts here.
    """
    old = {(each.cluster, each.identity): each for each in before}
    new = {(each.cluster, each.identity): each for each in after}
    gone = [each for key, each in old.items() if key not in new]
    come = [each for key, each in new.items() if key not in old]
    renamed = _renamed(gone, come)
    pairs = [(old[key], each) for key, each in new.items() if key in old] + renamed
    taken = {id(each) for pair in renamed for each in pair}
    changes = [change for pair in pairs if (change := _changed(*pair))]
    changes += [ObjectChange("removed", each, None) for each in gone if id(each) not in taken]
    changes += [ObjectChange("added", None, each) for each in come if id(each) not in taken]
    return sorted(changes, key=lambda change: (change.cluster, change.application, change.identity))


def _changed(old: Object, new: Object) -> ObjectChange | None:
    moved = old.application != new.application
    # Definitions are most of an estate's text, and their types are checked by the schema: C's comparison is enough.
    equal = old.body == new.body if new.kind == DEFINITION else same(old.body, new.body)
    if equal and not moved:
        return None
    return ObjectChange("moved" if moved else "changed", old, new, tuple(differences(old.body, new.body)))


def same(old: Any, new: Any) -> bool:  # noqa: ANN401
    """Tell whether two values are written the same: unlike Python, YAML and the API server tell ``true`` from ``1``."""
    return bool(old == new) and _types_agree(old, new)


def _types_agree(old: Any, new: Any) -> bool:  # noqa: ANN401
    """Tell whether two values that Python calls equal have the same types throughout."""
    if isinstance(old, dict):
        return all(_types_agree(value, new[key]) for key, value in old.items() if not isinstance(value, str))
    if isinstance(old, list):
        return all(map(_types_agree, old, new))
    return type(old) is type(new)


def _renamed(gone: Sequence[Object], come: Sequence[Object]) -> list[tuple[Object, Object]]:
    """Pair generated objects whose name changed with their content, where there is no doubt which is which."""
    old, new = _by_stem(gone), _by_stem(come)
    return [(items[0], new[key][0]) for key, items in old.items() if len(items) == 1 and len(new.get(key, ())) == 1]


def _by_stem(objects: Sequence[Object]) -> dict[tuple[str, ...], list[Object]]:
    found: dict[tuple[str, ...], list[Object]] = {}
    for each in objects:
        if each.kind in GENERATED_KINDS and (match := GENERATED.fullmatch(each.name)):
            key = (each.cluster, each.application, each.kind, each.namespace, match[1])
            found.setdefault(key, []).append(each)
    return found


def differences(old: Body, new: Body) -> Iterator[Field]:
    """Iterate over the values that differ between two manifests, in the order of the new one."""
    yield from _walk(old, new, (), "", ())


def _walk(old: Any, new: Any, path: tuple[Step, ...], label: str, keys: tuple[str, ...]) -> Iterator[Field]:  # noqa: ANN401
    if same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*new, *(key for key in old if key not in new)]:
            step = str(key)
            inner = f"{label}.{step}" if label else step
            yield from _walk(old.get(key), new.get(key), (*path, step), inner, (*keys, step))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _items(old, new, path, label, keys)
    else:
        yield Field(path, label, keys, old, new)


def _items(
    old: list[Any], new: list[Any], path: tuple[Step, ...], label: str, keys: tuple[str, ...]
) -> Iterator[Field]:
    name = _naming(old, new)
    if name is None:
        yield from _sequence(old, new, path, label, keys)
        return
    by_name = {item[name]: item for item in old}
    for position, item in enumerate(new):
        yield from _walk(by_name.get(item[name]), item, (*path, position), f"{label}[{item[name]}]", keys)
    kept = {item[name] for item in new}
    for item in old:
        if item[name] not in kept:
            yield Field(path, f"{label}[{item[name]}]", keys, item, None)
    if [item[name] for item in old if item[name] in kept] != [item[name] for item in new if item[name] in by_name]:
        yield Field(path, f"{label} (order)", keys, [item[name] for item in old], [item[name] for item in new])


def _sequence(
    old: list[Any], new: list[Any], path: tuple[Step, ...], label: str, keys: tuple[str, ...]
) -> Iterator[Field]:
    """Compare lists without names: plain values as a whole, others position by position."""
    items = (*old, *new)
    # Beside a null, a position that is not there could not be told from one that holds nothing.
    if None in items or not any(isinstance(item, dict | list) for item in items):
        yield Field(path, label, keys, old, new)
        return
    for position in range(max(len(old), len(new))):
        left = old[position] if position < len(old) else None
        right = new[position] if position < len(new) else None
        yield from _walk(left, right, (*path, position), f"{label}[{position}]", keys)


def _naming(old: list[Any], new: list[Any]) -> str | None:
    """Return the key whose values tell the items of both lists apart."""
    items = [*old, *new]
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    for name in NAMES:
        if all(isinstance(item.get(name), str | int) for item in items) and all(
            len({item[name] for item in side}) == len(side) for side in (old, new)
        ):
            return name
    return None
