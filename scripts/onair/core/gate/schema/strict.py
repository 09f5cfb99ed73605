"""Turns published schemas into strict JSON Schema: no unknown key, no null, no value that the API server refuses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from onair.core.gate.schema.fields import FIELDS, NAMES
from onair.core.gate.schema.forms import DNS_NAME, GO_DURATION, QUANTITY, TEXT

Schema = dict[str, Any]
Gvk = tuple[str, str, str]
"""Group (empty for the core group), version and kind."""

META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
POD_TEMPLATE = "io.k8s.api.core.v1.PodTemplateSpec"
# Tools write these out empty and the API server takes them.
_NULLABLE = {"creationTimestamp"}
_WHOLE: dict[str, Schema] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": QUANTITY,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
}
_KEPT = {
    *("$ref", "additionalProperties", "allOf", "anyOf", "default", "enum", "exclusiveMaximum", "exclusiveMinimum"),
    *("items", "maximum", "maxItems", "maxLength", "maxProperties", "minimum", "minItems", "minLength"),
    *("minProperties", "multipleOf", "not", "oneOf", "pattern", "properties", "required", "type", "uniqueItems"),
    "x-kubernetes-list-map-keys",
}
_RANGES = {"int32": 2**31, "int64": 2**63}
_DEPRECATED = re.compile(r"(?:^|\n|\. |: )(?:Deprecated|DEPRECATED)[:.]\s*(.*?)(?:\. |\.?$)", re.DOTALL)
# Argo's durations are plain strings in its CRDs, parsed by Go when they are used.
_DURATIONS: dict[str, tuple[tuple[str, ...], ...]] = {
    "AnalysisTemplate": (("spec", "metrics", "[]", "interval"), ("spec", "metrics", "[]", "initialDelay")),
    "ClusterAnalysisTemplate": (("spec", "metrics", "[]", "interval"), ("spec", "metrics", "[]", "initialDelay")),
    "Application": tuple(("spec", "syncPolicy", "retry", "backoff", key) for key in ("duration", "maxDuration")),
}


def index(definitions: Mapping[str, Schema]) -> dict[Gvk, str]:
    """Return which definition describes which kind; only kinds that are stored are in it."""
    return {
        (each["group"], each["version"], each["kind"]): name
        for name, definition in definitions.items()
        if META in str(definition.get("properties", {}).get("metadata", ""))
        for each in definition.get("x-kubernetes-group-version-kind", ())
    }


def core(definitions: Mapping[str, Schema], name: str, kind: str) -> Schema:
    """Return the strict schema of a kind of Kubernetes' own.

    Parameters
    ----------
    definitions
        Kubernetes' definitions by full name.
    name
        The kind's definition (:func:`index`).
    kind
        The kind, which decides what names it takes.
    """
    root = _named({"$ref": f"#/$defs/{name}"}, NAMES.get(kind, DNS_NAME))
    return {**root, "$defs": _closure(definitions, [name, META])}


def custom(definitions: Mapping[str, Schema], schema: Schema, kind: str) -> Schema:
    """Return the strict schema of a custom resource.

    Parameters
    ----------
    definitions
        Kubernetes' definitions: metadata and pod templates inside of custom resources are as strict as elsewhere.
    schema
        ``openAPIV3Schema`` of the version that is used.
    kind
        The kind, for the fields that this tool knows more about than the schema.
    """
    root = _structural(schema)
    if "properties" in root:
        root["properties"].update(_type_meta())
    for path in _DURATIONS.get(kind, ()):
        _refine(root, path, GO_DURATION)
    return {**_named(root, DNS_NAME), "$defs": _closure(definitions, [META, *_references(root)])}


def _named(root: Schema, form: Schema) -> Schema:
    metadata = {"properties": {"name": form}, "anyOf": [{"required": ["name"]}, {"required": ["generateName"]}]}
    required = ["apiVersion", "kind", "metadata", *root.pop("required", ())]
    return {"allOf": [{"required": list(dict.fromkeys(required)), "properties": {"metadata": metadata}}, root]}


def _type_meta() -> Schema:
    return {"apiVersion": TEXT, "kind": TEXT, "metadata": {"$ref": f"#/$defs/{META}"}}


def _closure(definitions: Mapping[str, Schema], names: Iterable[str]) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or name not in definitions:
            continue
        found[name] = _definition(name, definitions[name])
        waiting += _references(found[name])
    return found


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix("#/$defs/")
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _definition(name: str, definition: Schema) -> Schema:
    if name in _WHOLE:
        return _WHOLE[name]
    more = FIELDS.get(name, {})
    result = _plain(definition)
    for field, form in more.items():
        if not field:
            result["required"] = list(dict.fromkeys([*result.get("required", ()), *form["required"]]))
            continue
        if "type" in form:
            result["properties"][field].pop("$ref", None)
        result["properties"][field].update(form)
    return result


def _plain(schema: Schema) -> Schema:
    """Strip a definition of prose and of null."""
    result = {key: value for key, value in schema.items() if key in _KEPT}
    if isinstance(result.get("type"), list):
        kept = [one for one in result["type"] if one != "null"]
        result["type"] = kept[0] if len(kept) == 1 else kept
    if schema.get("x-kubernetes-list-type") == "set":
        result["uniqueItems"] = True
    _range(result, schema.get("format"))
    if "properties" in result:
        result["properties"] = {key: _property(key, value) for key, value in result["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(result.get(key), dict):
            result[key] = _plain(result[key])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in result:
            result[key] = [_plain(each) for each in result[key]]
    return result


def _property(key: str, schema: Schema) -> Schema:
    if key in _NULLABLE:
        return {"type": ["string", "null"]}
    text = schema.get("description", "")
    said = _DEPRECATED.search(text) if isinstance(text, str) else None
    return {"not": {}, "x-deprecated": " ".join(said[1].split())} if said else _plain(schema)


def _range(result: Schema, form: object) -> None:
    if form in _RANGES and result.get("type") == "integer":
        result.setdefault("minimum", -_RANGES[str(form)])
        result.setdefault("maximum", _RANGES[str(form)] - 1)
    elif form == "date-time":
        result["format"] = "date-time"


def _structural(schema: Schema) -> Schema:
    """Return the strict form of a structural schema (CustomResourceDefinition).

    The API server drops what a structural schema does not name; here it is refused.
    source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning
    """
    if _is_pod_template(schema):
        return {"$ref": f"#/$defs/{POD_TEMPLATE}"}
    result = {key: value for key, value in schema.items() if key in _KEPT}
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    _range(result, schema.get("format"))
    if schema.get("x-kubernetes-list-type") == "set":
        result["uniqueItems"] = True
    if schema.get("nullable") and "type" in result:
        result["type"] = [*([result["type"]] if isinstance(result["type"], str) else result["type"]), "null"]
        if "enum" in result:
            result["enum"] = [*result["enum"], None]
    _children(result, schema)
    return result


def _children(result: Schema, schema: Schema) -> None:
    if "properties" in result:
        result["properties"] = {key: _structural(value) for key, value in result["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(result.get(key), dict):
            result[key] = _structural(result[key])
    if schema.get("x-kubernetes-embedded-resource"):
        result["properties"] = {**result.get("properties", {}), **_type_meta()}
        result["required"] = list(dict.fromkeys([*result.get("required", ()), "apiVersion", "kind", "metadata"]))
    if (
        schema.get("type") == "object"
        and "additionalProperties" not in schema
        and not schema.get("x-kubernetes-preserve-unknown-fields")
    ):
        result["additionalProperties"] = False


def _is_pod_template(schema: Schema) -> bool:
    spec = schema.get("properties", {}).get("spec", {})
    return "metadata" in schema.get("properties", {}) and "containers" in spec.get("properties", {})


def _refine(schema: Schema, path: tuple[str, ...], form: Schema) -> None:
    for step in path:
        schema = schema.get("items", {}) if step == "[]" else schema.get("properties", {}).get(step, {})
    if schema.get("type") == "string":
        schema.update(form)
